// What may wait, and for how long: the table of SQLite's locks, one case a row. Only a request that meets another
// owner's lock comes here; the wait before a snapshot is gate.ts. Facts about SQLite from os_unix.c and wal.c of
// 3.40.1.

import type { JournalMode } from '../sqlite/header.ts';
import {
  HOLDS_CKPT,
  HOLDS_EXCLUSIVE,
  HOLDS_PENDING,
  HOLDS_READ,
  HOLDS_RESERVED,
  type LockRole,
} from '../sqlite/lock-bytes.ts';
import { type Asked, type Database, type DatabaseOwner, HIDDEN, type WaitKind } from './database.ts';
import type { LockLimits } from './limits.ts';
import type { LockRequest } from './types.ts';

/** How long a conflicting request may wait, in milliseconds; 0 is "answer at once". */
export function patienceMs(
  request: LockRequest,
  role: LockRole,
  database: Database,
  me: DatabaseOwner,
  journal: () => JournalMode,
  limits: LockLimits,
): number {
  if (request.wait) return limits.blockingMs;
  const wantsWrite = request.type === 'write';
  switch (role) {
    case 'pending':
    case 'shared':
      // Reading: the holder is in the middle of its commit. Writing: our own commit, or the rollback of a hot journal.
      // On a WAL database the exclusive lock is asked by a closing connection, or by a change of the journal mode.
      if (wantsWrite && journal() === 'wal') return 0;
      if (!isCommitStep(role, request, me)) return limits.queueMs;
      return role === 'shared' && hasLongReader(database, me) ? 0 : limits.commitMs;
    case 'reserved':
      // An empty database: hasHotJournal() asks as a reader. A holder that commits needs our SHARED gone.
      if (!wantsWrite || journal() === 'empty' || isCommitting(database.writer)) return 0;
      return limits.shortMs;
    case 'write':
      if (!wantsWrite) return 0;
      if (!(me.bits & HOLDS_READ)) return limits.queueMs; // recovery, or a checkpoint that holds CKPT
      return (database.writer?.bits ?? 0) & HOLDS_CKPT ? 0 : limits.shortMs;
    case 'read-mark': // SQLite tries another mark
    case 'reset':
    case 'checkpoint':
    case 'recover':
    case 'dms':
    case 'several':
    case 'foreign':
      return 0;
    default:
      return role satisfies never;
  }
}

/** How long the restart of a log may wait for the archive process to have read it, in milliseconds. */
export function patienceForReaderMs({ bits }: DatabaseOwner, unreadBytes: number, limits: LockLimits): number {
  if (bits & HOLDS_CKPT) return limits.unreadCheckpointMs;
  return unreadBytes > limits.unreadLogBytes ? limits.unreadRestartMs : 0;
}

/** Whether what is in the way has been held for longer than a whole wait: it is likely to outlast the next one, too. */
export function isBehindLong({ file, request }: Asked, kind: WaitKind, limits: LockLimits, nowMs: number): boolean {
  const table = request.flock ? file.flock : file.posix;
  const type = request.type === 'write' ? 'write' : 'read';
  const sinceMs =
    kind === 'gate'
      ? file.database.busy.sinceMs
      : table.conflict(request.owner, request.start, request.end, type)?.sinceMs;
  return sinceMs !== undefined && nowMs - sinceMs > limits.queueMs;
}

/** A commit, from the RESERVED lock on: the last to give way in a cycle, and no reader overtakes it. */
export function isCommitStep(role: LockRole, request: LockRequest, me: DatabaseOwner): boolean {
  return request.type === 'write' && (role === 'pending' || role === 'shared') && (me.bits & HOLDS_RESERVED) !== 0;
}

/**
 * Those behind a commit that waits can only read when it gives up: for a reader that outlasts it they would wait again
 * and again.
 */
function hasLongReader(database: Database, me: DatabaseOwner): boolean {
  for (const other of database.owners.values()) {
    if (other !== me && other.transaction?.hasOutlastedCommit) return true;
  }
  return false;
}

function isCommitting(writer: DatabaseOwner | undefined): boolean {
  return writer !== undefined && (writer.committing || (writer.bits & (HOLDS_PENDING | HOLDS_EXCLUSIVE)) !== 0);
}

/**
 * SQLite 3.7.0 to 3.51.2 can corrupt a WAL database when a writer restarts the WAL (READ1-4 exclusive) while another
 * thread is in the middle of a checkpoint. Refused, SQLite appends to the WAL instead: nobody waits.
 * https://sqlite.org/wal.html, "the WAL-reset bug".
 */
export function isShielded({ type, owner, tid }: LockRequest, role: LockRole, database: Database): boolean {
  const other = role === 'reset' ? database.checkpointer : role === 'checkpoint' ? database.resetter : undefined;
  if (other === undefined || type !== 'write') return false;
  if (other.owner !== owner || other.tid !== tid) return true;
  if (tid !== HIDDEN) return false;
  // The threads of a hidden process look the same. The one that restarts the WAL to checkpoint it asks for CKPT first,
  // and reads nothing.
  return role === 'checkpoint' || ((database.owners.get(owner)?.bits ?? 0) & HOLDS_READ) !== 0;
}
