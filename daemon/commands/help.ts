// Prints the help: of the program, or of one command.
import type { CommandInput } from '../cli/command.ts';
import { commands } from '../cli/command-table.ts';
import { helpText } from '../cli/help.ts';
import { print } from '../cli/output.ts';
import { type ExitCode, exitCodes, usageError } from '../errors.ts';

export async function run({ positionals }: CommandInput): Promise<ExitCode> {
  const [name] = positionals;
  const command = commands.find((row) => row.name === name);
  if (name !== undefined && !command) throw usageError(`unknown command "${name}"`, 'hoody-sqlite help lists them');
  print(helpText(command));
  return exitCodes.ok;
}
