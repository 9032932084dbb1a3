// Reading and writing whole ranges, and files that are there completely or not at all, also after a power cut.
import {
  close,
  closeSync,
  fsync,
  fsyncSync,
  ftruncateSync,
  open,
  openSync,
  readFileSync,
  readSync,
  renameSync,
  unlinkSync,
  writeSync,
} from 'node:fs';
import { dirname } from 'node:path';
import { promisify } from 'node:util';

const openFile = promisify(open);
const closeFile = promisify(close);
const syncFile = promisify(fsync);

/** @throws NodeJS.ErrnoException: some of it may be there */
export function writeAll(fd: number, bytes: Uint8Array, position: number): void {
  for (let done = 0; done < bytes.length; ) {
    done += writeSync(fd, bytes, done, bytes.length - done, position + done);
  }
}

/** @returns how many bytes there were: fewer than `target` holds only at the end of the file */
export function readInto(fd: number, target: Uint8Array, position: number): number {
  let done = 0;
  while (done < target.length) {
    const got = readSync(fd, target, done, target.length - done, position + done);
    if (got === 0) break;
    done += got;
  }
  return done;
}

/** Reads exactly this range. @throws Error when the file is shorter */
export function readRange(fd: number, position: number, length: number): Buffer {
  const bytes = Buffer.alloc(length);
  if (readInto(fd, bytes, position) < length) throw new Error(`the file ends before byte ${position + length}`);
  return bytes;
}

/** Names that were made, changed or removed in the folder are on the disk when it returns. */
export function syncFolder(folder: string): void {
  const fd = openSync(folder, 'r');
  try {
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}

/** The same, on another thread. */
export async function syncFolderLater(folder: string): Promise<void> {
  const fd = await openFile(folder, 'r');
  try {
    await syncFile(fd);
  } finally {
    await closeFile(fd);
  }
}

/** After a crash at any moment the file has the old content or the new one. */
export function replaceFile(path: string, content: Uint8Array | string): void {
  const unfinished = `${path}.new`;
  const fd = openSync(unfinished, 'w');
  try {
    writeAll(fd, typeof content === 'string' ? Buffer.from(content) : content, 0);
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
  renameDurably(unfinished, path);
}

export function renameDurably(from: string, to: string): void {
  renameSync(from, to);
  syncFolder(dirname(to));
}

export function removeIfThere(path: string): void {
  try {
    unlinkSync(path);
  } catch (error) {
    if (codeOf(error) !== 'ENOENT') throw error;
  }
}

export function readIfThere(path: string): Buffer | undefined {
  try {
    return readFileSync(path);
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return undefined;
    throw error;
  }
}

/** Sets the length of a file that may not be open. */
export function cutFile(path: string, length: number): void {
  const fd = openSync(path, 'r+');
  try {
    ftruncateSync(fd, length);
  } finally {
    closeSync(fd);
  }
}

export function codeOf(error: unknown): string | undefined {
  return (error as NodeJS.ErrnoException).code;
}
