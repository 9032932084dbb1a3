// Asks the daemon to end and waits until it has. An fs process that has outlived its supervisor is ended here.
import { existsSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import type { CommandInput } from '../cli/command.ts';
import { connectToDaemon, instancesMeant } from '../control/client.ts';
import { type ExitCode, exitCodes } from '../errors.ts';
import { createLog } from '../log.ts';
import { orphansOf, stopOrphans } from '../mount/mount-from-orphan.ts';

const retryMs = 20;

export async function run(input: CommandInput): Promise<ExitCode> {
  const daemon = await connectToDaemon(input).catch(async (error: unknown) => {
    const orphans = instancesMeant(input).filter(({ record }) => orphansOf(record).length > 0);
    const [only, ...others] = orphans;
    if (!only || others.length > 0) throw error;
    await stopOrphans(only, createLog(process.stderr, 'warn'));
  });
  if (!daemon) return exitCodes.ok;
  await daemon.ask('stop');
  await daemon.closed;
  // The connection ends a moment before the process; scripts may rely on the process being gone.
  while (existsSync(`/proc/${daemon.pid}/exe`)) await delay(retryMs);
  return exitCodes.ok;
}
