// SQLite's lock names in plain words, and times as people read them.

/**
 * Held for as long as a program has the database open, whatever it does: DMS of the -shm file, and in WAL mode SHARED
 * of the database file.
 */
export function isOpenness({ lock, mode }: { readonly lock: string; readonly mode: string }, journal: string): boolean {
  return lock === 'DMS' || (lock === 'SHARED' && mode === 'shared' && journal === 'wal');
}

/** In the order of strength: what a program that holds several is said to do. */
const meanings: readonly (readonly [RegExp, string])[] = [
  [/^EXCLUSIVE/, 'writes its commit to the file'],
  [/^RECOVER$/, 'recovers the WAL'],
  [/^WRITE$|WRITE\+|^RESERVED$/, 'writes'],
  [/^PENDING$/, 'waits for readers, then commits'],
  [/^CKPT$/, 'checkpoints the WAL'],
  [/^SHARED/, 'reads'],
  [/^READ\d/, 'reads'],
];

/** What a holder of these locks does: the meaning of the strongest one. Locks of mere openness are not among them. */
export function meaningOf(holds: readonly { readonly lock: string; readonly mode: string }[]): string {
  if (holds.length === 0) return 'has it open';
  for (const [name, meaning] of meanings) {
    const hold = holds.find(({ lock }) => name.test(lock));
    if (hold) return hold.lock.startsWith('READ') && hold.mode === 'exclusive' ? 'resets the WAL' : meaning;
  }
  return "holds a lock that is not SQLite's";
}

/** What one lock means by itself. */
export function meaningOfLock(hold: { readonly lock: string; readonly mode: string }, journal: string): string {
  return meaningOf(isOpenness(hold, journal) ? [] : [hold]);
}

/** What a program that waits for this lock wants to do. */
export function wishOf(lock: string, mode: string): string {
  if (mode === 'exclusive' && /RESERVED|WRITE|EXCLUSIVE/.test(lock)) return 'waits to write';
  if (/CKPT/.test(lock)) return 'waits to checkpoint';
  if (/PENDING|SHARED|READ\d/.test(lock)) return mode === 'exclusive' ? 'waits to commit' : 'waits to begin';
  return `waits for ${lock}`;
}

/** `0.2 s`, `12.5 s`, `3 min 20 s`, `2 h 5 min`. */
export function duration(ms: number): string {
  const seconds = Math.max(0, ms) / 1000;
  if (seconds < 60) return `${(Math.floor(seconds * 10) / 10).toFixed(1)} s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return `${minutes} min ${Math.floor(seconds % 60)} s`;
  return `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

export function containerName(container: string): string {
  if (container === 'host') return 'on the host';
  return container === '' ? 'container unknown' : `container ${container}`;
}

export function programName({ command, pid }: { readonly command: string; readonly pid: number }): string {
  if (command === 'hoody-sqlite') return 'a request over HTTP';
  return pid === 0 ? 'a program that cannot be seen from here' : command || 'a program';
}
