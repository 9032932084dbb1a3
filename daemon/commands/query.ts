// Runs a SELECT on a database, as it is or as it was.
import type { CommandInput } from '../cli/command.ts';
import { printResult } from '../cli/output.ts';
import { queryText } from '../cli/past-text.ts';
import { showWaiting } from '../cli/waiting.ts';
import { type ExitCode, exitCodes } from '../errors.ts';
import type { QueryAnswer } from '../past/answers.ts';
import { momentParameter, withPast } from '../past/past.ts';

export async function run(input: CommandInput): Promise<ExitCode> {
  const [name = '', sql = ''] = input.positionals;
  const text = input.values.get('at');
  const at = text === undefined ? undefined : momentParameter(text, '--at');
  const answer = await withPast(input, (past) =>
    showWaiting(process.stderr, `asking ${name}`, () =>
      past.ask<QueryAnswer>('GET', 'query', { db: past.path(name), sql, at }),
    ),
  );
  printResult(input, answer, queryText(answer));
  return exitCodes.ok;
}
