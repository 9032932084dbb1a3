// SQLite's lock bytes as a map: for each byte who holds it and who waits for it. Pure. The names are those of os_unix.c
// and wal.c, as the monitor reports them.
import type { DatabaseLocks } from './snapshot.ts';

export interface LockByte {
  readonly name: string;
  /** What the byte is for, in a few words. */
  readonly meaning: string;
  readonly exclusive: readonly number[];
  readonly shared: readonly number[];
  readonly waiting: readonly number[];
}

export interface ByteMap {
  /** Bytes of the database file: the rollback journal's locks. */
  readonly file: readonly LockByte[];
  /** Bytes of the `-shm` file: the WAL's locks. */
  readonly shm: readonly LockByte[];
}

const fileBytes: readonly (readonly [string, string])[] = [
  ['PENDING', 'nobody else may begin to read'],
  ['RESERVED', 'one program prepares a write'],
  ['SHARED', 'readers; exclusive: a commit'],
];

const shmBytes: readonly (readonly [string, string])[] = [
  ['WRITE', 'one program writes to the WAL'],
  ['CKPT', 'the WAL is copied into the file'],
  ['RECOVER', 'the index of the WAL is made anew'],
  ['READ0', 'reads the file alone'],
  ['READ1', 'reads up to mark 1 of the WAL'],
  ['READ2', 'reads up to mark 2 of the WAL'],
  ['READ3', 'reads up to mark 3 of the WAL'],
  ['READ4', 'reads up to mark 4 of the WAL'],
  ['DMS', 'has the database open'],
];

export function byteMap(locks: DatabaseLocks): ByteMap {
  const bytes = (names: typeof fileBytes) =>
    names.map(([name, meaning]) => {
      const has = ({ lock }: { readonly lock: string }) => bytesOf(lock).includes(name);
      const pids = (mode: string) => locks.holders.filter((holder) => holder.mode === mode && has(holder)).map(pidOf);
      const waiting = locks.waiters.filter(has).map(pidOf);
      return { name, meaning, exclusive: pids('exclusive'), shared: pids('shared'), waiting };
    });
  return { file: bytes(fileBytes), shm: bytes(shmBytes) };
}

function bytesOf(lock: string): string[] {
  return lock.split('+').map((name) => (name === 'EXCLUSIVE' ? 'SHARED' : name));
}

function pidOf({ pid }: { readonly pid: number }): number {
  return pid;
}
