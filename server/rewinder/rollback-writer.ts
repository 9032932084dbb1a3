// Makes another state the newest one of a database with a rollback journal, as SQLite's own pager would: what will be
// overwritten goes into the journal, which is synced; then the pages; then the journal is deleted, and that is the
// commit. The caller holds the exclusive lock. Killed before it, the next program that opens the database rolls back.
// Source: https://sqlite.org/fileformat2.html 3, and pager.c.
import { fstatSync, fsyncSync, ftruncateSync, openSync, readSync, unlinkSync, writeSync } from 'node:fs';
import type { StateFile } from '../messages/rewinder.ts';
import { firstPage, isSameButCounters } from './first-page.ts';
import { createJournal } from './rollback-journal.ts';
import { syncFolderOf } from './sync-folder.ts';

const headerBytes = 100;
const pageSizeByte = 16;
/** Both files are compared so many bytes at a time. */
const chunkBytes = 1 << 20;
/** SQLite's lock bytes lie in the page at this offset, which is never used. */
const pendingByte = 0x4000_0000;

/**
 * @param main descriptor of the database, for reading and writing
 * @param check throws where the database has a page size with which it cannot be done
 * @returns pages written; 0: it is that state already
 * @throws Error and nothing is changed, once the next program has opened the database
 */
export function replaceWhole(path: string, main: number, file: StateFile, check: (pageBytes: number) => void): number {
  const pageBytes = pageBytesOf(main);
  check(pageBytes);
  const state = openSync(file.path, 'r');
  const wholeBytes = file.databasePages * pageBytes;
  if (fstatSync(state).size !== wholeBytes) throw new Error('the file with the state is not whole');
  const { size, mode, uid, gid } = fstatSync(main);
  const pagesBefore = Math.floor(size / pageBytes);
  const different = differentPages(main, state, pageBytes, file.databasePages);
  const newest = readPage(main, 1, pageBytes);
  const wanted = readPage(state, 1, pageBytes);
  const isAlone = different.length === 0 || (different.length === 1 && different[0] === 1);
  if (size === wholeBytes && isAlone && isSameButCounters(newest, wanted)) return 0;
  if (different[0] !== 1) different.unshift(1);

  const cut = Array.from(
    { length: Math.max(0, pagesBefore - file.databasePages) },
    (_, n) => file.databasePages + n + 1,
  );
  const journaled = [...different.filter((page) => page <= pagesBefore), ...cut].filter(
    (page) => page !== lockPage(pageBytes),
  );
  const journal = `${path}-journal`;
  createJournal(journal, { pageBytes, pagesBefore, mode, uid, gid }, journaled, (page) =>
    readPage(main, page, pageBytes),
  );

  for (const page of different) {
    const isFirst = page === 1;
    const content = isFirst
      ? firstPage(wanted, newest, file.databasePages, 'rollback')
      : readPage(state, page, pageBytes);
    writeAll(main, content, (page - 1) * pageBytes);
  }
  if (size !== wholeBytes) ftruncateSync(main, wholeBytes);
  fsyncSync(main);
  unlinkSync(journal);
  syncFolderOf(path);
  return different.length;
}

function pageBytesOf(main: number): number {
  const header = Buffer.alloc(headerBytes);
  if (readSync(main, header, 0, headerBytes, 0) < headerBytes) throw new Error('the database has no page 1');
  const pageBytes = header.readUInt16BE(pageSizeByte);
  return pageBytes === 1 ? 65_536 : pageBytes;
}

/** Ascending. */
function differentPages(main: number, state: number, pageBytes: number, pages: number): number[] {
  const different: number[] = [];
  const inChunk = Math.max(1, Math.floor(chunkBytes / pageBytes));
  for (let first = 1; first <= pages; first += inChunk) {
    const bytes = Math.min(inChunk, pages - first + 1) * pageBytes;
    const [one, other] = [main, state].map((fd) => readUpTo(fd, bytes, (first - 1) * pageBytes)) as [Buffer, Buffer];
    if (one.equals(other)) continue;
    for (let at = 0; at < bytes; at += pageBytes) {
      const page = first + at / pageBytes;
      if (page === lockPage(pageBytes)) continue;
      if (one.compare(other, at, at + pageBytes, at, at + pageBytes) !== 0) different.push(page);
    }
  }
  return different;
}

function readPage(fd: number, page: number, pageBytes: number): Buffer {
  return readUpTo(fd, pageBytes, (page - 1) * pageBytes);
}

/** Zeros where the file is shorter. */
function readUpTo(fd: number, bytes: number, at: number): Buffer {
  const content = Buffer.alloc(bytes);
  for (let done = 0; done < bytes; ) {
    const read = readSync(fd, content, done, bytes - done, at + done);
    if (read === 0) break;
    done += read;
  }
  return content;
}

function lockPage(pageBytes: number): number {
  return pendingByte / pageBytes + 1;
}

function writeAll(fd: number, bytes: Buffer, at: number): void {
  for (let done = 0; done < bytes.length; ) done += writeSync(fd, bytes, done, bytes.length - done, at + done);
}
