// Makes a new database of an old state of another one.
import type { CommandInput } from '../cli/command.ts';
import { printResult } from '../cli/output.ts';
import { momentText } from '../cli/past-text.ts';
import { bytesText } from '../cli/status-text.ts';
import { showWaiting } from '../cli/waiting.ts';
import { type ExitCode, exitCodes } from '../errors.ts';
import type { ForkAnswer } from '../past/answers.ts';
import { momentFlag, withPast } from '../past/past.ts';

export async function run(input: CommandInput): Promise<ExitCode> {
  const [name = '', newName = ''] = input.positionals;
  const at = momentFlag(input);
  const { answer, database } = await withPast(input, async (past) => ({
    database: past.nameBelow(newName),
    answer: await showWaiting(process.stderr, `making ${newName}`, () =>
      past.ask<ForkAnswer>('POST', 'db/fork', { db: past.path(name), to: past.path(newName), at }),
    ),
  }));
  const text = `${database} holds what ${name} held at ${momentText(answer.moment)}, ${bytesText(answer.size)}\n`;
  printResult(input, answer, text);
  return exitCodes.ok;
}
