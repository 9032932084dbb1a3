// Writes a state of the past as a database file: the base as a whole, then over it the pages that differ.
import {
  chmodSync,
  closeSync,
  constants,
  copyFileSync,
  ftruncateSync,
  openSync,
  readSync,
  rmSync,
  statSync,
  writeSync,
} from 'node:fs';
import { ApiError } from '../messages/errors.ts';
import type { StateParts } from '../messages/operations/file.ts';
import { isFull } from '../messages/temporary-room.ts';

const batchBytes = 1 << 20;
/** Smaller files are copied by the kernel, in less time than a disk takes for its answers. */
const leastDirect = 16 << 20;
const partBytes = 4 << 20;
const wasmPageBytes = 1 << 16;
/** The largest that disks have. */
const blockBytes = 4096;
/** Of the file format: 1 is a rollback journal. A write-ahead log that lies beside the file is not its own. */
const journalVersions = { at: 18, bytes: Buffer.from([1, 1]) };

/** Its type is in the library for browsers, which is not for this program. */
declare const WebAssembly: {
  readonly Memory: new (pages: {
    readonly initial: number;
    readonly maximum: number;
  }) => { readonly buffer: ArrayBuffer };
};

/** @throws ApiError SERVICE_UNAVAILABLE, NodeJS.ErrnoException (EEXIST, ENOSPC ...), and a part of the file is there */
export function writeState({ base, patch, pageBytes, databasePages }: StateParts, path: string): void {
  copyBase(base, path);
  chmodSync(path, 0o666 & ~process.umask());
  const target = openSync(path, constants.O_WRONLY | constants.O_NOFOLLOW);
  try {
    ftruncateSync(target, databasePages * pageBytes);
    if (patch.pages > 0) writePages(patch, pageBytes, target);
    writeWhole(target, journalVersions.bytes, journalVersions.at);
  } finally {
    closeSync(target);
  }
  expectUnchanged(base);
}

function copyBase({ path: from, bytes }: StateParts['base'], to: string): void {
  const { COPYFILE_EXCL, COPYFILE_FICLONE, COPYFILE_FICLONE_FORCE } = constants;
  if (bytes >= leastDirect) {
    for (const copy of [
      () => copyFileSync(from, to, COPYFILE_EXCL | COPYFILE_FICLONE_FORCE),
      () => copyDirectly(from, to),
    ]) {
      try {
        copy();
        return;
      } catch (error) {
        rmSync(to, { force: true });
        if (isFull(error)) throw error;
      }
    }
  }
  copyFileSync(from, to, COPYFILE_EXCL | COPYFILE_FICLONE);
}

/**
 * Past the page cache: the file has to be on the disk anyway before it gets its name, and would take the memory of what
 * programs read. @throws where the file system or the memory does not allow it
 */
function copyDirectly(from: string, to: string): void {
  const { O_WRONLY, O_CREAT, O_EXCL, O_DIRECT } = constants;
  // The kernel wants whole blocks in memory that begins with one: no Buffer promises that.
  const pages = partBytes / wasmPageBytes;
  const part = Buffer.from(new WebAssembly.Memory({ initial: pages, maximum: pages }).buffer);
  const source = openSync(from, 'r');
  try {
    const target = openSync(to, O_WRONLY | O_CREAT | O_EXCL | O_DIRECT, 0o600);
    try {
      for (let at = 0; ; at += part.length) {
        const length = readSync(source, part, 0, part.length, at);
        // Of an incomplete block the rest is cut off again.
        const blocks = Math.ceil(length / blockBytes) * blockBytes;
        part.fill(0, length, blocks);
        if (blocks > 0 && writeSync(target, part, 0, blocks, at) < blocks) throw new Error('a part was not written');
        if (length < part.length) return;
      }
    } finally {
      closeSync(target);
    }
  } finally {
    closeSync(source);
  }
}

function writePages({ path, pages }: StateParts['patch'], pageBytes: number, target: number): void {
  const entryBytes = 4 + pageBytes;
  const most = Math.max(1, Math.floor(batchBytes / entryBytes));
  const batch = Buffer.allocUnsafe(most * entryBytes);
  const source = openSync(path, 'r');
  try {
    for (let done = 0; done < pages; done += most) {
      const length = Math.min(most, pages - done) * entryBytes;
      if (readSync(source, batch, 0, length, null) < length) throw new Error(`${path} is shorter than its pages`);
      for (let at = 0; at < length; at += entryBytes) {
        const position = (batch.readUInt32LE(at) - 1) * pageBytes;
        writeWhole(target, batch.subarray(at + 4, at + entryBytes), position);
      }
    }
  } finally {
    closeSync(source);
  }
}

/** A disk that gets full takes a part of a page, and refuses the rest. */
function writeWhole(fd: number, bytes: Buffer, position: number): void {
  for (let done = 0; done < bytes.length; ) {
    done += writeSync(fd, bytes, done, bytes.length - done, position + done);
  }
}

/** The archive drops old commits by writing their pages into the base. */
function expectUnchanged({ path, bytes, modifiedNs }: StateParts['base']): void {
  const { size, mtimeNs } = statSync(path, { bigint: true });
  if (Number(size) === bytes && String(mtimeNs) === modifiedNs) return;
  throw new ApiError('SERVICE_UNAVAILABLE', 'the archive dropped old commits meanwhile; try again');
}
