// The page numbers in a `-shm` file are those of the frames in its `-wal`, as SQLite itself has written both.
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { expect, test } from 'vitest';
import { frameByte } from '../../../fs/archive/wal/wal-frames.ts';
import { parseWalIndex } from '../../../fs/sqlite/wal-index.ts';
import { loggedPages } from '../../../fs/sqlite/wal-index-pages.ts';

const pageBytes = 512;

test('of all frames, and of those behind one, over the borders of blocks', () => {
  const folder = mkdtempSync(join(tmpdir(), 'hoody-sqlite-index-'));
  try {
    const path = join(folder, 'app.db');
    const database = new Database(path);
    database.pragma(`page_size=${pageBytes}`);
    database.pragma('journal_mode=wal');
    database.pragma('wal_autocheckpoint=0');
    database.exec('create table t (n, text)');
    const insert = database.prepare('insert into t values (?, ?)');
    database.transaction(() => {
      for (let n = 0; n < 10_000; n++) insert.run(n, '.'.repeat(400));
    })();
    const [index, log] = [readFileSync(`${path}-shm`), readFileSync(`${path}-wal`)];
    const read = (into: Buffer, byte: number) => index.copy(into, 0, byte);
    const frames = parseWalIndex(index)?.lastFrame ?? 0;
    expect(frames).toBeGreaterThan(4062 + 4096 + 100);
    const pages = [...Array(frames).keys()].map((at) => log.readUInt32BE(frameByte(at + 1, pageBytes)));
    for (const from of [0, 1, 4061, 4062, 4063, 4062 + 4096, frames - 1, frames]) {
      expect([...(loggedPages(read, from, frames) ?? [])], `behind ${from}`).toEqual(pages.slice(from));
    }
    expect([...(loggedPages(read, 10, 20) ?? [])]).toEqual(pages.slice(10, 20));
    expect(loggedPages(read, 0, 100_000)).toBeUndefined();
    database.close();
  } finally {
    rmSync(folder, { recursive: true });
  }
});
