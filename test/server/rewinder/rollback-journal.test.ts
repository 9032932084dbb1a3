// SQLite is the judge of the journals that a rewind leaves when it is killed.
import {
  closeSync,
  existsSync,
  mkdtempSync,
  openSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { createJournal } from '../../../server/rewinder/rollback-journal.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'hoody-journal-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

test.each([512, 4096, 65_536])(
  'SQLite rolls back what was overwritten, cut off and added: pages of %d',
  (pageBytes) => {
    const path = join(folder, 'app.db');
    const made = new Database(path);
    made.exec(`PRAGMA page_size=${pageBytes}; CREATE TABLE t(a, b)`);
    const insert = made.prepare('INSERT INTO t VALUES (?, zeroblob(700))');
    for (let row = 0; row < 200; row += 1) insert.run(row);
    made.close();
    const before = readFileSync(path);
    const pagesBefore = before.length / pageBytes;
    const { mode, uid, gid } = statSync(path);
    const pages = Array.from({ length: pagesBefore }, (_, at) => at + 1).filter((page) => page % 2 === 1 || page > 2);
    const read = (page: number) => before.subarray((page - 1) * pageBytes, page * pageBytes);
    createJournal(`${path}-journal`, { pageBytes, pagesBefore, mode, uid, gid }, pages, read);
    expect(statSync(`${path}-journal`).mode).toBe(mode);

    const fd = openSync(path, 'r+');
    for (const page of pages) writeSync(fd, Buffer.alloc(pageBytes, 0xee), 0, pageBytes, (page - 1) * pageBytes);
    writeSync(fd, Buffer.alloc(pageBytes, 0xdd), 0, pageBytes, pagesBefore * pageBytes);
    closeSync(fd);
    const opened = new Database(path);
    expect(opened.pragma('integrity_check', { simple: true })).toBe('ok');
    expect(opened.prepare('SELECT count(*), sum(a) FROM t').raw().get()).toEqual([200, 19_900]);
    opened.close();
    expect(existsSync(`${path}-journal`)).toBe(false);
    expect(readFileSync(path).equals(before)).toBe(true);
  },
);

test('an older journal with its name, as journal_mode PERSIST leaves one, is replaced', () => {
  const path = join(folder, 'app.db-journal');
  writeFileSync(path, Buffer.alloc(100_000, 1));
  const { mode, uid, gid } = statSync(path);
  createJournal(path, { pageBytes: 512, pagesBefore: 1, mode, uid, gid }, [1], () => Buffer.alloc(512));
  expect(readFileSync(path).length).toBe(512 + 4 + 512 + 4);
});
