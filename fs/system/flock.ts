// flock(2): a lock on a whole file, which neither SQLite's locks nor those of fcntl(2) meet.
import { libcFunction } from './libc.ts';

const flock = libcFunction<[number, number]>('int flock(int fd, int operation)');

const LOCK_EX = 2;
const LOCK_NB = 4;

/** It lasts until the open file is closed. False: somebody else has it. */
export function tryFlock(fd: number): boolean {
  return flock(fd, LOCK_EX | LOCK_NB) === 0;
}
