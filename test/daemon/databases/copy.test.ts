// What a copy says of a database that another program keeps locked.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { copyDatabase } from '../../../daemon/databases/copy.ts';

let folder: string;
let holder: Database.Database;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'hoody-sqlite-copy-'));
  holder = new Database(join(folder, 'app.db'));
  holder.exec('CREATE TABLE t (n); INSERT INTO t VALUES (1); BEGIN EXCLUSIVE');
});
afterEach(() => {
  holder.close();
  rmSync(folder, { recursive: true, force: true });
});

function copy(from: string, to: string): Promise<number> {
  const paths = { from: join(folder, from), to: join(folder, to) };
  return copyDatabase({ ...paths, isSaved: false, onProgress: () => {}, patienceMs: 100 });
}

test('a source that stays locked is called locked, not unreadable', async () => {
  await expect(copy('app.db', 'copy.db')).rejects.toMatchObject({
    message: expect.stringMatching(/app\.db was locked by another program for 0\.1 s$/),
    hint: 'hoody-sqlite locks names it',
  });
  holder.exec('COMMIT');
  expect(await copy('app.db', 'copy.db')).toBeGreaterThan(0);
});

test('so is a destination', async () => {
  const source = new Database(join(folder, 'source.db'));
  source.exec('CREATE TABLE t (n)');
  source.close();
  await expect(copy('source.db', 'app.db')).rejects.toThrow(/app\.db was locked by another program for 0\.1 s$/);
});
