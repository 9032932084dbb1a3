// Prints the version.
import { type ExitCode, exitCodes } from '../errors.ts';
import { programVersion } from '../version.ts';

export async function run(): Promise<ExitCode> {
  process.stdout.write(`hoody-sqlite ${programVersion()}\n`);
  return exitCodes.ok;
}
