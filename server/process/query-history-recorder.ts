// Collects query history entries in memory and writes them a little later in work of their own, so that no request ever
// waits for its history. Whoever reads the history gets what is not written yet from here: a read waits for no writer.
// Bounded: only the newest entries would survive in the table anyway.

import { ApiError } from '../messages/errors.ts';
import { limits } from '../messages/limits.ts';
import type { HistoryEntry, Recorded, RecordedEntry } from '../messages/operations/query-history.ts';
import type { Log } from './log.ts';

interface Pending {
  entries: RecordedEntry[];
  mayCreate: boolean;
}

interface Writing {
  readonly recorded: Recorded;
  readonly done: Promise<void>;
}

export interface RecorderDeps {
  readonly write: (path: string, recorded: Recorded) => Promise<void>;
  readonly log: Log;
}

export class HistoryRecorder {
  readonly #deps: RecorderDeps;
  readonly #pending = new Map<string, Pending>();
  readonly #writing = new Map<string, Writing>();
  #newestId = 0;
  #timer: NodeJS.Timeout | undefined;

  constructor(deps: RecorderDeps) {
    this.#deps = deps;
  }

  record(path: string, entry: HistoryEntry, isWrite: boolean): void {
    let pending = this.#pending.get(path);
    if (pending === undefined) {
      pending = { entries: [], mayCreate: false };
      this.#pending.set(path, pending);
    }
    // No id comes twice: not for an entry that was deleted, nor in a database that was restored from a copy.
    this.#newestId = Math.max(Date.now(), this.#newestId + 1);
    pending.entries.push({ ...entry, id: this.#newestId });
    pending.mayCreate ||= isWrite;
    if (pending.entries.length >= 2 * limits.queryHistoryKept) {
      pending.entries = pending.entries.slice(-limits.queryHistoryKept);
    }
    this.#timer ??= setTimeout(() => this.#flushAll(), limits.queryHistoryFlushMs);
  }

  /** What is recorded and perhaps not in the table yet. */
  recorded(path: string): Recorded {
    const parts = [this.#writing.get(path)?.recorded, this.#pending.get(path)];
    return {
      entries: parts.flatMap((part) => part?.entries ?? []).slice(-limits.queryHistoryKept),
      mayCreate: parts.some((part) => part?.mayCreate === true),
    };
  }

  /** Resolves when everything recorded so far is in the table. @throws what the write threw */
  async flush(path: string): Promise<void> {
    // One at a time: others who wait for the same one may begin the next before this one goes on.
    for (let before = this.#writing.get(path); before !== undefined; before = this.#writing.get(path)) {
      await before.done.catch(() => {});
    }
    const pending = this.#pending.get(path);
    if (pending === undefined) return;
    this.#pending.delete(path);
    const { mayCreate } = pending;
    const recorded = { entries: pending.entries.slice(-limits.queryHistoryKept), mayCreate };
    const writing = { recorded, done: this.#deps.write(path, recorded) };
    this.#writing.set(path, writing);
    try {
      await writing.done;
    } catch (error) {
      if (error instanceof ApiError && error.status === 503) this.#putBack(path, recorded);
      throw error;
    } finally {
      if (this.#writing.get(path) === writing) this.#writing.delete(path);
    }
  }

  /** The database was locked for long: the next flush writes them. */
  #putBack(path: string, { entries, mayCreate }: Recorded): void {
    const later = this.#pending.get(path);
    this.#pending.set(path, {
      entries: [...entries, ...(later?.entries ?? [])].slice(-limits.queryHistoryKept),
      mayCreate: mayCreate || (later?.mayCreate ?? false),
    });
    this.#timer ??= setTimeout(() => this.#flushAll(), limits.queryHistoryRetryMs).unref();
  }

  /** What is recorded but not written is dropped: the database is being deleted. */
  forget(path: string): void {
    this.#pending.delete(path);
  }

  async flushAll(): Promise<void> {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    await Promise.all(
      [...this.#pending.keys()].map((path) =>
        this.flush(path).catch((error: unknown) => {
          this.#deps.log('debug', 'query history not written', { database: path, error: String(error) });
        }),
      ),
    );
  }

  #flushAll(): void {
    void this.flushAll();
  }
}
