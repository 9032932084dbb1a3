// Notes about logs of databases in RAM that a program is about to begin anew: which pages such a log has written. Their
// content is in the main file, for SQLite begins a log anew only when all of it is there. Files in `left/` with names
// of the order in which they were made: a number, and `-pages` behind the name of the database.
import { close, O_CLOEXEC, O_CREAT, O_EXCL, O_WRONLY, openat, pwrite, unlinkat } from '../system/files.ts';
import type { RamFolder } from './ram-folders.ts';

/** Names in `left/` begin with a number of so many digits. */
export const leftDigits = 20;
export const noteSuffix = '-pages';
/** u32 each, little-endian: pageBytes, databasePages; then the page numbers, each maybe many times. */
const headBytes = 8;

export interface LogNote {
  readonly pageBytes: number;
  /** Of the database after the log. */
  readonly databasePages: number;
  readonly pages: Uint32Array;
}

export function encodeNote({ pageBytes, databasePages, pages }: LogNote): Buffer {
  const bytes = Buffer.alloc(headBytes + pages.byteLength);
  bytes.writeUInt32LE(pageBytes, 0);
  bytes.writeUInt32LE(databasePages, 4);
  Buffer.from(pages.buffer, pages.byteOffset, pages.byteLength).copy(bytes, headBytes);
  return bytes;
}

/** undefined where it was not written to its end. */
export function decodeNote(bytes: Buffer): LogNote | undefined {
  if (bytes.length <= headBytes || bytes.length % 4 !== 0) return undefined;
  const aligned = new Uint8Array(bytes.length - headBytes);
  bytes.copy(aligned, 0, headBytes);
  return {
    pageBytes: bytes.readUInt32LE(0),
    databasePages: bytes.readUInt32LE(4),
    pages: new Uint32Array(aligned.buffer),
  };
}

/** `name` of the database, as latin1. False where there is no room, and nothing is left of it. */
export function writeNote({ fd }: Pick<RamFolder, 'fd'>, name: string, note: LogNote): boolean {
  const path = Buffer.from(`../left/${leftNumber()}.${name}${noteSuffix}\0`, 'latin1');
  const file = openat(fd, path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600);
  if (file < 0) return false;
  const bytes = encodeNote(note);
  const isWhole = pwrite(file, bytes, bytes.length, 0) === bytes.length;
  close(file);
  if (!isWhole) unlinkat(fd, path, 0);
  return isWhole;
}

/** For a name in `left/`: later ones come later. */
export function leftNumber(): string {
  return process.hrtime.bigint().toString().padStart(leftDigits, '0');
}
