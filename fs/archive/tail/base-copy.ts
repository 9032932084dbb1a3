// A raw copy of a main file that programs go on using: a clone where the file system can, else part by part. It is no
// state of the database; it becomes one with the pages of all commits that were read while it was made.
import { constants } from 'node:fs';
import { copyFile, type FileHandle, open, rm } from 'node:fs/promises';

const partBytes = 1 << 20;

/** Replaces `to`. @throws NodeJS.ErrnoException, and `to` is gone */
export async function copyBase(from: string, to: string, signal: AbortSignal): Promise<void> {
  await rm(to, { force: true });
  try {
    await copyFile(from, to, constants.COPYFILE_FICLONE_FORCE);
    return;
  } catch {
    await rm(to, { force: true }); // this file system has no clones
  }
  try {
    await copyParts(from, to, signal);
  } catch (error) {
    await rm(to, { force: true });
    throw error;
  }
}

async function copyParts(from: string, to: string, signal: AbortSignal): Promise<void> {
  const source = await open(from, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  try {
    const target = await open(to, 'wx', 0o600);
    try {
      await copyAll(source, target, signal);
    } finally {
      await target.close();
    }
  } finally {
    await source.close();
  }
}

async function copyAll(source: FileHandle, target: FileHandle, signal: AbortSignal): Promise<void> {
  const part = Buffer.allocUnsafe(partBytes);
  for (let at = 0; ; ) {
    signal.throwIfAborted();
    const { bytesRead } = await source.read(part, 0, partBytes, at);
    if (bytesRead === 0) break;
    for (let written = 0; written < bytesRead; ) {
      written += (await target.write(part, written, bytesRead - written, at + written)).bytesWritten;
    }
    at += bytesRead;
  }
  await target.datasync();
}
