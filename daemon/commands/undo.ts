// Takes the newest rewind of a database back.
import type { CommandInput } from '../cli/command.ts';
import type { ExitCode } from '../errors.ts';
import { rewind } from '../past/rewinding.ts';

export async function run(input: CommandInput): Promise<ExitCode> {
  return await rewind(input, 'db/undo', {});
}
