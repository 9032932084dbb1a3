// Collects query history entries in memory and writes them a little later in work of their own, so that no request ever
// waits for its history. Bounded: only the newest entries would survive in the table anyway.

import { ApiError } from '../messages/errors.ts';
import { limits } from '../messages/limits.ts';
import type { HistoryEntry } from '../messages/operations/query-history.ts';
import type { Log } from './log.ts';

interface Pending {
  entries: HistoryEntry[];
  /** One of the entries is of a write: the table may be made. */
  mayCreate: boolean;
}

export interface RecorderDeps {
  readonly write: (path: string, entries: readonly HistoryEntry[], mayCreate: boolean) => Promise<void>;
  readonly log: Log;
}

export class HistoryRecorder {
  readonly #deps: RecorderDeps;
  readonly #pending = new Map<string, Pending>();
  readonly #writing = new Map<string, Promise<void>>();
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
    pending.entries.push(entry);
    pending.mayCreate ||= isWrite;
    if (pending.entries.length >= 2 * limits.queryHistoryKept) {
      pending.entries = pending.entries.slice(-limits.queryHistoryKept);
    }
    this.#timer ??= setTimeout(() => this.#flushAll(), limits.queryHistoryFlushMs);
  }

  /** Resolves when everything recorded so far is in the table. @throws what the write threw */
  async flush(path: string): Promise<void> {
    await this.#writing.get(path)?.catch(() => {});
    const pending = this.#pending.get(path);
    if (pending === undefined) return;
    this.#pending.delete(path);
    const entries = pending.entries.slice(-limits.queryHistoryKept);
    const writing = this.#deps.write(path, entries, pending.mayCreate);
    this.#writing.set(path, writing);
    try {
      await writing;
    } catch (error) {
      if (error instanceof ApiError && error.status === 503) this.#putBack(path, entries, pending.mayCreate);
      throw error;
    } finally {
      if (this.#writing.get(path) === writing) this.#writing.delete(path);
    }
  }

  /** The database was locked for long: the next flush writes them. */
  #putBack(path: string, entries: readonly HistoryEntry[], mayCreate: boolean): void {
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
