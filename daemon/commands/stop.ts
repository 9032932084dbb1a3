// Asks the daemon to end and waits until it has. An fs process that has outlived its supervisor is ended here.
import { existsSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import type { CommandInput } from '../cli/command.ts';
import { printResult } from '../cli/output.ts';
import { connectToDaemon, instancesMeant } from '../control/client.ts';
import type { StopRequest } from '../control/stop-request.ts';
import { type ExitCode, exitCodes, usageError } from '../errors.ts';
import { createLog } from '../log.ts';
import { orphansOf, stopOrphans } from '../mount/mount-from-orphan.ts';

const retryMs = 20;

export async function run(input: CommandInput): Promise<ExitCode> {
  const request = requestOf(input);
  const daemon = await connectToDaemon(input).catch(async (error: unknown) => {
    const orphans = instancesMeant(input).filter(({ record }) => orphansOf(record).length > 0);
    const [only, ...others] = orphans;
    if (!only || others.length > 0) throw error;
    await stopOrphans(only, createLog(process.stderr, 'warn'));
    printResult(input, { pid: only.record.pid, data: only.record.data, stopped: true }, '');
  });
  if (!daemon) return exitCodes.ok;
  await daemon.ask('stop', request);
  await daemon.closed;
  // The connection ends a moment before the process; scripts may rely on the process being gone.
  while (existsSync(`/proc/${daemon.pid}/exe`)) await delay(retryMs);
  printResult(input, { pid: daemon.pid, data: daemon.data, stopped: true }, '');
  return exitCodes.ok;
}

/** Only a flag counts: a variable HOODY_SQLITE_DRAIN is meant for the daemon, which has it already. */
function requestOf({ flags, switches, settings }: CommandInput): StopRequest {
  const isGiven = flags.has('drainSeconds');
  if (isGiven && switches.has('force'))
    throw usageError('--force waits for nobody, and --drain waits', 'give one of them');
  if (switches.has('force')) return { drainSeconds: 0 };
  return isGiven ? { drainSeconds: settings.drainSeconds } : {};
}
