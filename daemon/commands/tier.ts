// Databases that work in RAM: which they are, moves between RAM and disk, and durable copies at once.

import { relative } from 'node:path';
import type { CommandInput } from '../cli/command.ts';
import { printResult } from '../cli/output.ts';
import { setTierText, tierText } from '../cli/tier-text.ts';
import { showWaiting } from '../cli/waiting.ts';
import { connectToDaemon, type DaemonConnection } from '../control/client.ts';
import { databasePath } from '../databases/name.ts';
import { CommandError, type ExitCode, exitCodes, usageError } from '../errors.ts';
import { pastOf } from '../past/past.ts';
import type { Holder, TierAnswer, TierList, TierRequest } from '../ramdisk/requests.ts';
import { type TierName, tierNameOf, tierNames } from '../ramdisk/tier-names.ts';

type Act = (input: CommandInput, daemon: DaemonConnection) => Promise<void>;

const acts: Readonly<Record<string, Act>> = { list, set, flush, keep };

export async function run(input: CommandInput): Promise<ExitCode> {
  const [what = ''] = input.positionals;
  const act = Object.hasOwn(acts, what) ? acts[what] : undefined;
  if (!act) throw usageError(`unknown action "${what}"`, `one of ${Object.keys(acts).join(', ')}`);
  const daemon = await connectToDaemon(input);
  try {
    await act(input, daemon);
  } finally {
    daemon.close();
  }
  return exitCodes.ok;
}

async function list(input: CommandInput, daemon: DaemonConnection): Promise<void> {
  const found = await ask<TierList>(daemon, { op: 'list' });
  printResult(input, found, tierText(found));
}

/** The server does it, since its own processes may have the database open. */
async function set(input: CommandInput, daemon: DaemonConnection): Promise<void> {
  const db = nameOf(input, daemon);
  const tier = tierOf(input);
  const { moved, holders } = await showWaiting(process.stderr, `moving ${db}`, () =>
    pastOf(daemon).ask<{ readonly moved: boolean; readonly holders: readonly Holder[] }>('POST', 'db/tier', {
      db,
      tier,
    }),
  );
  printResult(input, { database: db, tier, isMoved: moved, holders }, setTierText(db, tier, moved, holders));
}

async function flush(input: CommandInput, daemon: DaemonConnection): Promise<void> {
  const database = input.positionals[1] === undefined ? undefined : nameOf(input, daemon);
  await showWaiting(process.stderr, 'copying what is new', () =>
    ask(daemon, { op: 'flush', ...(database !== undefined && { database }) }),
  );
  printResult(input, { flushed: database ?? 'all' }, 'every durable copy is up to date\n');
}

async function keep(input: CommandInput, daemon: DaemonConnection): Promise<void> {
  const database = nameOf(input, daemon);
  const copy = tierOf(input);
  await ask(daemon, { op: 'keep', database, copy });
  printResult(
    input,
    { database, kept: copy },
    `${database} goes on with its copy ${copy === 'ram' ? 'in RAM' : 'on the disk'}\n`,
  );
}

async function ask<Value>(daemon: DaemonConnection, request: TierRequest): Promise<Value> {
  const answer = (await daemon.ask('tier', request)) as TierAnswer<unknown>;
  if (!answer.ok) throw new CommandError(exitCodes.failed, answer.message);
  return answer.value as Value;
}

function nameOf({ positionals }: CommandInput, daemon: DaemonConnection): string {
  const [, name] = positionals;
  if (name === undefined) throw usageError('no database is named', 'give its name, as app.db');
  const root = daemon.roots[0] ?? daemon.data;
  return relative(root, databasePath(name, root));
}

function tierOf({ positionals }: CommandInput): TierName {
  const [, , tier] = positionals;
  const hint = `one of ${tierNames.join(', ')}`;
  if (tier === undefined) throw usageError('no tier is named', hint);
  const name = tierNameOf(tier);
  if (name === undefined) throw usageError(`"${tier}" is no tier`, hint);
  return name;
}
