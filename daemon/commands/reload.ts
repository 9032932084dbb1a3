// Asks the daemon to replace its fs process and its server by new ones.
import type { CommandInput } from '../commands.ts';
import { connectToDaemon } from '../control-client.ts';
import { type ExitCode, exitCodes } from '../errors.ts';

export async function run(input: CommandInput): Promise<ExitCode> {
  const daemon = await connectToDaemon(input);
  try {
    await daemon.ask('reload');
  } finally {
    daemon.close();
  }
  return exitCodes.ok;
}
