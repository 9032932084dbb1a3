// Asks the daemon to end and waits until it has.
import { existsSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import type { CommandInput } from '../commands.ts';
import { connectToDaemon } from '../control-client.ts';
import { type ExitCode, exitCodes } from '../errors.ts';

const retryMs = 20;

export async function run(input: CommandInput): Promise<ExitCode> {
  const daemon = await connectToDaemon(input);
  await daemon.ask('stop');
  await daemon.closed;
  // The connection ends a moment before the process; scripts may rely on the process being gone.
  while (existsSync(`/proc/${daemon.pid}/exe`)) await delay(retryMs);
  return exitCodes.ok;
}
