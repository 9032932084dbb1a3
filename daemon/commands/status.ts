// Shows what the running daemon does: everything as JSON, or the essentials for a person.
import type { CommandInput } from '../commands.ts';
import { connectToDaemon } from '../control-client.ts';
import { type ExitCode, exitCodes } from '../errors.ts';
import type { DaemonStatus } from '../status.ts';
import { statusText } from '../status-text.ts';

export async function run(input: CommandInput): Promise<ExitCode> {
  const daemon = await connectToDaemon(input);
  try {
    const status = (await daemon.ask('status')) as DaemonStatus;
    process.stdout.write(input.switches.has('json') ? `${JSON.stringify(status)}\n` : statusText(status));
  } finally {
    daemon.close();
  }
  return exitCodes.ok;
}
