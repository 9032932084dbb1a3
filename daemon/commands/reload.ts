// Asks the daemon to replace its fs process and its server by new ones.
import type { CommandInput } from '../cli/command-table.ts';
import { type ExitCode, exitCodes } from '../cli/errors.ts';
import { connectToDaemon } from '../control/client.ts';

export async function run(input: CommandInput): Promise<ExitCode> {
  const daemon = await connectToDaemon(input);
  try {
    await daemon.ask('reload');
  } finally {
    daemon.close();
  }
  return exitCodes.ok;
}
