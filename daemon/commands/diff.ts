// Shows what differs between two moments of a database: by table, by row, or as SQL.
import type { CommandInput } from '../cli/command.ts';
import { printResult } from '../cli/output.ts';
import { differenceText } from '../cli/past-text.ts';
import { showWaiting } from '../cli/waiting.ts';
import { type ExitCode, exitCodes } from '../errors.ts';
import type { Difference } from '../past/answers.ts';
import { momentParameter, type Parameters, withPast } from '../past/past.ts';

/** Of each table. */
const mostRows = '1000';

export async function run(input: CommandInput): Promise<ExitCode> {
  const [name = '', first = '', second = 'now'] = input.positionals;
  const [from, to] = [momentParameter(first, 'the first moment'), momentParameter(second, 'the second moment')];
  const isSql = input.switches.has('sql');
  const ask = <Answer>(more: Parameters) =>
    withPast(input, (past) =>
      showWaiting(process.stderr, `comparing ${name}`, () =>
        past.ask<Answer>('GET', 'db/diff', {
          db: past.path(name),
          from,
          to,
          table: input.values.get('table'),
          ...more,
        }),
      ),
    );
  if (isSql) {
    const sql = await ask<string>({ format: 'sql' });
    printResult(input, { sql }, sql);
    return exitCodes.ok;
  }
  const answer = await ask<Difference>({ rows: input.switches.has('rows') ? mostRows : '0' });
  printResult(input, answer, differenceText(answer));
  return exitCodes.ok;
}
