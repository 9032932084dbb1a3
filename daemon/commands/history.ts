// Lists the commits of a database, newest first: when, who, how much, which tables.
import type { CommandInput } from '../cli/command.ts';
import { printResult } from '../cli/output.ts';
import { historyText } from '../cli/past-text.ts';
import { integer } from '../config/option-values.ts';
import { type ExitCode, exitCodes, messageOf, usageError } from '../errors.ts';
import type { HistoryAnswer } from '../past/answers.ts';
import { timeOf, withPast } from '../past/past.ts';

const defaultLimit = '20';
const mostLimit = 1000;

export async function run(input: CommandInput): Promise<ExitCode> {
  const { values, positionals } = input;
  const seconds = (flag: string) => {
    const text = values.get(flag);
    return text === undefined ? undefined : String(timeOf(text, `--${flag}`) / 1000);
  };
  const [since, until] = [seconds('since'), seconds('until')];
  const limit = limitOf(values.get('limit') ?? defaultLimit);
  const answer = await withPast(input, (past) =>
    past.ask<HistoryAnswer>('GET', 'db/history', {
      db: past.path(positionals[0] ?? ''),
      since,
      until,
      before: values.get('before'),
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
