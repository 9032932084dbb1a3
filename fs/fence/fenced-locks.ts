// The lock service as it looks while a fence stands: on a fenced database everybody else waits, and in the end is
// refused, exactly as if the programs of the dead mount held every byte for writing. Nothing of that reaches the lock
// manager, and the mirror opens no file.
import { constants } from 'node:os';
import type { LockService } from '../channel/lock-service.ts';
import type { LockLimits } from '../locks/limits.ts';
import type { FileHandle } from '../nodes/handles.ts';
import type { Node } from '../nodes/nodes.ts';
import { encodeLock } from '../protocol/encode.ts';
import { END_OF_FILE, lastByteOf } from '../protocol/lock-offsets.ts';
import type { Owed, RequestOf, Unique } from '../protocol/requests.ts';
import { SILENT } from '../protocol/results.ts';
import { F_UNLCK, F_WRLCK } from '../system/file-locks.ts';
import type { Fence } from './fence.ts';

const { EAGAIN, EINTR } = constants.errno;

interface Waiting {
  readonly node: Node;
  readonly asked: RequestOf<'SETLK' | 'SETLKW'>;
  readonly untilMs: number;
}

export class FencedLocks implements LockService {
  readonly #inner: LockService;
  readonly #fence: Fence;
  readonly #answer: (asked: Owed, result: number) => void;
  readonly #limits: LockLimits;
  /** Nobody who waits holds anything on the database, so that a wait is in nobody's way. */
  readonly #waiting = new Map<Unique, Waiting>();
  /** Until when F_SETLK, which is what SQLite asks with, waits; later it is refused at once. */
  readonly #patientUntilMs: number;

  constructor(inner: LockService, fence: Fence, limits: LockLimits, answer: (asked: Owed, result: number) => void) {
    this.#inner = inner;
    this.#fence = fence;
    this.#limits = limits;
    this.#answer = answer;
    this.#patientUntilMs = performance.now() + limits.fenceMs;
  }

  get pending(): number {
    return this.#inner.pending + this.#waiting.size;
  }

  test(node: Node, asked: RequestOf<'GETLK'>, out: Buffer): number {
    if (!this.#fence.covers(node.key)) return this.#inner.test(node, asked, out);
    // pid 0: the holder is no client of this mount.
    return encodeLock(out, { start: 0, end: lastByteOf(END_OF_FILE), type: F_WRLCK, pid: 0 });
  }

  set(node: Node, asked: RequestOf<'SETLK' | 'SETLKW'>, answerFreed?: () => void): number {
    if (!this.#fence.covers(node.key)) return this.#inner.set(node, asked, answerFreed);
    if (asked.type === F_UNLCK) return 0; // nobody here holds anything on it
    const nowMs = performance.now();
    const untilMs = asked.op === 'SETLK' ? this.#patientUntilMs : nowMs + this.#limits.blockingMs;
    if (nowMs >= untilMs) return refusalOf(asked);
    this.#waiting.set(asked.unique, { node, asked, untilMs });
    return SILENT;
  }

  opened(handle: FileHandle): void {
    this.#inner.opened(handle);
  }

  flushed(node: Node, asked: RequestOf<'FLUSH'>): void {
    this.#inner.flushed(node, asked);
  }

  released(handle: FileHandle): void {
    this.#inner.released(handle);
  }

  interrupt(target: Unique): void {
    const waiting = this.#waiting.get(target);
    if (waiting === undefined) {
      this.#inner.interrupt(target);
      return;
    }
    this.#waiting.delete(target);
    this.#answer(waiting.asked, -EINTR);
  }

  nextDueMs(): number {
    const innerMs = this.#inner.nextDueMs();
    if (this.#waiting.size === 0) return innerMs;
    let nextMs = Number.POSITIVE_INFINITY;
    for (const { untilMs } of this.#waiting.values()) nextMs = Math.min(nextMs, untilMs);
    if (nextMs === Number.POSITIVE_INFINITY) return innerMs;
    const dueMs = Math.max(0, Math.ceil(nextMs - performance.now()));
    return innerMs < 0 ? dueMs : Math.min(innerMs, dueMs);
  }

  runDue(isIdle: boolean): boolean {
    const hasRun = this.#inner.runDue(isIdle);
    if (this.#waiting.size === 0) return hasRun;
    const nowMs = performance.now();
    for (const [unique, { asked, untilMs }] of this.#waiting) {
      if (nowMs < untilMs) continue;
      this.#waiting.delete(unique);
      this.#answer(asked, refusalOf(asked));
    }
    return true;
  }

  /** A fence was lifted: those who waited for it ask the lock manager now. */
  lifted(): void {
    for (const [unique, { node, asked }] of this.#waiting) {
      if (this.#fence.covers(node.key)) continue;
      this.#waiting.delete(unique);
      const result = this.#inner.set(node, asked);
      if (result !== SILENT) this.#answer(asked, result);
    }
  }
}

function refusalOf({ op }: RequestOf<'SETLK' | 'SETLKW'>): number {
  return op === 'SETLK' ? -EAGAIN : -EINTR;
}
