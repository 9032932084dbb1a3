// A batch of pages that ends at any byte leaves the durable copy as it was, or as it was to become.
import { copyFileSync, mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { complete, DurableBatch } from '../../../fs/tier/batch.ts';

const pageBytes = 512;
let folder: string;
let path: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'hoody-sqlite-batch-'));
  path = join(folder, 'app.db');
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** The bytes of a database with so many rows, in rollback or write-ahead mode. */
function databaseOf(rows: number, mode: 'wal' | 'delete'): Buffer {
  const file = join(folder, 'made.db');
  rmSync(file, { force: true });
  const database = new Database(file);
  database.pragma(`page_size=${pageBytes}`);
  database.pragma(`journal_mode=${mode}`);
  database.exec('create table t (n integer, text text)');
  for (let n = 1; n <= rows; n++) database.prepare('insert into t values (?, ?)').run(n, `row ${n}`.padEnd(200, '.'));
  database.close();
  return readFileSync(file);
}

async function write(to: Buffer, beforeApplied: () => void): Promise<void> {
  const batch = new DurableBatch(path, pageBytes);
  const from = readFileSync(path);
  for (let at = 0; at < to.length; at += pageBytes) {
    const page = to.subarray(at, at + pageBytes);
    if (!page.equals(from.subarray(at, at + pageBytes))) batch.add(at / pageBytes + 1, page);
  }
  await batch.commit(to.length / pageBytes, beforeApplied);
  batch.close();
}

function rowsOf(file: string): number {
  const database = new Database(file);
  expect(database.pragma('integrity_check', { simple: true })).toBe('ok');
  const { count } = database.prepare('select count(*) as count from t').get() as { count: number };
  database.close();
  return count;
}

describe.each(['wal', 'delete'] as const)('a database in mode %s', (mode) => {
  test('has the new state after a batch, and an empty log', async () => {
    writeFileSync(path, databaseOf(3, mode));
    const to = databaseOf(9, mode);
    await write(to, () => {});
    expect(readFileSync(path).equals(to)).toBe(true);
    expect(readFileSync(`${path}-wal`)).toHaveLength(0);
  });

  test('becomes smaller', async () => {
    writeFileSync(path, databaseOf(9, mode));
    const to = databaseOf(2, mode);
    await write(to, () => {});
    expect(readFileSync(path).equals(to)).toBe(true);
  });

  test('is whole wherever the log ends, for SQLite and for the next copier', async () => {
    const [before, to] = [databaseOf(3, mode), databaseOf(5, mode)];
    writeFileSync(path, before);
    let log = Buffer.alloc(0);
    await write(to, () => {
      log = readFileSync(`${path}-wal`);
    });
    expect(log.length).toBeGreaterThan(pageBytes);
    const torn = join(folder, 'torn.db');
    for (let bytes = 0; bytes <= log.length; bytes += bytes + 40 < log.length ? 37 : 1) {
      const wanted = bytes === log.length ? 5 : 3;
      for (const isForSqlite of [true, false]) {
        writeFileSync(torn, before);
        writeFileSync(`${torn}-wal`, log.subarray(0, bytes));
        if (!isForSqlite) await complete(torn);
        expect(rowsOf(torn), `log of ${bytes} bytes, SQLite ${isForSqlite}`).toBe(wanted);
        rmSync(`${torn}-wal`, { force: true });
        rmSync(`${torn}-shm`, { force: true });
      }
    }
  });

  test('is whole wherever the file itself was written up to', async () => {
    const [before, to] = [databaseOf(3, mode), databaseOf(9, mode)];
    writeFileSync(path, before);
    await write(to, () => copyFileSync(`${path}-wal`, join(folder, 'kept-wal')));
    const torn = join(folder, 'torn.db');
    for (let bytes = 0; bytes <= to.length; bytes += 256) {
      writeFileSync(torn, Buffer.concat([to.subarray(0, bytes), before.subarray(bytes)]));
      copyFileSync(join(folder, 'kept-wal'), `${torn}-wal`);
      expect(await complete(torn)).toBe(true);
      expect(readFileSync(torn).equals(to), `written up to ${bytes}`).toBe(true);
    }
  });
});

test("the log of a program is not the copier's to complete", async () => {
  const database = new Database(path);
  database.pragma('journal_mode=wal');
  database.exec('create table t (n)');
  copyFileSync(path, join(folder, 'other.db'));
  copyFileSync(`${path}-wal`, join(folder, 'other.db-wal'));
  database.close();
  expect(await complete(join(folder, 'other.db'))).toBe(false);
  expect(readFileSync(join(folder, 'other.db-wal')).length).toBeGreaterThan(0);
});

test('an abandoned batch leaves nothing', async () => {
  writeFileSync(path, databaseOf(3, 'wal'));
  const before = readFileSync(path);
  const batch = new DurableBatch(path, pageBytes);
  for (let page = 1; page < 4000; page++) batch.add(page, Buffer.alloc(pageBytes, 7));
  batch.abandon();
  batch.close();
  expect(readFileSync(path).equals(before)).toBe(true);
  expect(readFileSync(`${path}-wal`)).toHaveLength(0);
  truncateSync(`${path}-wal`, 0);
});
