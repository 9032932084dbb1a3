// Prints the version.
import type { CommandInput } from '../cli/command.ts';
import { printResult } from '../cli/output.ts';
import { type ExitCode, exitCodes } from '../errors.ts';
import { programVersion } from '../version.ts';

export async function run(input: CommandInput): Promise<ExitCode> {
  const version = programVersion();
  printResult(input, { version, node: process.versions.node }, `hoody-sqlite ${version}\n`);
  return exitCodes.ok;
}
