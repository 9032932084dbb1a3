// Prints the completion of a shell.
import type { CommandInput } from '../cli/command.ts';
import { commands } from '../cli/command-table.ts';
import { bashCompletion } from '../cli/completion-bash.ts';
import { fishCompletion } from '../cli/completion-fish.ts';
import { zshCompletion } from '../cli/completion-zsh.ts';
import { print } from '../cli/output.ts';
import { type ExitCode, exitCodes, usageError } from '../errors.ts';

const shells: Readonly<Record<string, typeof bashCompletion>> = {
  bash: bashCompletion,
  zsh: zshCompletion,
  fish: fishCompletion,
};

export async function run({ positionals: [shell = ''] }: CommandInput): Promise<ExitCode> {
  const completion = Object.hasOwn(shells, shell) ? shells[shell] : undefined;
  if (!completion) throw usageError(`unknown shell "${shell}"`, 'bash, zsh or fish');
  print(completion(commands));
  return exitCodes.ok;
}
