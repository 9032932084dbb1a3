// A rollback journal, as SQLite reads it: https://sqlite.org/fileformat2.html 3. It is complete and on the disk before
// the first page is overwritten.

import { randomBytes } from 'node:crypto';
import { closeSync, constants, fchmodSync, fchownSync, fsyncSync, openSync, unlinkSync, writeSync } from 'node:fs';
import { syncFolderOf } from './sync-folder.ts';

const magic = Buffer.from('d9d505f920a163d7', 'hex');
const recordsByte = 8;
/** The header takes a sector of this size. */
const sectorBytes = 512;
/** Every so many bytes of a page, from its end, count for its checksum. */
const checksumStep = 200;

export interface JournaledDatabase {
  readonly pageBytes: number;
  /** Before the transaction. */
  readonly pagesBefore: number;
  /** Of the database file: who may open that one may have to roll it back. */
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
}

/** @throws NodeJS.ErrnoException, and there is no journal */
export function createJournal(
  path: string,
  database: JournaledDatabase,
  pages: readonly number[],
  read: (page: number) => Buffer,
): void {
  // One with a zeroed header, or an empty one, may be left there: journal_mode PERSIST and TRUNCATE.
  const { O_RDWR, O_CREAT, O_TRUNC, O_NOFOLLOW } = constants;
  const fd = openSync(path, O_RDWR | O_CREAT | O_TRUNC | O_NOFOLLOW, 0o600);
  try {
    fchmodSync(fd, database.mode & 0o777);
    if (process.getuid?.() === 0) fchownSync(fd, database.uid, database.gid);
    writeJournal(fd, database, pages, read);
    syncFolderOf(path);
  } catch (error) {
    unlinkSync(path);
    throw error;
  } finally {
    closeSync(fd);
  }
}

function writeJournal(
  fd: number,
  { pageBytes, pagesBefore }: JournaledDatabase,
  pages: readonly number[],
  read: (page: number) => Buffer,
): void {
  const header = Buffer.alloc(sectorBytes);
  const nonce = randomBytes(4).readUInt32BE(0);
  magic.copy(header);
  header.writeUInt32BE(nonce, 12);
  header.writeUInt32BE(pagesBefore, 16);
  header.writeUInt32BE(sectorBytes, 20);
  header.writeUInt32BE(pageBytes, 24);
  writeAll(fd, header, 0);
  const record = Buffer.alloc(4 + pageBytes + 4);
  pages.forEach((page, place) => {
    const content = read(page);
    record.writeUInt32BE(page, 0);
    content.copy(record, 4);
    record.writeUInt32BE(checksumOf(content, nonce), 4 + pageBytes);
    writeAll(fd, record, sectorBytes + place * record.length);
  });
  fsyncSync(fd);
  // Last: a journal that a power cut leaves without records takes nothing back.
  header.writeUInt32BE(pages.length, recordsByte);
  writeAll(fd, header, 0);
  fsyncSync(fd);
}

function checksumOf(page: Buffer, nonce: number): number {
  let sum = nonce;
  for (let at = page.length - checksumStep; at > 0; at -= checksumStep) sum = (sum + (page[at] ?? 0)) >>> 0;
  return sum;
}

function writeAll(fd: number, bytes: Buffer, at: number): void {
  for (let done = 0; done < bytes.length; ) done += writeSync(fd, bytes, done, bytes.length - done, at + done);
}
