// How the mounts of this kernel register files for passthrough. Before Linux 6.12 that takes an open descriptor, and a
// dead mount then keeps every file that was in use at its end open for reading, until the last program of that mount
// has gone, whichever files that one has. After such a mount only those who have a file open for writing can be told
// from nobody. A mark in the run-time folder tells the next fs process, and a daemon without a mount, which has to know
// it before there is a mount to try it on.
import { existsSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** Whom a lease has to find: see survey.ts. */
export type Openers = 'all' | 'writers';

export function openersToFind(stateDir: string): Openers {
  return existsSync(markOf(stateDir)) ? 'writers' : 'all';
}

/** Undefined, or why it cannot be noted: the folder is full, read-only or gone. */
export function noteRegistration(stateDir: string, takesPathDescriptor: boolean): string | undefined {
  try {
    if (takesPathDescriptor) rmSync(markOf(stateDir), { force: true });
    else writeFileSync(markOf(stateDir), '');
    return undefined;
  } catch (error) {
    return String(error);
  }
}

function markOf(stateDir: string): string {
  return join(stateDir, 'registers-open-files');
}
