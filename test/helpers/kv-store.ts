// A KV store on a fresh database file, its operations called directly as an executor would, with a clock that the test
// sets.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { Connection } from '../../server/executor/connection.ts';
import type { Implementation } from '../../server/executor/implementation.ts';
import { kvList } from '../../server/executor/kv/store/list.ts';
import { kvDelete, kvEntry, kvGet, kvSet } from '../../server/executor/kv/store/store.ts';
import type { Reply } from '../../server/messages/reply.ts';

/** The table of a TestStore. */
export const table = 'kv_store';

/** A value as the body of a JSON request. */
export function body(value: unknown): { readonly body: Buffer } {
  return { body: Buffer.from(JSON.stringify(value)) };
}

export interface TestAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly text: string;
  // biome-ignore lint/suspicious/noExplicitAny: tests look into JSON answers of every shape.
  readonly json: any;
}

export class TestStore {
  readonly directory = mkdtempSync(join(tmpdir(), 'hoody-sqlite-kv-'));
  readonly path = join(this.directory, 'store.db');
  connection: Connection;
  /** Another handle on the same file, as a native client has one. Its clock is the store's. */
  native: Database.Database;
  #nowSeconds = 1_700_000_000;

  constructor() {
    this.connection = new Connection(this.#open(), this.path, '');
    this.native = this.#open();
    this.setClock(this.#nowSeconds);
  }

  /** Closes the file, without WAL, for somebody who replaces it, and opens it again. */
  whileClosed(use: () => void): void {
    this.connection.close();
    this.native.pragma('journal_mode = DELETE');
    this.native.close();
    use();
    this.connection = new Connection(this.#open(), this.path, '');
    this.native = this.#open();
    this.setClock(this.#nowSeconds);
  }

  #open(): Database.Database {
    const database = new Database(this.path);
    database.pragma('journal_mode = WAL');
    database.pragma('synchronous = OFF');
    // The triggers ask SQLite for the time: every handle gets the clock of the test.
    database.pragma('trusted_schema = ON');
    database.function('strftime', { varargs: true }, () => String(this.#nowSeconds));
    return database;
  }

  get now(): number {
    return this.#nowSeconds;
  }

  setClock(nowSeconds: number): void {
    this.#nowSeconds = nowSeconds;
    this.connection.prepareFor(nowSeconds * 1000, 5000, () => {});
  }

  advance(seconds: number): void {
    this.setClock(this.#nowSeconds + seconds);
  }

  run<Args>(operation: Implementation<Args, Reply>, args: Args): TestAnswer {
    const transaction = this.connection.database.transaction(() => this.call(operation, args));
    const answer = operation.lane === 'kv-write' ? transaction.immediate() : transaction.deferred();
    const text = answer.body === null ? '' : Buffer.from(answer.body).toString();
    const isJson = answer.body !== null && answer.contentType === undefined;
    return { status: answer.status, headers: answer.headers ?? {}, text, json: isJson ? JSON.parse(text) : undefined };
  }

  /** The operation alone, outside any transaction. */
  call<Args, Result>(operation: Implementation<Args, Result>, args: Args): Result {
    return operation.run(this.connection, args, {
      root: this.directory,
      dataDir: this.directory,
      allowAnyAbsoluteDbPath: false,
    });
  }

  /** What every write of a key needs, with the members that matter to the test. */
  write<More extends object>(key: string, more: More) {
    return { table, key, history: true, clientIp: '10.0.0.1', conditions: {}, ...more };
  }

  set(
    key: string,
    value: string,
    more: { history?: boolean; ttlSeconds?: number; contentType?: string } = {},
  ): TestAnswer {
    return this.run(kvSet, this.write(key, { body: Buffer.from(value), ttlSeconds: 0, ...more }));
  }

  delete(key: string, history = true): TestAnswer {
    return this.run(kvDelete, this.write(key, { history }));
  }

  /** The JSON of a list of all keys; `more` overrides members of its request. */
  list(more: object = {}): TestAnswer['json'] {
    return this.run(kvList, { table, prefix: '', limit: 100, offset: 0, after: '', ...more }).json;
  }

  /** The value, or null for a missing key. */
  get(key: string): string | null {
    try {
      return this.run(kvGet, { table, key }).text;
    } catch {
      return null;
    }
  }

  etag(key: string): string {
    return this.run(kvEntry, { table, key }).json.etag;
  }

  close(): void {
    this.native.close();
    this.connection.close();
    rmSync(this.directory, { recursive: true, force: true });
  }
}

export function withStore(use: (store: TestStore) => void): void {
  const store = new TestStore();
  try {
    use(store);
  } finally {
    store.close();
  }
}
