// Prints the version.
import { type ExitCode, exitCodes } from '../cli/errors.ts';
import { programVersion } from '../cli/version.ts';

export async function run(): Promise<ExitCode> {
  process.stdout.write(`hoody-sqlite ${programVersion()}\n`);
  return exitCodes.ok;
}
