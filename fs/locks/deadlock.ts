// Finds a cycle of waiters and chooses who gives way. Owners are the nodes: SQLite holds a process-wide mutex while it
// waits for a lock, so one waiting thread keeps its whole process from letting go of anything.

import { HOLDS_READ, HOLDS_RESERVED, HOLDS_SHARED } from '../sqlite/lock-bytes.ts';
import type { Waiter } from './database.ts';
import { gateBlockers } from './gate.ts';
import { isCommitStep } from './policy.ts';
import type { LockOwner } from './table.ts';

/** One owner's wait; without a waiter it is a poll: refused a moment ago and sure to ask again. */
export interface Wait {
  readonly waiter: Waiter | undefined;
  readonly blockers: readonly LockOwner[];
}

/** The waiters of a cycle through `owner`, or undefined. `owner` waits already. */
export function findCycle(owner: LockOwner, waitsOf: (owner: LockOwner) => readonly Wait[]): Waiter[] | undefined {
  const seen = new Set<LockOwner>();
  const path: Waiter[] = [];
  const leadsBack = (from: LockOwner): boolean => {
    for (const wait of waitsOf(from)) {
      if (wait.waiter) path.push(wait.waiter);
      for (const blocker of wait.blockers) {
        if (blocker === owner) return true;
        if (seen.has(blocker)) continue;
        seen.add(blocker);
        if (leadsBack(blocker)) return true;
      }
      if (wait.waiter) path.pop();
    }
    return false;
  };
  return leadsBack(owner) ? path : undefined;
}

/**
 * Who gives way: a gate wait (let through), an upgrade from a snapshot, the request that closed the cycle; last a
 * commit.
 */
export function chooseVictim(cycle: readonly Waiter[], closer: Waiter | undefined): Waiter | undefined {
  const closing = cycle.find((waiter) => waiter === closer);
  return (
    cycle.find((waiter) => waiter.kind === 'gate') ??
    (closing && isUpgrade(closing) ? closing : cycle.find(isUpgrade)) ??
    (closing && !isCommit(closing) ? closing : undefined) ??
    cycle.find((waiter) => !isCommit(waiter)) ??
    cycle[0]
  );
}

function isCommit(waiter: Waiter): boolean {
  return isCommitStep(waiter.role, waiter.request, waiter.me);
}

/**
 * Holds SHARED or a READ mark and wants RESERVED, WRITE or PENDING: the holder's commit makes its snapshot stale
 * anyway.
 */
function isUpgrade(waiter: Waiter): boolean {
  const { role, request, me } = waiter;
  return (
    request.type === 'write' &&
    (role === 'reserved' || role === 'write' || role === 'pending' || role === 'shared') &&
    (me.bits & (HOLDS_SHARED | HOLDS_READ)) !== 0 &&
    (me.bits & HOLDS_RESERVED) === 0
  );
}

/** Who keeps a waiter from what it wants, now. */
export function blockersOf(waiter: Waiter): LockOwner[] {
  const { file, request, database, me } = waiter;
  const type = request.type === 'write' ? 'write' : 'read';
  const table = request.flock ? file.flock : file.posix;
  const blockers = table.conflictingOwners(request.owner, request.start, request.end, type);
  if (waiter.kind === 'gate') {
    for (const other of gateBlockers(database, me)) blockers.push(other.owner);
  } else if (waiter.role === 'pending' && type === 'read') {
    for (const other of database.waiters) {
      if (other.me !== me && isCommitStep(other.role, other.request, other.me)) blockers.push(other.me.owner);
    }
  }
  return blockers;
}
