// Runs the items of POST /db in one transaction and writes the answer as JSON text before COMMIT, so that an answer
// that is too large commits nothing. Runs in the executor.

import { ApiError, toErrorData } from '../../messages/errors.ts';
import type { ItemRecord, TransactionAnswer } from '../../messages/operations/sql.ts';
import type { Connection } from '../connection.ts';
import { endInterrupts } from '../interrupts.ts';
import { expectLogEnds, forgetLogs, logEnds, nameRowsSince } from '../kv/upkeep/native-rows.ts';
import { isIgnoredPragma, isOutsidePragma } from './guard.ts';
import { handBackWrites } from './hand-back.ts';
import { Items, type Part } from './items.ts';
import { confirmSchema, forgetPrepared } from './prepared.ts';
import { decodeTransaction } from './request.ts';
import { scriptOf } from './script.ts';
import { interrupted, jobToApiError } from './sqlite-errors.ts';

/**
 * @throws ApiError for a body that cannot be read, or one that may write on a connection that cannot: nothing ran then
 */
export function runTransaction(connection: Connection, body: Uint8Array, clientIp: string): TransactionAnswer {
  return readTransaction(connection, body, clientIp).run();
}

/** @throws as runTransaction() */
export function readTransaction(connection: Connection, body: Uint8Array, clientIp: string): Transaction {
  const { items, asLists } = decodeTransaction(body);
  const parts = items.map((item, index) => ({ item, index, script: scriptOf(item.sql) }));
  handBackWrites(
    connection,
    parts.flatMap(({ script }) => script.statements.map(({ statement }) => statement)),
  );
  return new Transaction(connection, parts, asLists, clientIp);
}

export class Transaction {
  /** All of it reads and writes rows and nothing else: others may share its transaction. */
  readonly isPlain: boolean;
  readonly writes: boolean;
  readonly #connection: Connection;
  readonly #parts: readonly Part[];
  readonly #clientIp: string;
  readonly #items: Items;
  readonly #texts: string[] = [];
  readonly #records: ItemRecord[] = [];

  constructor(connection: Connection, parts: readonly Part[], asLists: boolean, clientIp: string) {
    this.#connection = connection;
    this.#parts = parts;
    this.#clientIp = clientIp;
    this.isPlain = parts.every(({ script }) => script.isPlain);
    this.writes = parts.some(({ script }) => script.writes);
    this.#items = new Items(connection, { isPlain: this.isPlain, asLists });
  }

  /** Alone, in a transaction that it begins and ends. */
  run(): TransactionAnswer {
    const { database } = this.#connection;
    const outside = this.#parts.findIndex((part) => !isOutside(part));
    const inside = outside < 0 ? [] : this.#parts.slice(outside);
    const wrote = inside.some(({ script }) => script.writes);
    if (!this.isPlain) forgetPrepared(this.#connection);
    let reqIdx = -1;
    try {
      for (const part of this.#parts.slice(0, this.#parts.length - inside.length)) {
        reqIdx = part.index;
        this.#runItem(part);
      }
      if (inside.length > 0) {
        reqIdx = -1;
        if (wrote) expectLogEnds(this.#connection);
        database.exec(wrote ? 'BEGIN IMMEDIATE' : 'BEGIN');
        if (wrote) this.#connection.announce('writing');
        const ends = wrote ? logEnds(this.#connection) : {};
        reqIdx = inside[0]?.index ?? -1;
        if (this.isPlain) confirmSchema(this.#connection);
        for (const part of inside) {
          reqIdx = part.index;
          this.#runItem(part);
        }
        reqIdx = -1;
        if (wrote && !(this.isPlain && Object.keys(ends).length === 0))
          nameRowsSince(this.#connection, ends, this.#clientIp);
        if (wrote) this.#connection.announce('committing');
        database.exec('COMMIT');
        if (wrote) this.#connection.announce('committed');
      }
    } catch (error) {
      this.#connection.rollBack();
      if (!this.isPlain) forgetLogs(this.#connection);
      if (endInterrupts()) throw interrupted(error);
      return this.#failure(error, reqIdx);
    }
    return this.#answered(wrote);
  }

  /**
   * Inside of a transaction that others share, and a savepoint that is to be rolled back where the answer has an error.
   * @throws what is not the fault of its statements, or may have ended the transaction
   */
  runInside(): TransactionAnswer {
    let reqIdx = -1;
    try {
      const ends = this.writes ? logEnds(this.#connection) : {};
      for (const part of this.#parts) {
        reqIdx = part.index;
        this.#runItem(part);
      }
      reqIdx = -1;
      if (Object.keys(ends).length > 0) nameRowsSince(this.#connection, ends, this.#clientIp);
    } catch (error) {
      const { status, code } = jobToApiError(error);
      // The memory of the process is shared as well.
      if (status >= 500 || code === 'RESPONSE_TOO_LARGE' || !this.#connection.database.inTransaction) throw error;
      return this.#failure(error, reqIdx);
    }
    return this.#answered(this.writes);
  }

  #answered(wrote: boolean): TransactionAnswer {
    return { body: `{"results":[${this.#texts.join(',')}]}`, error: null, records: this.#records, wrote };
  }

  #failure(thrown: unknown, reqIdx: number): TransactionAnswer {
    const error = jobToApiError(thrown);
    const members = { ...error.members, reqIdx };
    const failed = new ApiError(error.code, error.message, { status: error.status, members });
    const records = this.#parts.map(({ item, index }) => ({
      sql: item.sql,
      isStatement: !item.isQuery,
      durationMs: this.#records[index]?.durationMs ?? 0,
      rowCount: 0,
      error: index === reqIdx ? error.message : (this.#records[index]?.error ?? 'rolled back'),
    }));
    return { body: '', error: toErrorData(failed), records, wrote: false };
  }

  #runItem(part: Part): void {
    const startedMs = performance.now();
    const done = this.#items.run(part);
    this.#texts.push(done.text);
    this.#records.push({
      sql: part.item.sql,
      isStatement: !part.item.isQuery,
      durationMs: performance.now() - startedMs,
      rowCount: done.rowCount,
      error: done.error,
    });
  }
}

/** Pragmas that SQLite ignores or refuses inside a transaction run before it, at the head of a request. */
function isOutside({ script: { statements }, item }: Part): boolean {
  return (
    statements.length > 0 &&
    item.valuesBatch === null &&
    statements.every(({ statement }) => isOutsidePragma(statement) || isIgnoredPragma(statement))
  );
}
