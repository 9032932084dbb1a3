// Requests that cannot be served yet, and are served once more a little later: renames of databases in RAM whose
// durable copies are being written.
import type { Log } from '../log.ts';
import type { Name, RequestOf, Unique } from '../protocol/requests.ts';
import { EBUSY, SILENT } from '../protocol/results.ts';

const pauseMs = 5;
/** A batch takes milliseconds, on a slow disk seconds. */
const patienceMs = 10_000;

interface Waiting {
  readonly asked: RequestOf<'RENAME'>;
  readonly dueMs: number;
}

export class Postponed {
  readonly #log: Log;
  #waiting: readonly Waiting[] = [];
  readonly #sinceMs = new Map<Unique, number>();

  constructor(log: Log) {
    this.#log = log;
  }

  /** Infinity: nothing waits. */
  get dueMs(): number {
    return Math.min(Number.POSITIVE_INFINITY, ...this.#waiting.map(({ dueMs }) => dueMs));
  }

  /** What the handler returns: it comes again, or was put off for too long. The names are copied. */
  add(asked: RequestOf<'RENAME'>): number {
    const nowMs = performance.now();
    const sinceMs = this.#sinceMs.get(asked.unique) ?? nowMs;
    if (nowMs - sinceMs > patienceMs) {
      this.#sinceMs.delete(asked.unique);
      const cause = 'its durable copy has been written for 10 s';
      this.#log('error', 'ramdisk-rename-refused', { pid: asked.pid, cause, effect: 'the caller gets EBUSY' });
      return -EBUSY;
    }
    this.#sinceMs.set(asked.unique, sinceMs);
    const [name, newName] = [Buffer.from(asked.name) as Name, Buffer.from(asked.newName) as Name];
    this.#waiting = [...this.#waiting, { asked: { ...asked, name, newName }, dueMs: nowMs + pauseMs }];
    return SILENT;
  }

  /** Those to be served now. */
  takeDue(): readonly RequestOf<'RENAME'>[] {
    const nowMs = performance.now();
    const due = this.#waiting.filter(({ dueMs }) => dueMs <= nowMs);
    if (due.length > 0) this.#waiting = this.#waiting.filter(({ dueMs }) => dueMs > nowMs);
    if (due.length > 0 && this.#waiting.length === 0) this.#keepTimesOf(due);
    return due.map(({ asked }) => asked);
  }

  #keepTimesOf(due: readonly Waiting[]): void {
    const uniques = new Set(due.map(({ asked }) => asked.unique));
    for (const unique of this.#sinceMs.keys()) if (!uniques.has(unique)) this.#sinceMs.delete(unique);
  }
}
