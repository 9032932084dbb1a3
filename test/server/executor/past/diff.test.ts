// What one answer of a comparison holds when there is more than it has room or time for.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { Connection } from '../../../../server/executor/connection.ts';
import { findGuard, Guard } from '../../../../server/executor/guard/guard.ts';
import { pastOperations } from '../../../../server/executor/past/diff.ts';
import type { DatabaseDiff, DatabaseDiffArgs } from '../../../../server/messages/operations/time-machine.ts';

let folder: string;
const rows = 'WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 5000)';

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'hoody-diff-'));
  for (const [name, value] of [
    ['earlier', 1],
    ['later', 2],
  ] as const) {
    const database = new Database(join(folder, name));
    database.exec(`CREATE TABLE big(id INTEGER PRIMARY KEY, v); ${rows} INSERT INTO big SELECT i, ${value} FROM n;
      CREATE TABLE same(id INTEGER PRIMARY KEY, v); ${rows} INSERT INTO same SELECT i, 1 FROM n;
      CREATE TABLE wide(id INTEGER PRIMARY KEY, v); INSERT INTO wide SELECT i, zeroblob(1500000 + ${value}) FROM
        (${rows} SELECT i FROM n LIMIT 10)`);
    database.close();
  }
});

afterEach(() => {
  vi.restoreAllMocks();
  rmSync(folder, { recursive: true, force: true });
});

function diff(args: Partial<DatabaseDiffArgs>): DatabaseDiff {
  const guard = findGuard();
  if (!(guard instanceof Guard)) throw guard;
  const database = new Database(join(folder, 'later'));
  guard.attach(database);
  const connection = new Connection(database, join(folder, 'later'), '');
  const rules = { root: folder, dataDir: folder, allowAnyAbsoluteDbPath: false };
  try {
    const all = { earlier: join(folder, 'earlier'), suspects: null, table: null, rows: 10, budgetMs: 60_000 };
    const found = pastOperations[0]?.run(connection, { ...all, format: 'json', ...args }, rules) as DatabaseDiff;
    expect(connection.isTainted, 'the attached file goes with the connection').toBe(true);
    return found;
  } finally {
    connection.close();
  }
}

test('all rows are counted, and as many as asked for are shown', () => {
  const { tables, isComplete } = diff({ table: 'big' });
  expect(isComplete).toBe(true);
  expect(tables).toMatchObject([{ table: 'big', rowsChanged: 5000, areRowsTruncated: true }]);
  expect(tables[0]?.rows).toHaveLength(10);
});

test('rows that are large together are not all shown', () => {
  const { tables } = diff({ table: 'wide', rows: 100 });
  expect(tables).toMatchObject([{ rowsChanged: 10, areRowsTruncated: true, isComplete: true }]);
  expect(tables[0]?.rows.length).toBeLessThan(10);
});

test('when the time is up the answer is what was found, also of a search that finds nothing', () => {
  let now = 0;
  vi.spyOn(performance, 'now').mockImplementation(() => now++);
  const { tables, isComplete } = diff({ table: 'big', budgetMs: 20 });
  expect(isComplete).toBe(false);
  expect(tables).toMatchObject([{ isComplete: false }]);
  expect(tables[0]?.rowsChanged).toBeLessThan(5000);
  now = 0;
  expect(diff({ table: 'same', budgetMs: 5 })).toMatchObject({ isComplete: false, tables: [] });
});

test('tables whose pages are the same are not looked at', () => {
  expect(diff({ suspects: ['same'] })).toMatchObject({ tables: [], isComplete: true });
  expect(diff({ suspects: ['big', 'wide'] }).tables.map(({ table }) => table)).toEqual(['big', 'wide']);
});
