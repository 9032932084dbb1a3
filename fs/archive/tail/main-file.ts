// A look at a database's main file, by path and never through SQLite: which file it is, when it was written, and what
// its header says (https://sqlite.org/fileformat.html#the_database_header).
import { closeSync, constants, fstatSync, openSync, readSync, statSync } from 'node:fs';
import { HEADER_BYTES_NEEDED, type JournalMode, journalModeOf } from '../../sqlite/header.ts';

const headerBytes = 100;
const magic = Buffer.from('SQLite format 3\0');
const pageSizeByte = 16;
const changeCounterByte = 24;
const databasePagesByte = 28;
/** A file system without fine times gives two writes within a tick of its clock the same time. */
const tickMs = 20;

/** What tells that nobody has written a file meanwhile. */
export interface QuietStamp {
  readonly size: bigint;
  readonly mtimeNs: bigint;
}

export interface MainFile extends QuietStamp {
  /** In decimal. */
  readonly inode: string;
  readonly device: string;
}

/** undefined where there is no regular file. */
export function lookAtMainFile(path: string): MainFile | undefined {
  const stat = statSync(path, { bigint: true, throwIfNoEntry: false });
  if (stat === undefined || !stat.isFile()) return undefined;
  return { size: stat.size, mtimeNs: stat.mtimeNs, inode: `${stat.ino}`, device: `${stat.dev}` };
}

export function isQuietSince(file: QuietStamp, stamp: QuietStamp | undefined): boolean {
  return stamp !== undefined && file.size === stamp.size && file.mtimeNs === stamp.mtimeNs;
}

/** Whether a later write is sure to show in the file's time. */
export function isSettled(file: QuietStamp, nowMs: number): boolean {
  return Math.abs(nowMs - Number(file.mtimeNs / 1_000_000n)) > tickMs;
}

export interface MainHeader {
  readonly journalMode: JournalMode;
  readonly pageBytes: number;
  readonly changeCounter: number;
  /** As the header says; 0 where it does not know. */
  readonly databasePages: number;
}

/** undefined where the bytes are no database. */
export function parseMainHeader(bytes: Buffer): MainHeader | undefined {
  if (bytes.length < headerBytes || bytes.compare(magic, 0, magic.length, 0, magic.length) !== 0) return undefined;
  const pageBytes = bytes.readUInt16BE(pageSizeByte);
  return {
    journalMode: journalModeOf(bytes.subarray(0, HEADER_BYTES_NEEDED)),
    pageBytes: pageBytes === 1 ? 65_536 : pageBytes,
    changeCounter: bytes.readUInt32BE(changeCounterByte),
    databasePages: bytes.readUInt32BE(databasePagesByte),
  };
}

/** The file for reading. undefined where there is none, or another one of the same name. */
export function openMainFile(path: string, inode: string): number | undefined {
  const fd = openToRead(path);
  if (fd === undefined) return undefined;
  if (`${fstatSync(fd, { bigint: true }).ino}` === inode) return fd;
  closeSync(fd);
  return undefined;
}

export function readMainHeader(path: string): MainHeader | undefined {
  const fd = openToRead(path);
  if (fd === undefined) return undefined;
  try {
    const bytes = Buffer.alloc(headerBytes);
    return parseMainHeader(bytes.subarray(0, readSync(fd, bytes, 0, headerBytes, 0)));
  } finally {
    closeSync(fd);
  }
}

/** undefined where there is no such file; a link is none. */
export function openToRead(path: string): number | undefined {
  try {
    return openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ENOTDIR' || code === 'ELOOP' || code === 'ENXIO') return undefined;
    throw error;
  }
}

/** A page as it lies in the file; zeros where the file is shorter. */
export function readMainPage(fd: number, pageNumber: number, pageBytes: number): Buffer {
  const page = Buffer.alloc(pageBytes);
  readSync(fd, page, 0, pageBytes, (pageNumber - 1) * pageBytes);
  return page;
}
