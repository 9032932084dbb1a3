// Lists the commits of a database, newest first: when, who, how much, which tables.
import type { CommandInput } from '../cli/command.ts';
import { printResult } from '../cli/output.ts';
import { historyText } from '../cli/past-text.ts';
import { integer } from '../config/option-values.ts';
import { type ExitCode, exitCodes, messageOf, usageError } from '../errors.ts';
import type { HistoryAnswer } from '../past/answers.ts';
import { momentParameter, withPast } from '../past/past.ts';

const defaultLimit = '20';
const mostLimit = 1000;

export async function run(input: CommandInput): Promise<ExitCode> {
  const { values, positionals } = input;
  const moment = (flag: string) => {
    const text = values.get(flag);
    return text === undefined ? undefined : momentParameter(text, `--${flag}`);
  };
  const [since, until] = [moment('since'), moment('until')];
  const limit = limitOf(values.get('limit') ?? defaultLimit);
  const answer = await withPast(input, (past) =>
    past.ask<HistoryAnswer>('GET', 'db/history', {
      db: past.path(positionals[0] ?? ''),
      since,
      until,
      limit,
      table: values.get('table'),
      tables: 'true',
    }),
  );
  printResult(input, answer, historyText(answer));
  return exitCodes.ok;
}

function limitOf(text: string): string {
  try {
    return String(integer(1, mostLimit)(text));
  } catch (error) {
    throw usageError(`--limit: ${messageOf(error)}, not "${text}"`);
  }
}
