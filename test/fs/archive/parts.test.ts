// A state as two files: what a fork is made of.
import { existsSync, mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { foldUpTo, settleBase } from '../../../fs/archive/log/base.ts';
import { compress } from '../../../fs/archive/log/compress.ts';
import { listLog } from '../../../fs/archive/log/log-files.ts';
import type { PartsAnswer } from '../../../fs/archive/messages.ts';
import { makeDatabaseOf } from '../../../server/executor/new-database.ts';
import { writeState } from '../../../server/executor/write-state.ts';
import { ArchivedDatabase } from './archived-database.ts';

// Every write of a log is synced by a disk that others use too.
vi.setConfig({ testTimeout: 120_000 });

let folder: string;
let archived: ArchivedDatabase;
const database = 'app.db';

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'hoody-parts-'));
});
afterEach(() => {
  archived.close();
  rmSync(folder, { recursive: true, force: true });
});

async function logOfFolds(): Promise<void> {
  archived = new ArchivedDatabase(folder, { pageBytes: 512, segmentBytes: 8 * 512 });
  archived.commit((db) =>
    db.exec(`CREATE TABLE a (id INTEGER PRIMARY KEY, data BLOB); INSERT INTO a (data)
      WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 100) SELECT randomblob(400) FROM n`),
  );
  for (let id = 1; id < 30; id++) {
    archived.commit((db) => db.exec(`UPDATE a SET data = randomblob(400) WHERE id = ${id}`));
  }
  for (const first of listLog(archived.folder).raw.slice(0, -1)) await compress(archived.folder, first);
  await settleBase(archived.folder);
}

test('a state as parts links the base, unless most of the state lies elsewhere', async () => {
  await logOfFolds();
  const [base, path] = [join(folder, 'base'), join(folder, 'patch')];
  const ask = (number: number) => archived.ask<PartsAnswer>({ op: 'parts', database, at: { number }, base, path });
  expect((await ask(2)).pages).toBeGreaterThan(0);
  expect([statSync(base).nlink, statSync(base).mode & 0o777]).toEqual([2, 0o644]);
  await expect(ask(2)).rejects.toThrow('EEXIST');
  for (const made of [base, path]) rmSync(made);
  archived.commit((db) => db.exec('UPDATE a SET data = randomblob(400)'));
  expect((await ask(archived.dumps.length - 1)).pages).toBe(0);
  expect([statSync(base).nlink, existsSync(path)]).toEqual([1, false]);
});

test('nothing is made of a base into which old commits were written meanwhile', async () => {
  await logOfFolds();
  const [base, path, target] = [join(folder, 'base'), join(folder, 'patch'), join(folder, 'forked.db')];
  const made = await archived.ask<PartsAnswer>({ op: 'parts', database, at: { number: 2 }, base, path });
  const { pageBytes, databasePages } = made.moment;
  const parts = { base: { path: base, ...made.stamp }, patch: { path, pages: made.pages }, pageBytes, databasePages };
  expect(await foldUpTo(archived.folder, listLog(archived.folder).closed[0]?.last ?? 0)).toBe(true);
  expect(() => writeState(parts, target)).toThrow('dropped old commits');
  expect(() => makeDatabaseOf(parts, join(folder, 'new.db'), '.new-1', () => {})).toThrow('dropped old commits');
  expect(readdirSync(folder).filter((name) => name.includes('new'))).toEqual([]);
});
