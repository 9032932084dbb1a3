// One transaction that goes on between requests: its place, its executor, and since when nothing was heard of its
// client.
import { ApiError } from '../../messages/errors.ts';
import { limits } from '../../messages/limits.ts';
import type { OpenMode } from '../../messages/operation.ts';
import type { StreamArgs } from '../../messages/operations/libsql.ts';
import type { Executor } from '../scheduler/executor.ts';
import type { Place } from './places.ts';

export interface Session {
  readonly id: number;
  readonly place: Place;
  readonly executor: Executor;
  /** With a token that may only read. */
  readonly readOnly: boolean;
  readonly beganMs: number;
  /** Of the next request. */
  sequence: number;
  /** When it answered last; null while it is at work. */
  idleSinceMs: number | null;
  /** It ends as soon as it is no longer at work. */
  ending: Ended | null;
}

/** What is told to whoever comes back to a session that has ended. */
export interface Ended {
  readonly code: 'STREAM_EXPIRED' | 'TRANSACTION_TIMEOUT';
  readonly text: string;
}

/** A party that waits for a lock, and whom for. */
export interface LockWait {
  readonly pid: number;
  readonly waitMs: number;
  readonly blockedBy: readonly number[];
}

export interface Pressure {
  readonly isWaitedFor: boolean;
  readonly longestWaitMs: number;
}

/** What the waiters of a lock mean for the session of the executor. `upkeep`: processes that nobody waits for. */
export function pressureOf(waits: readonly LockWait[], pid: number, upkeep: readonly number[]): Pressure {
  const ours = waits.filter((wait) => wait.blockedBy.includes(pid) && !upkeep.includes(wait.pid));
  return { isWaitedFor: ours.length > 0, longestWaitMs: Math.max(0, ...ours.map(({ waitMs }) => waitMs)) };
}

/** What its client is told; null as long as it may go on. */
export function whyToEnd(session: Session, { isWaitedFor, longestWaitMs }: Pressure, nowMs: number): string | null {
  if (session.idleSinceMs === null || session.ending !== null) return null;
  const idleMs = nowMs - session.idleSinceMs;
  const rolledBack = 'the transaction was rolled back';
  if (idleMs >= limits.sessionIdleMs) return `${rolledBack}: nothing was heard of it for ${limits.sessionIdleMs} ms`;
  if (longestWaitMs >= limits.sessionWaitMs) return `${rolledBack}: others waited for it for ${longestWaitMs} ms`;
  if (idleMs < limits.sessionIdleWaitedForMs || !isWaitedFor) return null;
  return `${rolledBack}: nothing was heard of it for ${limits.sessionIdleWaitedForMs} ms, and others waited for it`;
}

/** How a session begins: what its connection may do, and whether it has the place of the writer. */
export interface Beginning {
  readonly mode: OpenMode;
  readonly writes: boolean;
}

/** By the words of the request; the executor looks closer, before anything runs. */
export function beginningOf({ body, readOnly }: StreamArgs): Beginning {
  if (readOnly) return { mode: 'read', writes: false };
  const text = Buffer.from(body.buffer, body.byteOffset, body.length).toString('latin1');
  if (/\bBEGIN\s+(?:TRANSACTION\s+)?READONLY\b/i.test(text)) return { mode: 'read', writes: false };
  return { mode: 'write', writes: !/\bBEGIN\s+DEFERRED\b/i.test(text) };
}

export function errorOf({ code, text }: Ended): ApiError {
  return new ApiError(code, text);
}

export function textOf(error: unknown): string {
  return `the transaction was rolled back: ${error instanceof Error ? error.message : 'an error'}`;
}
