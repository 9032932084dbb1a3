// Shows what the running daemon does: everything as JSON, or the essentials for a person.
import { setTimeout as delay } from 'node:timers/promises';
import type { CommandInput } from '../cli/command.ts';
import { statusText } from '../cli/status-text.ts';
import { connectToDaemon } from '../control/client.ts';
import { type ExitCode, exitCodes } from '../errors.ts';
import type { DaemonStatus } from '../supervisor/status.ts';

/** A person is told what happens per second, for which two looks are needed. */
const secondsBetweenLooks = 1;

export async function run(input: CommandInput): Promise<ExitCode> {
  const daemon = await connectToDaemon(input);
  const look = async () => (await daemon.ask('status')) as DaemonStatus;
  try {
    const status = await look();
    if (input.switches.has('json')) {
      process.stdout.write(`${JSON.stringify(status)}\n`);
    } else {
      await delay(secondsBetweenLooks * 1000);
      process.stdout.write(statusText(await look(), status, secondsBetweenLooks));
    }
  } finally {
    daemon.close();
  }
  return exitCodes.ok;
}
