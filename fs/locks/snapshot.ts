// A frozen view of one database's locks for people and for the monitor: who holds what since when, who waits for whom.
import type { JournalMode } from '../sqlite/header.ts';
import { lockName } from '../sqlite/lock-bytes.ts';
import type { Asked, Database, LockFile, WaitKind } from './database.ts';
import { blockersOf } from './deadlock.ts';
import type { LockOwner } from './table.ts';

export interface LockHolder {
  /** SQLite's name for the lock, `flock`, or a byte range. */
  readonly lock: string;
  readonly mode: 'shared' | 'exclusive';
  readonly pid: number;
  readonly heldMs: number;
}

export interface LockWaiter {
  readonly lock: string;
  readonly mode: 'shared' | 'exclusive';
  readonly pid: number;
  readonly waitMs: number;
  /** Held before its transaction begins, rather than in the middle of one. */
  readonly atGate: boolean;
  /** Until the archive process has read the write-ahead log. */
  readonly untilArchived: boolean;
  readonly blockedBy: readonly number[];
}

export interface DatabaseLocks {
  readonly db: string;
  readonly journal: JournalMode | 'none';
  readonly holders: readonly LockHolder[];
  readonly waiters: readonly LockWaiter[];
}

/**
 * Undefined when nobody holds or waits for anything. Who was refused at the limit and asks again within `retryGapMs`
 * waits, too: a busy handler does so for as long as its timeout says.
 */
export function viewOf(
  database: Database,
  files: readonly LockFile[],
  readJournal: () => JournalMode,
  retryGapMs: number,
  nowMs: number,
): DatabaseLocks | undefined {
  const holders: LockHolder[] = [];
  const pids = new Map<LockOwner, number>();
  for (const file of files) {
    for (const [table, isFlock] of [[file.posix, false] as const, [file.flock, true] as const]) {
      for (const { owner, ranges } of table.owners.values()) {
        for (const { start, end, type, pid, sinceMs } of ranges) {
          pids.set(owner, pid);
          const lock = isFlock ? 'flock' : lockName(file.kind, start, end, type);
          holders.push({ lock, mode: modeOf(type), pid, heldMs: Math.round(nowMs - sinceMs) });
        }
      }
    }
  }
  const pidOf = (owner: LockOwner) => pids.get(owner) ?? database.owners.get(owner)?.pid ?? 0;
  const seen = (asked: Asked, kind: WaitKind, sinceMs: number, blockers: readonly LockOwner[]): LockWaiter => {
    const { request, file } = asked;
    const type = request.type === 'write' ? 'write' : 'read';
    return {
      lock: request.flock ? 'flock' : lockName(file.kind, request.start, request.end, type),
      mode: modeOf(type),
      pid: request.pid,
      waitMs: Math.round(nowMs - sinceMs),
      atGate: kind === 'gate',
      untilArchived: kind === 'unread',
      blockedBy: [...new Set(blockers.map(pidOf))],
    };
  };
  const waiters = database.waiters.map((waiter) =>
    seen(waiter, waiter.kind, waiter.episode.startedMs ?? waiter.startedMs, blockersOf(waiter)),
  );
  for (const { refused, startedMs } of database.episodes.refused(retryGapMs, nowMs)) {
    if (!refused || refused.me.waiting > 0) continue;
    const blockers = holdersAgainst(refused);
    if (blockers.length > 0) waiters.push(seen(refused, 'lock', startedMs ?? nowMs, blockers));
  }
  if (holders.length === 0 && waiters.length === 0) return undefined;
  const main = files.find((file) => file.kind === 'database');
  const journal = main ? readJournal() : files.some((file) => file.kind === 'shm') ? 'wal' : 'none';
  return { db: database.name, journal, holders, waiters };
}

/** Empty once the lock could be had. */
function holdersAgainst({ file, request }: Asked): LockOwner[] {
  const type = request.type === 'write' ? 'write' : 'read';
  const table = request.flock ? file.flock : file.posix;
  return table.conflictingOwners(request.owner, request.start, request.end, type);
}

function modeOf(type: 'read' | 'write'): 'shared' | 'exclusive' {
  return type === 'write' ? 'exclusive' : 'shared';
}
