// Makes an old state of a database the newest one. Programs that have it open go on.
import type { CommandInput } from '../cli/command.ts';
import type { ExitCode } from '../errors.ts';
import { momentFlag } from '../past/past.ts';
import { rewind } from '../past/rewinding.ts';

export async function run(input: CommandInput): Promise<ExitCode> {
  return await rewind(input, 'db/rewind', { at: momentFlag(input) });
}
