// Requests of SQL that share a transaction are answered, and leave the database, as if each had run alone: whatever
// they are, and however they fail.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { Connection } from '../../../../server/executor/connection.ts';
import { operations } from '../../../../server/executor/operations.ts';
import type { Job } from '../../../../server/executor/run-group.ts';
import { runShared } from '../../../../server/executor/run-shared.ts';
import type { Outcome } from '../../../../server/messages/jobs.ts';
import type { TransactionAnswer } from '../../../../server/messages/operations/sql.ts';
import { GuardedDatabase } from '../../../helpers/guarded-database.ts';

const schema = `
  CREATE TABLE plain(id INTEGER PRIMARY KEY, n INTEGER CHECK (n < 100), t TEXT UNIQUE);
  CREATE TABLE strict_one(id INTEGER PRIMARY KEY ON CONFLICT ROLLBACK, n);
  CREATE TABLE counted(id INTEGER PRIMARY KEY AUTOINCREMENT, n);
  CREATE TABLE parent(id INTEGER PRIMARY KEY);
  CREATE TABLE child(p REFERENCES parent DEFERRABLE INITIALLY DEFERRED);
  CREATE TABLE guarded(n);
  CREATE TRIGGER no_seven BEFORE INSERT ON guarded WHEN new.n = 7
    BEGIN SELECT raise(ROLLBACK, 'no seven'); END;
  CREATE TRIGGER no_eight BEFORE INSERT ON guarded WHEN new.n = 8
    BEGIN SELECT raise(FAIL, 'no eight'); END;`;

type Item = Record<string, unknown>;
type Random = (below: number) => number;

/** One request of each kind: items, or a body that is none. */
const kinds: readonly ((random: Random) => readonly Item[] | string)[] = [
  (random) => [{ statement: 'INSERT INTO plain(n, t) VALUES (?, ?)', values: [random(120), `t${random(30)}`] }],
  (random) => [{ statement: 'INSERT OR IGNORE INTO plain(n, t) VALUES (?, ?)', values: [1, `t${random(30)}`] }],
  (random) => [{ statement: 'INSERT OR REPLACE INTO plain(n, t) VALUES (?, ?)', values: [2, `t${random(30)}`] }],
  (random) => [{ statement: 'INSERT OR FAIL INTO plain(n, t) VALUES (1, ?), (2, ?)', values: [`u${random(9)}`, 't1'] }],
  (random) => [{ statement: `INSERT OR ROLLBACK INTO plain(n, t) VALUES (3, 't${random(30)}')` }],
  (random) => [{ statement: 'INSERT INTO strict_one VALUES (?, 1)', values: [random(12)] }],
  (random) => [
    { statement: 'INSERT INTO counted(n) VALUES (?)', values: [random(9)] },
    { statement: 'INSERT INTO strict_one VALUES (?, 2)', values: [random(12)], noFail: true },
  ],
  (random) => [{ statement: 'INSERT INTO guarded VALUES (?)', values: [random(10)] }],
  (random) => [
    { statement: 'INSERT INTO counted(n) VALUES (1)' },
    { statement: 'INSERT INTO guarded VALUES (?)', values: [random(10)], noFail: true },
  ],
  (random) => [{ statement: 'UPDATE plain SET n = n + 1 WHERE id < ?', values: [random(20)] }],
  (random) => [{ statement: 'DELETE FROM plain WHERE id % 7 = ?', values: [random(7)] }],
  (random) => [{ statement: 'DELETE FROM plain WHERE id = ? RETURNING id, t', values: [random(40)] }],
  () => [{ statement: "INSERT INTO counted(n) VALUES (5); INSERT INTO plain(n) VALUES (500); SELECT 'never'" }],
  () => [{ statement: 'INSERT INTO counted(n) VALUES (6)' }, { query: 'SELECT changes(), last_insert_rowid()' }],
  () => [{ statement: 'INSERT INTO counted(n) VALUES (7)' }, { query: 'SELECT count(*), sum(n) FROM counted' }],
  () => [{ statement: 'INSERT INTO counted(n) VALUES (8)' }, { query: 'SELECT nothing FROM nowhere' }],
  () => [{ statement: 'INSERT INTO counted(n) VALUES (?)', values: [] }],
  () => [{ statement: 'INSERT INTO counted(n) VALUES (9)' }, { statement: 'DELETE FROM "hoody:kv_meta"' }],
  (random) => [
    {
      statement: 'INSERT INTO plain(n, t) VALUES (?, ?)',
      valuesBatch: [
        [1, 't1'],
        [random(200), 't2'],
      ],
      noFail: true,
    },
  ],
  (random) => [{ statement: 'INSERT INTO guarded VALUES (?)', valuesBatch: [[1], [random(10)]], noFail: true }],
  (random) => [
    { statement: 'PRAGMA foreign_keys=ON' },
    { statement: 'INSERT INTO child VALUES (?)', values: [random(6)] },
  ],
  (random) => [{ statement: 'INSERT OR IGNORE INTO parent VALUES (?)', values: [random(6)] }],
  (random) => [{ statement: 'PRAGMA recursive_triggers=ON' }, { statement: `PRAGMA user_version=${random(9)}` }],
  (random) => [{ statement: `CREATE TABLE made_${random(3)}(a)` }],
  (random) => [{ statement: `DROP TABLE made_${random(3)}` }],
  (random) => [{ statement: `ALTER TABLE guarded ADD COLUMN c${random(20)}` }],
  () => [{ query: 'SELECT * FROM guarded' }, { statement: 'INSERT INTO counted(n) VALUES (10)' }],
  () => [{ statement: 'CREATE TEMP TABLE plain(n, t)' }, { statement: 'INSERT INTO plain(n) VALUES (1)' }],
  () => [{ statement: 'ROLLBACK' }],
  (random) => [{ statement: 'INSERT INTO kv_store(key, value) VALUES (?, 1)', values: [`k${random(10)}`] }],
  () => '{"transaction":',
  () => '{"transaction":[]}',
];

/** Reproducible: a failure names its seed. */
function randomOf(seed: number): Random {
  let state = seed * 2_654_435_761 + 1;
  return (below) => {
    state = (Math.imul(state ^ (state >>> 15), 0x2c1b3c6d) + 0x9e3779b9) | 0;
    return ((state ^ (state >>> 13)) >>> 0) % below;
  };
}

function bodiesOf(random: Random, count: number): string[] {
  return Array.from({ length: count }, () => {
    const request = kinds[random(kinds.length)]?.(random) ?? '';
    return typeof request === 'string' ? request : JSON.stringify({ transaction: request });
  });
}

function jobOf(body: string, index: number, operation = 'transaction'): Job {
  const row = operations.get(`sql.${operation}`);
  const args = { body: Buffer.from(body), clientIp: `client ${index}` };
  return {
    run: (connection) => row?.run(connection, args, {} as never),
    share: (connection) => row?.share?.(connection, args) ?? null,
  };
}

/** What a client sees of an outcome, and what the query history gets. */
function seen({ answer, error }: Outcome): unknown {
  if (error !== undefined) return error;
  const { records, ...rest } = answer as TransactionAnswer;
  return { ...rest, records: records.map(({ durationMs, ...record }) => ({ ...record, isTimed: durationMs >= 0 })) };
}

interface Run {
  readonly seen: readonly unknown[];
  /** How many jobs each group answered. */
  readonly groups: readonly number[];
}

/** As the server process does with what its executor says. */
function run(database: GuardedDatabase, bodies: readonly string[], most: number): Run {
  const answers: unknown[] = [];
  const groups: number[] = [];
  let waiting = bodies.map((body, index) => ({ index, job: jobOf(body, index), alone: false }));
  while (waiting.length > 0) {
    const until = waiting.findIndex(({ alone }, at) => at > 0 && alone);
    const room = waiting[0]?.alone ? 1 : Math.min(most, until < 0 ? waiting.length : until);
    const group = waiting.slice(0, room);
    database.connection.prepareFor(Date.now(), 1_000, () => {});
    const done = runShared(
      database.connection,
      group.map(({ job }) => job),
      true,
    );
    if (database.connection.isTainted) database.reopen();
    groups.push(done.outcomes.length);
    const again = group.slice(done.outcomes.length);
    for (const [at, outcome] of done.outcomes.entries()) answers[group[at]?.index ?? -1] = seen(outcome);
    expect(done.outcomes.length > 0 || done.alone !== undefined).toBe(true);
    for (const one of again) one.alone = done.alone === 'all' || one === group[done.alone ?? -1] || one.alone;
    waiting = [...again, ...waiting.slice(room)];
  }
  return { seen: answers, groups };
}

/** Every row of the database but its random names and times. */
function dump(database: GuardedDatabase): unknown {
  const tables = database.rows("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name").flat() as string[];
  const own = tables.filter((name) => !name.startsWith('hoody:') && name !== 'kv_store');
  return [
    database.rows('SELECT type, name, sql FROM sqlite_master ORDER BY name'),
    database.rows('PRAGMA user_version'),
    own.map((name) => [name, database.rows(`SELECT rowid, * FROM "${name}" ORDER BY rowid`)]),
    database.rows('SELECT key, value FROM kv_store ORDER BY key'),
    database.rows('SELECT op, key, client FROM kv_store_history ORDER BY 2'),
  ];
}

const open: GuardedDatabase[] = [];
let shared: GuardedDatabase;
let alone: GuardedDatabase;
beforeEach(() => {
  [shared, alone] = [new GuardedDatabase(schema), new GuardedDatabase(schema)];
  open.push(shared, alone);
});
afterEach(() => {
  for (const database of open.splice(0)) database.close();
});

test.each(Array.from({ length: 20 }, (_, seed) => seed))('a random mix equals one by one (seed %i)', (seed) => {
  const bodies = bodiesOf(randomOf(seed), 150);
  const together = run(shared, bodies, 12);
  const single = run(alone, bodies, 1);
  together.seen.forEach((answer, index) => {
    expect(answer, bodies[index]).toEqual(single.seen[index]);
  });
  expect(dump(shared)).toEqual(dump(alone));
  expect(Math.max(...together.groups)).toBeGreaterThan(1);
});

test.each<[number, number]>([
  [1, 5],
  [10, 3 + 10 * 4],
])('of %i plain writes at once %i statements reach SQLite, and none is prepared anew', (count, statements) => {
  const bodies = Array.from({ length: count }, (_, n) =>
    JSON.stringify({ transaction: [{ statement: 'INSERT INTO plain(n) VALUES (?)', values: [n] }] }),
  );
  const ran: string[] = [];
  const directory = mkdtempSync(join(tmpdir(), 'hoody-sqlite-shared-'));
  const database = new Database(join(directory, 'a.db'), { verbose: (sql) => ran.push(String(sql)) });
  try {
    database.exec(schema);
    const connection = new Connection(database, '', '');
    const jobs = bodies.map((body, index) => jobOf(body, index));
    runShared(connection, jobs, true);
    ran.length = 0;
    const prepare = vi.spyOn(database, 'prepare');
    expect(runShared(connection, jobs, true).outcomes).toHaveLength(count);
    expect(prepare).not.toHaveBeenCalled();
    expect(ran.length, ran.join('\n')).toBe(statements);
  } finally {
    database.close();
    rmSync(directory, { recursive: true });
  }
});

test('who wrote a key of a shared transaction is the client of its own request', () => {
  const put = (key: string) =>
    JSON.stringify({ transaction: [{ statement: `INSERT INTO kv_store(key) VALUES ('${key}')` }] });
  expect(run(shared, [put('a'), put('b')], 2).groups).toEqual([2]);
  expect(shared.rows('SELECT key, client FROM kv_store_history ORDER BY key')).toEqual([
    ['a', 'client 0'],
    ['b', 'client 1'],
  ]);
});

test('a statement that stayed prepared names the columns of the schema as another program left it', () => {
  const select = [{ query: 'SELECT * FROM parent' }, { statement: 'INSERT INTO parent(id) VALUES (?)', values: [1] }];
  const body = JSON.stringify({ transaction: select });
  const write = (id: number) => body.replace('[1]', `[${id}]`);
  run(shared, [write(1), write(2)], 2);
  const other = new Database(shared.path);
  other.exec("ALTER TABLE parent ADD COLUMN name DEFAULT 'x'");
  other.close();
  for (const most of [2, 1]) {
    const [first] = run(shared, [write(3 * most), write(3 * most + 1)], most).seen as [{ body: string }];
    expect(JSON.parse(first.body).results[0].resultSet[0]).toEqual({ id: 1, name: 'x' });
  }
});

test.each<[string, number, boolean, string[]]>([
  ['a write alone', 1, true, ['writing', 'committing', 'committed']],
  ['ten writes', 10, true, ['writing', 'committing']],
  ['a read alone', 1, false, []],
  ['ten reads', 10, false, ['reading']],
])('for %s the server is told so much, beside the group and its end', (_, count, writes, messages) => {
  const item = writes ? { statement: 'INSERT INTO counted(n) VALUES (1)' } : { query: 'SELECT count(*) FROM plain' };
  const body = JSON.stringify({ transaction: [item] });
  const told: string[] = [];
  shared.connection.prepareFor(Date.now(), 1_000, (phase) => told.push(phase));
  const jobs = Array.from({ length: count }, (_one, n) =>
    jobOf(body, n, writes ? 'transaction' : 'readingTransaction'),
  );
  expect(runShared(shared.connection, jobs, writes).outcomes).toHaveLength(count);
  expect(told).toEqual(messages);
});
