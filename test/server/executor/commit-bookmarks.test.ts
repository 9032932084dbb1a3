// Which bookmarks a commit gets, by where its log really ends, with other connections that commit in between.
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { CommitBookmarks } from '../../../server/executor/commit-bookmarks.ts';
import { findGuard, Guard } from '../../../server/executor/guard/guard.ts';
import type { WriteBookmarks } from '../../../server/messages/bookmark.ts';

let folder: string;
let path: string;
let own: Database.Database;
let other: Database.Database;
let bookmarks: CommitBookmarks;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'hoody-bookmarks-'));
  path = join(folder, 'app.db');
  other = new Database(path);
  other.exec('PRAGMA journal_mode=WAL; CREATE TABLE t(a)');
  const guard = findGuard();
  if (!(guard instanceof Guard)) throw guard;
  own = new Database(path);
  guard.attach(own);
  bookmarks = new CommitBookmarks(own);
  bookmarks.prepare(true);
});
afterEach(() => {
  own.close();
  other.close();
  rmSync(folder, { recursive: true });
});

/** A transaction of ours; `meanwhile` happens between its COMMIT and the look at the log. */
function write(sql: string, meanwhile = ''): WriteBookmarks | undefined {
  own.exec('BEGIN IMMEDIATE');
  bookmarks.began();
  own.exec(sql);
  own.exec('COMMIT');
  other.exec(meanwhile);
  bookmarks.committed();
  return bookmarks.take();
}

const place = (bookmark = ''): string => bookmark.slice('w000000000000'.length);

test('the state before a write is the one with the write before it', () => {
  const first = write('INSERT INTO t VALUES (1)');
  const second = write('INSERT INTO t VALUES (2)');
  expect(place(second?.previous)).toBe(place(first?.bookmark));
  expect(place(second?.bookmark)).not.toBe(place(first?.bookmark));
  const names = [first?.previous, first?.bookmark, second?.previous, second?.bookmark];
  expect([...names].sort()).toEqual(names);
  expect(bookmarks.take()).toBe(undefined);
});

test('whoever commits at once behind it does not become the write', () => {
  const before = write('INSERT INTO t VALUES (1)');
  const written = write('INSERT INTO t VALUES (2)', 'INSERT INTO t VALUES (3)');
  expect(place(written?.previous)).toBe(place(before?.bookmark));
  expect(place(written?.bookmark)).toBe(`${place(before?.bookmark)}.after`);
});

test('a write that changes nothing has made no state, and nobody else becomes it', () => {
  const before = write('INSERT INTO t VALUES (1)');
  for (const meanwhile of ['', 'INSERT INTO t VALUES (2)']) {
    const nothing = write('DELETE FROM t WHERE a = 99', meanwhile);
    expect(place(nothing?.bookmark), meanwhile).toBe(place(before?.bookmark));
    expect(nothing?.previous).toBe(nothing?.bookmark);
  }
});

test('behind an empty log the state before is the one before the write; where others follow there is no name', () => {
  other.exec('PRAGMA wal_checkpoint(TRUNCATE)');
  const first = write('INSERT INTO t VALUES (1)');
  expect(place(first?.previous)).toBe(`${place(first?.bookmark)}.before`);
  other.exec('PRAGMA wal_checkpoint(TRUNCATE)');
  expect(write('INSERT INTO t VALUES (2)', 'INSERT INTO t VALUES (3)')).toBe(undefined);
});

test('a log that was emptied behind a write does not hide the write', () => {
  const before = write('INSERT INTO t VALUES (1)');
  const written = write('INSERT INTO t VALUES (2)', 'PRAGMA wal_checkpoint(TRUNCATE)');
  expect(place(written?.bookmark)).toBe(`${place(before?.bookmark)}.after`);
});

test('what a table of the connection alone takes is no commit', () => {
  own.exec('PRAGMA temp_store=FILE; PRAGMA cache_size=1; CREATE TEMP TABLE own(a)');
  const before = write('INSERT INTO t VALUES (1)');
  const only = write(
    'INSERT INTO own SELECT randomblob(900) FROM (SELECT 1 UNION ALL SELECT 2), (SELECT 1 UNION SELECT 2)',
  );
  expect(place(only?.bookmark)).toBe(place(before?.bookmark));
});

test('nobody who does not ask, and no database with a rollback journal, gets bookmarks or an index', () => {
  bookmarks.prepare(false);
  expect(write('INSERT INTO t VALUES (1)')).toBe(undefined);
  bookmarks.prepare(true);
  other.close();
  own.pragma('journal_mode=DELETE');
  other = new Database(':memory:');
  expect(write('INSERT INTO t VALUES (2)')).toBe(undefined);
  expect(existsSync(`${path}-shm`)).toBe(false);
});
