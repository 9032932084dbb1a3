// A rewind as the commands `rewind` and `undo` do it: first what it would change, then the question, then the rewind.
import { createInterface } from 'node:readline/promises';
import type { CommandInput } from '../cli/command.ts';
import { print, printResult, wantsJson } from '../cli/output.ts';
import { momentText, rewindText } from '../cli/past-text.ts';
import { showWaiting } from '../cli/waiting.ts';
import { CommandError, type ExitCode, exitCodes, usageError } from '../errors.ts';
import type { DoneRewind, PlannedRewind } from './answers.ts';
import { type Parameters, withPast } from './past.ts';

/** `moment`: which one it goes to, as parameters of the route; nothing for `db/undo`. */
export async function rewind(
  input: CommandInput,
  route: 'db/rewind' | 'db/undo',
  moment: Parameters,
): Promise<ExitCode> {
  const name = input.positionals[0] ?? '';
  return await withPast(input, async (past) => {
    const database = past.nameBelow(name);
    const ask = <Answer>(more: Parameters) =>
      showWaiting(process.stderr, `reading the past of ${name}`, () =>
        past.ask<Answer>('POST', route, { db: past.path(name), ...moment, ...more }),
      );
    const isDryRun = input.switches.has('dry-run');
    if (isDryRun || !input.switches.has('yes')) {
      if (!isDryRun) requireTerminal(input, database);
      const planned = await ask<PlannedRewind>({});
      if (isDryRun) {
        printResult(input, planned, `${rewindText(database, planned)}nothing was changed: this was a dry run\n`);
        return exitCodes.ok;
      }
      await requireConsent(database, planned);
    }
    const done = await ask<DoneRewind>({ confirm: 'yes' });
    printResult(input, done, doneText(database, name, done));
    return exitCodes.ok;
  });
}

function doneText(database: string, name: string, { to, changed }: DoneRewind): string {
  if (!changed) return `${database} is as it was at ${momentText(to)} already\n`;
  return `${database} is as it was at ${momentText(to)}; hoody-sqlite undo ${name} takes that back\n`;
}

/** @throws CommandError where nobody can be asked */
function requireTerminal(input: CommandInput, database: string): void {
  if (!wantsJson(input) && process.stdin.isTTY) return;
  throw usageError(`nothing was changed: ${database} is only rewound with --yes`, 'look at it with --dry-run first');
}

/** @throws CommandError where the answer is no */
async function requireConsent(database: string, planned: PlannedRewind): Promise<void> {
  print(rewindText(database, planned));
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  try {
    const answer = await terminal.question(`rewind ${database}? [y/N] `);
    if (!/^y(es)?$/i.test(answer.trim())) throw new CommandError(exitCodes.failed, 'nothing was changed');
  } finally {
    terminal.close();
  }
}
