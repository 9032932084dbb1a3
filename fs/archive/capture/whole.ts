// Whether the main file of a database with a rollback journal is a whole state, as it lies there.
import { closeSync, openSync, readSync } from 'node:fs';
import { isSettled, type MainFile } from '../tail/main-file.ts';

/** Nobody writes it, and no journal is there that would take something back. */
export function isWhole(path: string, main: MainFile): boolean {
  return isSettled(main, Date.now()) && !hasJournal(path);
}

function hasJournal(path: string): boolean {
  try {
    const fd = openSync(`${path}-journal`, 'r');
    try {
      const first = Buffer.alloc(1);
      return readSync(fd, first, 0, 1, 0) === 1 && first[0] !== 0;
    } finally {
      closeSync(fd);
    }
  } catch {
    return false;
  }
}
