// Rounds of rewinds of one database under the hands of writers and readers; throws at the first thing that is wrong.
import { setTimeout as sleep } from 'node:timers/promises';
import Database from 'better-sqlite3';
import { expect } from 'vitest';
import { eventually } from '../helpers/eventually.ts';
import { problemsOf, RewoundDatabase, rowsOf, type State, startReader, startWriter } from './rewound-database.ts';

export interface Rounds {
  readonly root: string;
  readonly pageBytes: number;
  readonly rounds: number;
  /** Default: WAL. */
  readonly journalMode?: string;
  readonly writers: readonly (keyof typeof startWriter)[];
  /** The rewinder is killed at a random moment in this part of the rounds. */
  readonly killed?: number;
  /** Rounds go on until so many kills came before the end of their rewind: a kill that comes later is none. */
  readonly atLeastKills?: number;
  readonly random: () => number;
}

export interface Report {
  readonly committed: number;
  readonly rewinds: number;
  readonly kills: number;
  /** Kills after which the old state was there all the same. */
  readonly doneBeforeKill: number;
}

/** What the last rewind left: the rows of its state, and each writer's last number before it. */
interface Left {
  readonly rows: ReadonlyMap<string, readonly number[]>;
  readonly last: ReadonlyMap<string, number>;
}

export async function runRounds(wanted: Rounds): Promise<Report> {
  const { root, pageBytes, rounds, writers, killed = 0, atLeastKills = 0, random, journalMode = 'WAL' } = wanted;
  const database = new RewoundDatabase(root, pageBytes, { journalMode });
  // As long as somebody has the database open, its write-ahead log stays.
  const keeper = new Database(database.path);
  keeper.pragma('synchronous');
  const names = writers.map((kind, at) => `${kind} ${at}`);
  const programs = writers.map((kind, at) => startWriter[kind](database.path, names[at] ?? ''));
  const readers = [1, 2].map(() => startReader(database.path));
  const states: State[] = [];
  let left: Left = { rows: new Map(), last: new Map() };
  let [rewinds, kills, doneBeforeKill] = [0, 0, 0];
  // How long a rewind takes on this machine: a kill must come before its end, and seldom while the process only starts.
  let rewindMs: number | undefined;
  try {
    await eventually(() => {
      for (const { lines, errors } of programs) expect(lines.length, errors).toBeGreaterThan(0);
    });
    for (let round = 0; round < rounds || (kills < atLeastKills && round < 20 * rounds); round += 1) {
      await sleep(20 + random() * 100);
      if (round % 7 === 3) database.run(schemaChange(round));
      if (round % 5 === 2) database.run(`PRAGMA wal_checkpoint(${['PASSIVE', 'RESTART', 'TRUNCATE'][round % 3]})`);
      if (round % 3 === 0 || states.length === 0)
        states[Math.floor(random() * 4) % (states.length + 1)] = database.state();
      const target = states[Math.floor(random() * states.length)] as State;
      let newest: State | undefined;
      let kill: NodeJS.Timeout | undefined;
      const isKilled = rewindMs !== undefined && random() < killed;
      const killAfterMs = (rewindMs ?? 0) * (0.3 + random() * 0.8);
      const startedMs = performance.now();
      const rewind = database.rewind(
        target,
        (found) => {
          newest = found;
          checkRows(rowsOf(found), left);
        },
        (child) => {
          if (isKilled) kill = setTimeout(() => child.kill('SIGKILL'), killAfterMs);
        },
      );
      const done = await rewind.then(
        () => true,
        (error) => {
          if (!isKilled) throw error;
          return false;
        },
      );
      clearTimeout(kill);
      if (done) rewindMs = performance.now() - startedMs;
      rewinds += done ? 1 : 0;
      kills += done ? 0 : 1;
      const now = database.state();
      expect(problemsOf(now)).toBe('ok');
      if (newest === undefined) continue;
      const after: Left = { rows: rowsOf(target), last: lastOf(rowsOf(newest), left) };
      if (done || hasHappened(rowsOf(now), after, left)) {
        doneBeforeKill += done ? 0 : 1;
        left = after;
      }
      checkRows(rowsOf(now), left);
    }
  } finally {
    await Promise.all([...programs, ...readers].map((program) => program.end()));
  }
  const end = database.state();
  if (journalMode === 'WAL') {
    expect(database.recovered().equals(end), 'the log says the same as its index').toBe(true);
    database.run('PRAGMA wal_checkpoint(TRUNCATE)');
    expect(database.state().equals(end), 'a checkpoint changes nothing').toBe(true);
  }
  keeper.close();
  database.close();
  const rows = rowsOf(end);
  checkRows(rows, left);
  expect([...programs, ...readers].map(({ errors }) => errors).join('')).toBe('');
  names.forEach((name, at) => {
    const acknowledged = Number(programs[at]?.lines.at(-1) ?? -1);
    expect(Math.max(rows.get(name)?.at(-1) ?? -1, left.last.get(name) ?? -1), name).toBeGreaterThanOrEqual(
      acknowledged,
    );
  });
  for (const { lines } of readers) expect(lines).toEqual([expect.stringMatching(/^seen [1-9]/)]);
  const committed = programs.reduce((sum, { lines }) => sum + lines.length, 0);
  return { committed, rewinds, kills, doneBeforeKill };
}

/** Another schema, more pages, fewer pages. */
function schemaChange(round: number): string {
  return `CREATE TABLE IF NOT EXISTS extra${round}(x, y); INSERT INTO extra${round} SELECT value, zeroblob(3000)
    FROM generate_series(1, 200); CREATE INDEX IF NOT EXISTS extra${round}_x ON extra${round}(x)`.replace(
    'generate_series(1, 200)',
    '(WITH RECURSIVE n(value) AS (SELECT 1 UNION ALL SELECT value + 1 FROM n LIMIT 200) SELECT value FROM n)',
  );
}

/** Exactly the rows of the old state, and of each writer all that it has written since, without a hole. */
function checkRows(rows: ReadonlyMap<string, readonly number[]>, { rows: old, last }: Left): void {
  for (const writer of new Set([...rows.keys(), ...old.keys()])) {
    const numbers = rows.get(writer) ?? [];
    const before = last.get(writer) ?? -1;
    const kept = numbers.filter((number) => number <= before);
    const since = numbers.filter((number) => number > before);
    expect(kept, `${writer}: rows of the old state`).toEqual(old.get(writer) ?? []);
    expect(since, `${writer}: rows since`).toEqual(since.map((_, at) => before + 1 + at));
  }
}

function lastOf(rows: ReadonlyMap<string, readonly number[]>, { last }: Left): ReadonlyMap<string, number> {
  const writers = new Set([...rows.keys(), ...last.keys()]);
  return new Map([...writers].map((name) => [name, Math.max(rows.get(name)?.at(-1) ?? -1, last.get(name) ?? -1)]));
}

/** Whether a rewind that was killed has been committed: only then all rows fit to it. */
function hasHappened(rows: ReadonlyMap<string, readonly number[]>, after: Left, before: Left): boolean {
  try {
    checkRows(rows, before);
    return false;
  } catch {
    checkRows(rows, after);
    return true;
  }
}
