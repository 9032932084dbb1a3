// Collects which databases were written, and tells it of many commits at once.

/** Commits are told together: so long after the first one... */
const noticeMs = 10;
/** ...and not sooner than so long after the last time, since each time wakes three processes. */
const pauseMs = 50;

export interface WrittenDatabase {
  readonly name: string;
  readonly pids: readonly number[];
}

export class CommitNotices {
  readonly #tell: (databases: readonly WrittenDatabase[]) => void;
  readonly #written = new Map<string, Set<number>>();
  #dueMs = Number.POSITIVE_INFINITY;
  #toldMs = Number.NEGATIVE_INFINITY;

  /** `tell` is called 20 times a second at most, with what was written since the last call and by whom. */
  constructor(tell: (databases: readonly WrittenDatabase[]) => void) {
    this.#tell = tell;
  }

  /** When to call `runDue`, as performance.now() counts; Infinity while there is nothing to tell. */
  get dueMs(): number {
    return this.#dueMs;
  }

  note(database: string, pid: number, nowMs: number): void {
    if (this.#written.size === 0) this.#dueMs = Math.max(nowMs + noticeMs, this.#toldMs + pauseMs);
    const pids = this.#written.get(database);
    if (pids) pids.add(pid);
    else this.#written.set(database, new Set([pid]));
  }

  /** Whether there was something to tell, and it was time. */
  runDue(nowMs: number): boolean {
    if (nowMs < this.#dueMs) return false;
    this.#dueMs = Number.POSITIVE_INFINITY;
    this.#toldMs = nowMs;
    this.#tell([...this.#written].map(([name, pids]) => ({ name, pids: [...pids] })));
    this.#written.clear();
    return true;
  }
}
