// Runs the items of POST /db inside the transaction of their request: each item's statements, with its values, and the
// JSON text of its answer.
import type { Statement as Prepared } from 'better-sqlite3';
import { ApiError } from '../../messages/errors.ts';
import { mayNeedWriter } from '../../messages/hand-back.ts';
import { limits } from '../../messages/limits.ts';
import type { Statement } from '../../messages/sql-statements.ts';
import type { Connection } from '../connection.ts';
import { admit, runAs } from './admit.ts';
import { bind, checkCount, isList, type Values } from './bind.ts';
import { writeCell } from './cells.ts';
import { isIgnoredPragma, refuseInTransaction } from './guard.ts';
import { prepare } from './prepare.ts';
import { prepareOnce } from './prepared.ts';
import type { TransactionItem } from './request.ts';
import { ByteBudget, type ResultSet, readRows } from './rows.ts';
import type { Script, ScriptStatement } from './script.ts';
import { jobToApiError } from './sqlite-errors.ts';

export interface Part {
  readonly item: TransactionItem;
  readonly index: number;
  readonly script: Script;
}

/** What one item came to: its JSON text, and the rows it read or changed. */
export interface ItemResult {
  readonly text: string;
  readonly rowCount: number;
  readonly error: string | null;
}

export class Items {
  readonly #connection: Connection;
  /** The schema stays as it is while they run. */
  readonly #isPlain: boolean;
  readonly #asLists: boolean;
  readonly #budget = new ByteBudget();

  constructor(connection: Connection, { isPlain, asLists }: { isPlain: boolean; asLists: boolean }) {
    this.#connection = connection;
    this.#isPlain = isPlain;
    this.#asLists = asLists;
  }

  /** @throws what ends the request: everything, or under noFail what is not the item's own fault */
  run(part: Part): ItemResult {
    return part.item.noFail ? this.#tolerant(part) : this.#runStatements(part);
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
  #runStatements({ item, script }: Part): ItemResult {
    const { statements } = script;
    if (statements.length === 0) throw new ApiError('SQL_ERROR', 'the item holds no SQL statement');
    if (statements.length > limits.statementsPerItem) {
      throw new ApiError('SQL_ERROR', `an item has at most ${limits.statementsPerItem} statements`);
    }
    this.#admit(script);
    if (item.valuesBatch !== null) return this.#runBatch(item.valuesBatch, item.noFail, statements);

    checkCount(
      item.values,
      statements.reduce((sum, { positions }) => sum + positions, 0),
    );
    let dealt = 0;
    let done: ItemResult = { text: '', rowCount: 0, error: null };
    statements.forEach(({ statement, parameters, positions }, index) => {
      const values = isList(item.values) ? item.values.slice(dealt, dealt + positions) : item.values;
      dealt += positions;
      const isLast = index === statements.length - 1;
      if (isIgnoredPragma(statement)) {
        if (isLast) done = this.#changed(0, item.isQuery);
        return;
      }
      runAs(this.#connection, 'sql', () => {
        const prepared = this.#prepare(statement);
        const args = bound(() => bind(parameters, values));
        if (isLast) done = this.#answer(prepared, args, item.isQuery);
        else if (prepared.reader) prepared.get(...args);
        else prepared.run(...args);
      });
    });
    return done;
  }

  #admit(script: Script): void {
    // Nothing of a plain script depends on what else is on the connection.
    if (script.isAdmitted) return;
    const { database } = this.#connection;
    for (const { statement } of script.statements) {
      admit(this.#connection, statement);
      if (database.inTransaction) refuseInTransaction(statement);
    }
    script.isAdmitted = script.isPlain;
  }

  #prepare(statement: Statement): Prepared {
    return this.#isPlain
      ? prepareOnce(this.#connection, 'sql', statement)
      : prepare(this.#connection.database, statement);
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

  #runBatch(batch: readonly Values[], noFail: boolean, statements: readonly ScriptStatement[]): ItemResult {
    const [first] = statements;
    if (first === undefined || statements.length > 1) {
      throw new ApiError('SQL_ERROR', 'valuesBatch works on a single statement');
    }
    const { database } = this.#connection;
    const { statement, parameters, positions } = first;
    const prepared = runAs(this.#connection, 'sql', () => this.#prepare(statement));
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
