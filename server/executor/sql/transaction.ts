// Runs the items of POST /db in one transaction and writes the answer as JSON text before COMMIT, so that an answer
// that is too large commits nothing. Runs in the executor.

import type { Statement as Prepared } from 'better-sqlite3';
import { ApiError, toErrorData } from '../../messages/errors.ts';
import { mayNeedWriter } from '../../messages/hand-back.ts';
import { limits } from '../../messages/limits.ts';
import type { ItemRecord, TransactionAnswer } from '../../messages/operations/sql.ts';
import { isReading, type Statement, splitStatements } from '../../messages/sql-statements.ts';
import type { Connection } from '../connection.ts';
import { endInterrupts } from '../interrupts.ts';
import { logEnds, nameRowsSince } from '../kv/upkeep/native-rows.ts';
import { admit, runAs } from './admit.ts';
import { bind, checkCount, isList, parametersOf, positionsOf, type Values } from './bind.ts';
import { writeCell } from './cells.ts';
import { isIgnoredPragma, isOutsidePragma, refuseInTransaction } from './guard.ts';
import { handBackWrites } from './hand-back.ts';
import { prepare } from './prepare.ts';
import { decodeTransaction, type TransactionItem } from './request.ts';
import { ByteBudget, type ResultSet, readRows } from './rows.ts';
import { interrupted, jobToApiError } from './sqlite-errors.ts';

interface Part {
  readonly item: TransactionItem;
  readonly index: number;
  readonly statements: readonly Statement[];
}

/** What one item came to: its JSON text, and the rows it read or changed. */
interface ItemResult {
  readonly text: string;
  readonly rowCount: number;
  readonly error: string | null;
}

/**
 * @throws ApiError for a body that cannot be read, or one that may write on a connection that cannot: nothing ran then
 */
export function runTransaction(connection: Connection, body: Uint8Array, clientIp: string): TransactionAnswer {
  const { items, asLists } = decodeTransaction(body);
  const parts = items.map((item, index) => ({ item, index, statements: splitStatements(item.sql) }));
  handBackWrites(
    connection,
    parts.flatMap(({ statements }) => statements),
  );
  return new Transaction(connection, parts, asLists, clientIp).run();
}

class Transaction {
  readonly #connection: Connection;
  readonly #parts: readonly Part[];
  readonly #asLists: boolean;
  readonly #clientIp: string;
  readonly #budget = new ByteBudget();
  readonly #texts: string[] = [];
  readonly #records: ItemRecord[] = [];

  constructor(connection: Connection, parts: readonly Part[], asLists: boolean, clientIp: string) {
    this.#connection = connection;
    this.#parts = parts;
    this.#asLists = asLists;
    this.#clientIp = clientIp;
  }

  run(): TransactionAnswer {
    const { database } = this.#connection;
    const outside = this.#parts.findIndex((part) => !isOutside(part));
    const inside = outside < 0 ? [] : this.#parts.slice(outside);
    const wrote = !inside.every(({ statements }) => statements.every((one) => isReading(one) || isIgnoredPragma(one)));
    let reqIdx = -1;
    try {
      for (const part of this.#parts.slice(0, this.#parts.length - inside.length)) {
        reqIdx = part.index;
        this.#runItem(part);
      }
      if (inside.length > 0) {
        reqIdx = -1;
        // What is known of the KV tables is read before the lock: a first look at 150 of them takes a while.
        if (wrote) logEnds(this.#connection);
        database.exec(wrote ? 'BEGIN IMMEDIATE' : 'BEGIN');
        if (wrote) this.#connection.announce('writing');
        const ends = wrote ? logEnds(this.#connection) : {};
        for (const part of inside) {
          reqIdx = part.index;
          this.#runItem(part);
        }
        reqIdx = -1;
        if (wrote) nameRowsSince(this.#connection, ends, this.#clientIp);
        if (wrote) this.#connection.announce('committing');
        database.exec('COMMIT');
        if (wrote) this.#connection.announce('committed');
      }
    } catch (error) {
      this.#connection.rollBack();
      if (endInterrupts()) throw interrupted(error);
      return this.#failure(error, reqIdx);
    }
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
    const done = part.item.noFail ? this.#tolerant(part) : this.#runStatements(part);
    this.#texts.push(done.text);
    this.#records.push({
      sql: part.item.sql,
      isStatement: !part.item.isQuery,
      durationMs: performance.now() - startedMs,
      rowCount: done.rowCount,
      error: done.error,
    });
  }

  /**
   * A client's mistake under noFail undoes its own item only; a failure that ended the transaction ends the request.
   */
  #tolerant(part: Part): ItemResult {
    const { database } = this.#connection;
    const isNested = database.inTransaction;
    if (isNested) database.exec('SAVEPOINT item');
    try {
      const done = this.#runStatements(part);
      if (isNested) database.exec('RELEASE item');
      return done;
    } catch (thrown) {
      const error = jobToApiError(thrown);
      const isLost = isNested && !database.inTransaction;
      const endsRequest = error.status >= 500 || error.code === 'RESPONSE_TOO_LARGE';
      if (isLost || endsRequest || this.#isForWriter(error)) throw thrown;
      if (isNested) database.exec('ROLLBACK TO item; RELEASE item');
      const text = JSON.stringify({ success: false, error: error.message, code: error.code });
      this.#budget.spend(text);
      return { text, rowCount: 0, error: error.message };
    }
  }

  #isForWriter({ code }: ApiError): boolean {
    return this.#connection.mode === 'read' && mayNeedWriter(code);
  }

  /** The item answers for its last statement; a list of values is dealt out in order. */
  #runStatements({ item, statements }: Part): ItemResult {
    if (statements.length === 0) throw new ApiError('SQL_ERROR', 'the item holds no SQL statement');
    if (statements.length > limits.statementsPerItem) {
      throw new ApiError('SQL_ERROR', `an item has at most ${limits.statementsPerItem} statements`);
    }
    const { database } = this.#connection;
    for (const statement of statements) {
      admit(this.#connection, statement);
      if (database.inTransaction) refuseInTransaction(statement);
    }
    if (item.valuesBatch !== null) return this.#runBatch(item.valuesBatch, item.noFail, statements);

    const parameters = statements.map(parametersOf);
    const positions = parameters.map(positionsOf);
    checkCount(
      item.values,
      positions.reduce((sum, count) => sum + count, 0),
    );
    let dealt = 0;
    let done: ItemResult = { text: '', rowCount: 0, error: null };
    statements.forEach((statement, index) => {
      const count = positions[index] ?? 0;
      const values = isList(item.values) ? item.values.slice(dealt, dealt + count) : item.values;
      dealt += count;
      const isLast = index === statements.length - 1;
      if (isIgnoredPragma(statement)) {
        if (isLast) done = this.#changed(0, item.isQuery);
        return;
      }
      runAs(this.#connection, 'sql', () => {
        const prepared = prepare(database, statement);
        const args = bound(() => bind(parameters[index] ?? [], values));
        if (isLast) done = this.#answer(prepared, args, item.isQuery);
        else if (prepared.reader) prepared.get(...args);
        else prepared.run(...args);
      });
    });
    return done;
  }

  #answer(prepared: Prepared, args: ReturnType<typeof bind>, isQuery: boolean): ItemResult {
    if (prepared.reader) return this.#resultSet(readRows(prepared, args, this.#asLists, writeCell, this.#budget));
    return this.#changed(prepared.run(...args).changes, isQuery);
  }

  /** Of a statement without columns. */
  #changed(changes: number, isQuery: boolean): ItemResult {
    if (isQuery) return { ...this.#resultSet({ columns: [], rows: [], isTruncated: false }), rowCount: changes };
    const text = `{"success":true,"rowsUpdated":${changes}}`;
    this.#budget.spend(text);
    return { text, rowCount: changes, error: null };
  }

  /** Counts what stands around columns and rows, which are counted. */
  #resultSet({ columns, rows, isTruncated }: ResultSet): ItemResult {
    const set = this.#asLists ? 'resultSetList' : 'resultSet';
    const [start, middle] = ['{"success":true,"resultHeaders":', `,"${set}":[`];
    const end = isTruncated ? '],"truncated":true}' : ']}';
    this.#budget.spend(start + middle + end);
    const text = `${start}${JSON.stringify(columns)}${middle}${rows.join(',')}${end}`;
    return { text, rowCount: rows.length, error: null };
  }

  #runBatch(batch: readonly Values[], noFail: boolean, statements: readonly Statement[]): ItemResult {
    const [statement] = statements;
    if (statement === undefined || statements.length > 1) {
      throw new ApiError('SQL_ERROR', 'valuesBatch works on a single statement');
    }
    const { database } = this.#connection;
    const parameters = parametersOf(statement);
    const positions = positionsOf(parameters);
    const prepared = runAs(this.#connection, 'sql', () => prepare(database, statement));
    const counts: number[] = [];
    const rowErrors: string[] = [];
    const runRow = (values: Values): void => {
      checkCount(values, positions);
      const args = bound(() => bind(parameters, values));
      const changes = () => (prepared.reader ? prepared.all(...args).length : prepared.run(...args).changes);
      counts.push(runAs(this.#connection, 'sql', changes));
    };
    batch.forEach((values, row) => {
      if (!noFail) {
        inRow(row, () => runRow(values));
        return;
      }
      database.exec('SAVEPOINT row');
      try {
        runRow(values);
      } catch (thrown) {
        const error = jobToApiError(thrown);
        if (!database.inTransaction || error.status >= 500) throw thrown;
        database.exec('ROLLBACK TO row');
        rowErrors.push(JSON.stringify(`row ${row}: ${error.message}`));
        this.#budget.spend(rowErrors.at(-1) ?? '');
      }
      database.exec('RELEASE row');
    });
    const updated = `{"success":true,"rowsUpdatedBatch":[${counts.join(',')}]`;
    this.#budget.spend(`${updated},"rowErrors":[]}`);
    const text = rowErrors.length > 0 ? `${updated},"rowErrors":[${rowErrors.join(',')}]}` : `${updated}}`;
    return { text, rowCount: counts.reduce((sum, count) => sum + count, 0), error: null };
  }
}

/** Pragmas that SQLite ignores or refuses inside a transaction run before it, at the head of a request. */
function isOutside({ statements, item }: Part): boolean {
  return (
    statements.length > 0 &&
    item.valuesBatch === null &&
    statements.every((one) => isOutsidePragma(one) || isIgnoredPragma(one))
  );
}

/** Values that do not fit are named with their row. */
function inRow(row: number, run: () => void): void {
  try {
    run();
  } catch (error) {
    if (!(error instanceof ApiError) || error.code !== 'SQL_BIND_ERROR') throw error;
    throw new ApiError(error.code, `row ${row}: ${error.message}`, { cause: error });
  }
}

/** better-sqlite3 throws a RangeError or TypeError for values that do not fit. */
function bound<Result>(make: () => Result): Result {
  try {
    return make();
  } catch (error) {
    if (error instanceof RangeError || error instanceof TypeError) {
      throw new ApiError('SQL_BIND_ERROR', error.message, { cause: error });
    }
    throw error;
  }
}
