import { closeSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  batchesOf,
  chunkBytes,
  commitsOf,
  readWalHeader,
  readWalIndex,
  startOf,
} from '../../../fs/archive/wal/wal-file.ts';
import { frameByte, parseWalHeader } from '../../../fs/archive/wal/wal-frames.ts';
import { checksumOver, emptyChecksum } from '../../../fs/sqlite/wal-checksum.ts';
import { parseWalIndex } from '../../../fs/sqlite/wal-index.ts';
import { Driver } from './sqlite-driver.ts';

const folder = mkdtempSync(join(tmpdir(), 'wal-'));
const path = join(folder, 'app.db');
const driver = new Driver();
beforeAll(async () => {
  await driver.do({ open: path, sql: ['pragma journal_mode=wal', 'create table t (a)', 'insert into t values (1)'] });
});
afterAll(async () => {
  await driver.kill();
  rmSync(folder, { recursive: true });
});

function withFile<T>(file: string, use: (fd: number) => T): T {
  const fd = openSync(file, 'r');
  try {
    return use(fd);
  } finally {
    closeSync(fd);
  }
}

/** The same log as a machine of the other byte order would have written it. */
function inOtherOrder(wal: Buffer): Buffer {
  const header = parseWalHeader(wal);
  if (header === undefined) throw new Error('no header');
  const swapped = Buffer.from(wal);
  swapped.writeUInt32BE(0x377f0683, 0);
  let sum = checksumOver(swapped, 0, 24, true, emptyChecksum);
  swapped.writeUInt32BE(sum.checksum1, 24);
  swapped.writeUInt32BE(sum.checksum2, 28);
  for (let at = frameByte(1, header.pageBytes); at < wal.length; at += header.pageBytes + 24) {
    sum = checksumOver(swapped, at, at + 8, true, sum);
    sum = checksumOver(swapped, at + 24, at + 24 + header.pageBytes, true, sum);
    swapped.writeUInt32BE(sum.checksum1, at + 16);
    swapped.writeUInt32BE(sum.checksum2, at + 20);
  }
  return swapped;
}

test('the index tells the last frame and its checksum, which the frames lead to', () => {
  const index = withFile(`${path}-shm`, readWalIndex);
  const commits = withFile(`${path}-wal`, (wal) => {
    const header = readWalHeader(wal);
    if (header === undefined) throw new Error('no header');
    return [...commitsOf(wal, header, startOf(header), index?.lastFrame ?? 0)];
  });
  expect(commits).toHaveLength(2);
  const { salt1, salt2, lastFrame, checksum1, checksum2, databasePages, pageBytes } = index ?? {};
  expect(commits.at(-1)).toMatchObject({
    position: { salt1, salt2, frames: lastFrame, checksum1, checksum2 },
    databasePages,
  });
  expect(pageBytes).toBe(4096);
});

test('an index that is being written is none', () => {
  const bytes = readFileSync(`${path}-shm`).subarray(0, 136);
  expect(parseWalIndex(bytes)).toBeDefined();
  for (const at of [8, 16, 40, 50, 70]) {
    const torn = Buffer.from(bytes);
    torn[at] = (torn[at] ?? 0) ^ 1;
    expect(parseWalIndex(torn)).toBeUndefined();
  }
  expect(parseWalIndex(Buffer.alloc(136))).toBeUndefined();
  expect(parseWalIndex(bytes.subarray(0, 90))).toBeUndefined();
});

test('one buffer for all reads gives the same commits, also of a transaction that is larger than it', async () => {
  const large = new Driver();
  const file = join(folder, 'large.db');
  const rows = (count: number) =>
    `insert into t select randomblob(900) from (with recursive n(i) as (select 1 union all select i + 1 from n
     where i < ${count}) select i from n)`;
  const settings = ['pragma journal_mode=wal', 'pragma wal_autocheckpoint=0', 'create table t (a)'];
  await large.do({
    open: file,
    sql: [...settings, rows(900), rows(1500), 'delete from t where rowid % 7 = 1', rows(9)],
  });
  const buffer = Buffer.alloc(chunkBytes);
  const [own, shared] = withFile(`${file}-wal`, (wal) => {
    const header = readWalHeader(wal);
    if (header === undefined) throw new Error('no header');
    const all = [wal, header, startOf(header), Number.MAX_SAFE_INTEGER, Number.POSITIVE_INFINITY] as const;
    const found: unknown[] = [];
    for (const batch of batchesOf(...all, buffer)) {
      for (const { pages, ...rest } of batch) {
        found.push({ ...rest, pages: [...pages].map(([number, page]) => [number, page.toString('base64')]) });
      }
    }
    const separate = [...commitsOf(...all)].map(({ pages, ...rest }) => {
      return { ...rest, pages: [...pages].map(([number, page]) => [number, page.toString('base64')]) };
    });
    return [separate, found];
  });
  await large.kill();
  expect(shared).toEqual(own);
  expect(own.length).toBe(5);
});

describe('both byte orders of checksums', () => {
  test.each([
    ['little-endian', (wal: Buffer) => wal],
    ['big-endian', inOtherOrder],
  ])('%s', (name, written) => {
    const file = join(folder, name);
    writeFileSync(file, written(readFileSync(`${path}-wal`)));
    const commits = withFile(file, (wal) => {
      const header = readWalHeader(wal);
      if (header === undefined) throw new Error('no header');
      return [...commitsOf(wal, header, startOf(header), Number.MAX_SAFE_INTEGER)];
    });
    expect(commits).toHaveLength(2);
  });
});

test('a frame that was changed, and all behind it, is not read', () => {
  const wal = readFileSync(`${path}-wal`);
  const header = parseWalHeader(wal);
  const second = frameByte(2, header?.pageBytes ?? 0);
  for (const at of [0, 4, 8, 12, 16, 20, 24, 4000]) {
    const file = join(folder, 'changed');
    const changed = Buffer.from(wal);
    changed[second + at] = (changed[second + at] ?? 0) ^ 1;
    writeFileSync(file, changed);
    const pages = withFile(file, (fd) => {
      const found = readWalHeader(fd);
      return found === undefined ? [] : [...commitsOf(fd, found, startOf(found), Number.MAX_SAFE_INTEGER)];
    });
    expect(pages.length).toBeLessThan(2);
  }
});
