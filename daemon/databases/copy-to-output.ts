// A copy of a database on stdout, for a pipe or a redirection. SQLite copies into files only: the copy is made in the
// temporary folder ($TMPDIR, else /tmp) first, and removed whatever happens.
import { mkdtempSync, rmSync, statfsSync, statSync, write as writeWithCallback } from 'node:fs';
import { open } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';
import { CommandError, exitCodes, messageOf } from '../errors.ts';
import { type CopyProgress, copyDatabase } from './copy.ts';
import { filesOf } from './name.ts';

const write = promisify(writeWithCallback);
const stdoutFd = 1;
const chunkBytes = 2 ** 20;
const retryMs = 10;
const signals = { SIGHUP: 1, SIGINT: 2, SIGTERM: 15 } as const;

/** @returns its size @throws CommandError where there is no room, or the reader has gone away */
export async function copyToOutput(database: string, onProgress: (progress: CopyProgress) => void): Promise<number> {
  checkRoom(database);
  const folder = mkdtempSync(join(tmpdir(), 'hoody-sqlite-backup-'));
  const remove = () => rmSync(folder, { recursive: true, force: true });
  for (const [signal, number] of Object.entries(signals)) {
    process.once(signal, () => {
      remove();
      process.exit(128 + number);
    });
  }
  try {
    const copy = join(folder, 'copy.db');
    const sizeBytes = await copyDatabase({ from: database, isSaved: false, to: copy, onProgress });
    await printFile(copy);
    return sizeBytes;
  } finally {
    remove();
  }
}

function checkRoom(database: string): void {
  const needBytes = filesOf(database).reduce((sum, file) => {
    return sum + (statSync(file, { throwIfNoEntry: false })?.size ?? 0);
  }, 0);
  const { bavail, bsize } = statfsSync(tmpdir());
  if (bavail * bsize >= needBytes) return;
  throw new CommandError(exitCodes.failed, `${tmpdir()} has no room for a copy of ${database}`, {
    hint: 'name another folder: TMPDIR=/folder hoody-sqlite backup ...',
  });
}

async function printFile(path: string): Promise<void> {
  const file = await open(path);
  try {
    const chunk = Buffer.alloc(chunkBytes);
    for (;;) {
      const { bytesRead } = await file.read(chunk, 0, chunk.length);
      if (bytesRead === 0) return;
      await printAll(chunk.subarray(0, bytesRead));
    }
  } finally {
    await file.close();
  }
}

async function printAll(bytes: Buffer): Promise<void> {
  for (let left = bytes; left.length > 0; ) {
    try {
      const { bytesWritten } = await write(stdoutFd, left);
      left = left.subarray(bytesWritten);
    } catch (cause) {
      const { code } = cause as NodeJS.ErrnoException;
      if (code !== 'EAGAIN') {
        const reason = code === 'EPIPE' ? 'its reader has gone away' : messageOf(cause);
        throw new CommandError(exitCodes.failed, `cannot write to the output: ${reason}`, { cause });
      }
      await delay(retryMs); // a pipe that somebody has made non-blocking is full
    }
  }
}
