// Two excerpts differ in just what their states differ in, whatever was done between two moments.
import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import type { ChangedTablesAnswer } from '../../../fs/archive/messages.ts';
import { Connection } from '../../../server/executor/connection.ts';
import { findGuard, Guard } from '../../../server/executor/guard/guard.ts';
import { pastOperations } from '../../../server/executor/past/diff.ts';
import type { DatabaseDiff } from '../../../server/messages/operations/time-machine.ts';
import { wholeFrom } from '../../helpers/seeded-random.ts';
import { ArchivedDatabase } from './archived-database.ts';

vi.setConfig({ testTimeout: 120_000 });

let folder: string;
let archived: ArchivedDatabase;
const database = 'app.db';

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'hoody-excerpts-'));
});
afterEach(() => {
  archived.close();
  rmSync(folder, { recursive: true, force: true });
});

/** null: the indexes of excerpts cannot be filled. */
function compare(earlier: string, later: string, suspects: readonly string[] | null): DatabaseDiff | null {
  const guard = findGuard();
  if (!(guard instanceof Guard)) throw guard;
  const db = new Database(later, { readonly: true });
  guard.attach(db);
  const connection = new Connection(db, later, '');
  const rules = { root: folder, dataDir: folder, allowAnyAbsoluteDbPath: false };
  const shown = { table: null, rows: 1000, budgetMs: 60_000, format: 'sql' };
  try {
    const args = { ...shown, earlier, suspects, areExcerpts: suspects !== null };
    return pastOperations[0]?.run(connection, args, rules) as DatabaseDiff | null;
  } finally {
    connection.close();
  }
}

async function wholeDifference(from: number, to: number): Promise<DatabaseDiff | null> {
  const [earlier, later] = [join(folder, 'earlier'), join(folder, 'later')];
  try {
    await archived.ask({ op: 'materialise', database, at: { number: from }, path: earlier });
    await archived.ask({ op: 'materialise', database, at: { number: to }, path: later });
    return compare(earlier, later, null);
  } finally {
    for (const path of [earlier, later]) rmSync(path, { force: true });
  }
}

/** Of both moments, for as long as `use` takes. */
async function withExcerpts<Result>(
  from: number,
  to: number,
  use: (earlier: string, later: string, answer: ChangedTablesAnswer) => Result,
): Promise<Result> {
  const excerpts = { from: join(folder, 'excerpt-from'), to: join(folder, 'excerpt-to') };
  try {
    const question = { op: 'changed-tables', database, from: { number: from }, to: { number: to }, excerpts } as const;
    const answer = await archived.ask<ChangedTablesAnswer>(question);
    expect(answer.hasExcerpts).toBe(true);
    return use(excerpts.from, excerpts.to, answer);
  } finally {
    for (const path of Object.values(excerpts)) rmSync(path, { force: true });
  }
}

const excerptedDifference = (from: number, to: number): Promise<DatabaseDiff | null> =>
  withExcerpts(from, to, (earlier, later, { tables }) => compare(earlier, later, tables));

const schema = `
  CREATE TABLE plain(id INTEGER PRIMARY KEY, name TEXT, data BLOB); CREATE INDEX plain_name ON plain(name, data);
  CREATE TABLE named(name TEXT COLLATE NOCASE PRIMARY KEY, value, more); CREATE INDEX named_value ON named(value);
  CREATE TABLE pair(a, b, data, PRIMARY KEY (a, b)) WITHOUT ROWID; CREATE INDEX pair_data ON pair(data);
  CREATE TABLE bare(a, data); CREATE TABLE twin(id INTEGER PRIMARY KEY, name TEXT, data BLOB);
  CREATE VIRTUAL TABLE words USING fts5(text);
  CREATE VIEW seen AS SELECT name FROM plain; CREATE TRIGGER noted AFTER DELETE ON bare BEGIN SELECT 1; END;
`;

let added = 0;

/** One transaction. Values are short, or of some overflow pages. */
function change(
  random: (below: number) => number,
  pageBytes: number,
  mayRedefine: boolean,
): (db: Database.Database) => void {
  const bytes = (): Buffer => Buffer.alloc(random(4) === 0 ? random(4 * pageBytes) : random(60), random(256));
  const key = (): number => random(400);
  const works: ((db: Database.Database) => void)[] = [
    (db) => db.prepare('INSERT OR REPLACE INTO plain VALUES (?, ?, ?)').run(key(), `n${key()}`, bytes()),
    (db) => db.prepare('UPDATE plain SET data = ? WHERE id BETWEEN ? AND ? + 3').run(bytes(), ...twice(key())),
    (db) => db.prepare('DELETE FROM plain WHERE id BETWEEN ? AND ? + 20').run(...twice(key())),
    (db) => db.prepare('INSERT OR REPLACE INTO named VALUES (?, ?, ?)').run(`${key()}Ab`, key(), bytes()),
    (db) => db.prepare('DELETE FROM named WHERE name = ?').run(`${key()}aB`),
    (db) => db.prepare('INSERT OR REPLACE INTO pair VALUES (?, ?, ?)').run(random(9), key(), bytes()),
    (db) => db.prepare('DELETE FROM pair WHERE a = ? AND b < ?').run(random(9), key()),
    (db) => db.prepare('INSERT INTO bare(a, data) VALUES (?, ?)').run(key(), bytes()),
    (db) => db.prepare('DELETE FROM bare WHERE rowid % 7 = ?').run(random(7)),
    (db) => db.prepare('INSERT INTO words(text) VALUES (?)').run(`word${key()} and ${key()}`),
    // Only the last bytes of the longest values become others.
    (db) =>
      db
        .prepare(`UPDATE plain SET data = CAST(substr(data, 1, length(data) - 3) || 'end' AS BLOB)
          WHERE length(data) > ?`)
        .run(2 * pageBytes),
  ];
  const rarely: ((db: Database.Database) => void)[] = [
    (db) =>
      db.exec('ALTER TABLE plain RENAME TO other; ALTER TABLE twin RENAME TO plain; ALTER TABLE other RENAME TO twin'),
    (db) => db.exec(`ALTER TABLE bare ADD COLUMN c${added++}`),
    (db) => db.exec('DROP TABLE IF EXISTS extra; CREATE TABLE extra AS SELECT * FROM plain'),
    (db) => db.exec('DROP TABLE IF EXISTS extra'),
    (db) => db.exec('VACUUM'),
    (db) => db.exec('REINDEX; PRAGMA incremental_vacuum'),
  ];
  const from = mayRedefine && random(15) === 0 ? rarely : works;
  return from[random(from.length)] ?? (() => {});
}

function twice(key: number): [number, number] {
  return [key, key];
}

test.each([
  [512, 'none'],
  [512, 'full'],
  [4096, 'none'],
  [16384, 'incremental'],
])(
  'pages of %i bytes, auto_vacuum %s: excerpts differ in what whole states differ in',
  async (pageBytes, autoVacuum) => {
    archived = new ArchivedDatabase(folder, { pageBytes, autoVacuum, segmentBytes: 40 * pageBytes });
    const random = wholeFrom(pageBytes + autoVacuum.length);
    archived.commit((db) => db.exec(schema));
    archived.commit((db) => {
      db.transaction(() => {
        for (let count = 0; count < 600; count++) change(random, pageBytes, false)(db);
      })();
    });
    const commits = 50;
    for (let count = 3; count <= commits; count++) archived.commit(change(random, pageBytes, true));
    for (let count = 0; count < 30; count++) {
      const from = 1 + random(commits);
      const to = count < 15 ? 1 + random(commits) : Math.min(commits, from + 1 + random(3));
      const expected = await wholeDifference(from, to);
      expect([from, to, await excerptedDifference(from, to)]).toEqual([from, to, expected]);
    }
  },
);

test('what differs in an overflow page alone is found', async () => {
  archived = new ArchivedDatabase(folder);
  const value = (end: string): string => 'a'.repeat(20_000) + end;
  archived.commit((db) =>
    db.exec('CREATE TABLE t(id INTEGER PRIMARY KEY, v); CREATE TABLE other(id INTEGER PRIMARY KEY)'),
  );
  archived.commit((db) => db.prepare('INSERT INTO t VALUES (1, ?), (2, ?)').run(value('x'), value('x')));
  archived.commit((db) => db.prepare('UPDATE t SET v = ? WHERE id = 2').run(value('y')));
  await withExcerpts(2, 3, (earlier, later, { tables, pages }) => {
    expect({ tables, pages }).toEqual({ tables: ['t'], pages: 2 }); // page 1, and the last of the chain
    expect(compare(earlier, later, tables)?.tables).toMatchObject([{ table: 't', rowsChanged: 1, rowsAdded: 0 }]);
  });
});

test('an excerpt takes as much room as what differs', async () => {
  archived = new ArchivedDatabase(folder, { segmentBytes: 1024 * 1024 });
  archived.commit((db) =>
    db.exec('CREATE TABLE t(id INTEGER PRIMARY KEY, v); CREATE TABLE other(id INTEGER PRIMARY KEY, v)'),
  );
  const rows = 'WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 4000)';
  archived.commit((db) =>
    db.exec(`${rows} INSERT INTO t SELECT i, randomblob(900) FROM n; INSERT INTO other SELECT * FROM t`),
  );
  archived.commit((db) => db.exec('UPDATE t SET v = randomblob(900) WHERE id % 1000 = 0'));
  await withExcerpts(2, 3, (earlier, later, { tables }) => {
    for (const path of [earlier, later]) {
      const { size, blocks } = statSync(path);
      expect(size).toBeGreaterThan(7_000_000);
      expect(blocks * 512).toBeLessThan(200_000);
    }
    expect(compare(earlier, later, tables)?.tables).toMatchObject([{ table: 't', rowsChanged: 4, rowsAdded: 0 }]);
  });
});

test('columns that change their names change what rows hold, though their pages are the same', async () => {
  archived = new ArchivedDatabase(folder);
  archived.commit((db) =>
    db.exec('CREATE TABLE t(id INTEGER PRIMARY KEY, a, b); INSERT INTO t VALUES (1, 2, 3), (4, 5, 5)'),
  );
  archived.commit((db) => {
    for (const [from, to] of ['ax', 'ba', 'xb']) db.exec(`ALTER TABLE t RENAME COLUMN ${from} TO ${to}`);
  });
  const found = await excerptedDifference(1, 2);
  expect(found).toEqual(await wholeDifference(1, 2));
  expect(found?.tables).toMatchObject([{ table: 't', rowsChanged: 1 }]);
});

test('an index that only its own program can fill needs whole states', async () => {
  archived = new ArchivedDatabase(folder);
  archived.commit((db) => {
    db.function('own', { deterministic: true }, (value: unknown) => value);
    db.exec('CREATE TABLE t(id INTEGER PRIMARY KEY, v); CREATE INDEX i ON t(own(v)); INSERT INTO t VALUES (1, 1)');
  });
  archived.commit((db) => db.exec('UPDATE t SET v = 2'));
  expect(await excerptedDifference(1, 2)).toBeNull();
});
