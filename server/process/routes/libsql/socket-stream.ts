// One stream of a WebSocket: its requests are done one after the other. When its transaction is lost, everything that
// comes after fails, until its client rolls back or closes the stream: nothing of a transaction may run outside of it.
import { ApiError, toApiError } from '../../../messages/errors.ts';
import type { StreamReply } from './stream.ts';

export type RunRequest = (form: 'pipeline' | 'cursor', body: string, baton: string | null) => Promise<StreamReply>;

/** Entries that wait to be fetched, as JSON texts. */
interface Cursor {
  readonly entries: readonly string[];
  next: number;
}

const rolledBack = '{"type":"execute","result":{"cols":[],"rows":[],"affected_row_count":0,"last_insert_rowid":null}}';
const okStart = '[{"type":"ok","response":';
const errorStart = '[{"type":"error","error":';

/** What one request came to, as JSON text. */
export type SocketOutcome = { readonly response: string } | { readonly error: string };

export class SocketStream {
  readonly #run: RunRequest;
  readonly #cursors = new Map<number, Cursor>();
  #queue: Promise<unknown> = Promise.resolve();
  #baton: string | null = null;
  #lost: ApiError | null = null;

  constructor(run: RunRequest) {
    this.#run = run;
  }

  /** Behind everything that was asked before. */
  ask(request: { readonly type: string; readonly [member: string]: unknown }): Promise<SocketOutcome> {
    return this.#behind(async () => {
      if (this.#lost !== null && isRollback(request)) {
        this.#lost = null;
        return { response: rolledBack };
      }
      const { body } = await this.#inTransaction('pipeline', { requests: [request] });
      if (body.startsWith(okStart)) return { response: body.slice(okStart.length, -2) };
      return { error: body.slice(errorStart.length, -2) };
    });
  }

  openCursor(id: number, batch: unknown): Promise<void> {
    return this.#behind(async () => {
      const { body } = await this.#inTransaction('cursor', { batch });
      this.#cursors.set(id, { entries: body.split('\n').slice(0, -1), next: 0 });
    });
  }

  /** The JSON of a response. */
  fetch(id: number, most: number, mostBytes: number): Promise<string> {
    return this.#behind(async () => {
      const cursor = this.#cursors.get(id);
      if (cursor === undefined) throw new ApiError('INVALID_PARAMETERS', `no cursor ${id} is open`);
      const { entries } = cursor;
      const first = cursor.next;
      let bytes = 0;
      while (cursor.next < entries.length && cursor.next - first < most && bytes < mostBytes) {
        bytes += entries[cursor.next]?.length ?? 0;
        cursor.next += 1;
      }
      const fetched = entries.slice(first, cursor.next).join(',');
      return `{"type":"fetch_cursor","entries":[${fetched}],"done":${cursor.next === entries.length}}`;
    });
  }

  closeCursor(id: number): void {
    this.#cursors.delete(id);
  }

  /** `abandon` rolls back what a baton stands for. */
  close(abandon: (baton: string) => Promise<void>): Promise<void> {
    return this.#behind(async () => {
      const baton = this.#baton;
      this.#baton = null;
      if (baton !== null) await abandon(baton);
    });
  }

  async #inTransaction(form: 'pipeline' | 'cursor', body: object): Promise<StreamReply> {
    if (this.#lost !== null) throw this.#lost;
    const hadTransaction = this.#baton !== null;
    try {
      const reply = await this.#run(form, JSON.stringify(body), this.#baton);
      this.#baton = reply.baton;
      return reply;
    } catch (thrown) {
      this.#baton = null;
      if (hadTransaction) this.#lost = toApiError(thrown);
      throw thrown;
    }
  }

  #behind<Result>(work: () => Promise<Result>): Promise<Result> {
    const done = this.#queue.then(work);
    this.#queue = done.catch(() => {});
    return done;
  }
}

function isRollback({ stmt }: { readonly [member: string]: unknown }): boolean {
  const sql = typeof stmt === 'object' && stmt !== null && 'sql' in stmt ? stmt.sql : null;
  return typeof sql === 'string' && /^\s*ROLLBACK(?:\s+TRANSACTION)?\s*;?\s*$/i.test(sql);
}
