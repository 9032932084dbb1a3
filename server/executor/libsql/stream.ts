// The work of a libSQL stream on its connection: statements, batches with conditions, scripts, descriptions.
import { ApiError } from '../../messages/errors.ts';
import { mayNeedWriter } from '../../messages/hand-back.ts';
import { limits } from '../../messages/limits.ts';
import type { StoredText } from '../../messages/operations/libsql.ts';
import type { ItemRecord } from '../../messages/operations/sql.ts';
import { type Statement, splitStatements } from '../../messages/sql-statements.ts';
import type { Connection } from '../connection.ts';
import type { Who } from '../guard/rules.ts';
import { admit, runAs } from '../sql/admit.ts';
import { bindBoth, parametersOf } from '../sql/bind.ts';
import { isIgnoredPragma, refuseInTransaction } from '../sql/guard.ts';
import { prepare } from '../sql/prepare.ts';
import { ByteBudget } from '../sql/rows.ts';
import { interrupted, jobToApiError, sqliteCode } from '../sql/sqlite-errors.ts';
import { controlOf } from './control.ts';
import type { Condition, HranaStatement, SqlSource, Step } from './request.ts';
import { columnsOf, noResult, runPrepared, type StatementResult } from './results.ts';
import { mayWrite, StreamTransaction } from './transaction.ts';

export interface StreamOptions {
  readonly clientIp: string;
  readonly readOnly: boolean;
  readonly stored?: readonly StoredText[];
}

/** What became of a step; null: its condition did not hold. */
export type StepOutcome = { readonly result: StatementResult } | { readonly error: unknown } | null;

export interface Description {
  readonly params: readonly { readonly name: string | null }[];
  readonly cols: readonly { readonly name: string; readonly decltype: string | null }[];
  readonly is_explain: boolean;
  readonly is_readonly: boolean;
}

const noArguments = { positional: [], named: {} } as const;

export class Stream {
  readonly transaction: StreamTransaction;
  /** What this connection cannot do for want of a right to write, another executor does from the start. */
  handsBack = true;
  readonly #connection: Connection;
  readonly #who: Who;
  readonly #stored: Map<number, string>;
  #budget = new ByteBudget();
  #records: ItemRecord[] = [];
  /** Of the first record of the transaction that is open. */
  #openSince = 0;

  constructor(connection: Connection, { clientIp, readOnly, stored }: StreamOptions) {
    this.#connection = connection;
    this.#stored = new Map(stored);
    this.#who = readOnly ? 'query' : 'sql';
    this.transaction = new StreamTransaction(connection, clientIp, readOnly);
  }

  /** What one answer may have is counted anew. */
  begin(): void {
    this.#budget = new ByteBudget();
  }

  /** What was begun and has not ended, ends here. */
  end(): void {
    if (this.transaction.isAutocommit) return;
    this.transaction.rollBack();
    this.#markRolledBack();
  }

  /** For the query history, once their transaction has ended. */
  takeRecords(): readonly ItemRecord[] {
    if (!this.transaction.isAutocommit) return [];
    return this.#records.splice(0).slice(-limits.queryHistoryKept);
  }

  store(sqlId: number, sql: string): void {
    if (this.#stored.has(sqlId)) throw new ApiError('INVALID_PARAMETERS', `SQL text ${sqlId} is already stored`);
    if (this.#stored.size >= limits.statementsPerItem) {
      throw new ApiError('INVALID_PARAMETERS', `a stream stores at most ${limits.statementsPerItem} SQL texts`);
    }
    this.#stored.set(sqlId, sql);
  }

  unstore(sqlId: number): void {
    this.#stored.delete(sqlId);
  }

  /** The client is done with the stream. */
  close(): void {
    this.transaction.rollBack();
    this.#stored.clear();
  }

  get stored(): readonly StoredText[] {
    return this.transaction.isAutocommit ? [...this.#stored] : [];
  }

  storedText(sqlId: number): string | null {
    return this.#stored.get(sqlId) ?? null;
  }

  /** @throws ApiError for an id under which nothing was stored */
  textOf(source: SqlSource): string {
    if ('sql' in source) return source.sql;
    const text = this.storedText(source.sqlId);
    if (text === null) throw new ApiError('NOT_FOUND', `no SQL text is stored under the id ${source.sqlId}`);
    return text;
  }

  /** @throws what SQLite threw, ApiError */
  execute({ source, args, wantRows }: HranaStatement): StatementResult {
    return this.#recorded(onlyStatement(this.textOf(source)), args, wantRows);
  }

  /** One outcome for each step. @throws only what ends the whole request */
  batch(steps: readonly Step[]): readonly StepOutcome[] {
    const outcomes: StepOutcome[] = [];
    for (const { condition, statement } of steps) {
      outcomes.push(condition === null || this.#holds(condition, outcomes) ? this.#step(statement) : null);
    }
    return outcomes;
  }

  /** Up to the first error, which it throws. */
  sequence(source: SqlSource): void {
    for (const statement of splitStatements(this.textOf(source))) this.#recorded(statement, noArguments, false);
  }

  describe(source: SqlSource): Description {
    const statement = onlyStatement(this.textOf(source));
    const isExplain = statement.keyword === 'EXPLAIN';
    if (controlOf(statement) !== null) return { params: [], cols: [], is_explain: false, is_readonly: true };
    admit(this.#connection, statement);
    return runAs(this.#connection, this.#who, () => {
      const prepared = prepare(this.#connection.database, statement);
      const cols = columnsOf(prepared);
      return { params: namesOf(statement), cols, is_explain: isExplain, is_readonly: prepared.readonly };
    });
  }

  #step(statement: HranaStatement): StepOutcome {
    try {
      return { result: this.execute(statement) };
    } catch (error) {
      this.throwIfFatal(error);
      return { error };
    }
  }

  #holds(condition: Condition, outcomes: readonly StepOutcome[]): boolean {
    switch (condition.type) {
      case 'ok':
      case 'error': {
        const outcome = outcomes[condition.step] ?? null;
        return outcome !== null && (condition.type === 'ok' ? 'result' in outcome : 'error' in outcome);
      }
      case 'not':
        return !this.#holds(condition.cond, outcomes);
      case 'and':
        return condition.conds.every((one) => this.#holds(one, outcomes));
      case 'or':
        return condition.conds.some((one) => this.#holds(one, outcomes));
      case 'is_autocommit':
        return this.transaction.isAutocommit;
      default:
        return condition satisfies never;
    }
  }

  /** What is no answer to a statement: an interrupt, a fault of the server, what another executor can do. */
  throwIfFatal(thrown: unknown): void {
    if (sqliteCode(thrown) === 'SQLITE_INTERRUPT') throw interrupted(thrown);
    const { code } = jobToApiError(thrown);
    if (code === 'INTERNAL_ERROR' || code === 'REQUEST_TIMEOUT') throw thrown;
    if (this.handsBack && this.#connection.mode === 'read' && mayNeedWriter(code)) throw thrown;
  }

  #recorded(statement: Statement, args: HranaStatement['args'], wantRows: boolean): StatementResult {
    const control = controlOf(statement);
    if (control !== null) {
      this.transaction.control(control, statement.sql);
      if (control.kind === 'begin') this.#openSince = this.#records.length;
      if (control.kind === 'rollback') this.#markRolledBack();
      return noResult;
    }
    const startedMs = performance.now();
    const note = (isStatement: boolean, rowCount: number, error: string | null): void => {
      const durationMs = performance.now() - startedMs;
      this.#records.push({ sql: statement.sql, isStatement, durationMs, rowCount, error });
    };
    try {
      const result = this.#run(statement, args, wantRows);
      note(result.cols === '[]', result.rows.length + result.changes, null);
      return result;
    } catch (error) {
      note(false, 0, jobToApiError(error).message);
      throw error;
    }
  }

  #run(statement: Statement, { positional, named }: HranaStatement['args'], wantRows: boolean): StatementResult {
    const { database } = this.#connection;
    if (this.#who === 'query' && mayWrite(statement)) throw mayOnlyRead();
    admit(this.#connection, statement);
    if (!this.transaction.isAutocommit) refuseInTransaction(statement);
    if (isIgnoredPragma(statement)) return noResult;
    const parameters = parametersOf(statement);
    return this.transaction.around(statement, () =>
      runAs(this.#connection, this.#who, () => {
        const prepared = prepare(database, statement);
        if (this.#who === 'query' && !prepared.readonly) throw mayOnlyRead();
        const args = bindBoth(parameters, positional, named);
        return runPrepared(this.#connection, statement, prepared, args, { wantRows, budget: this.#budget });
      }),
    );
  }

  #markRolledBack(): void {
    this.#records = this.#records.map((record, at) =>
      at < this.#openSince ? record : { ...record, rowCount: 0, error: record.error ?? 'rolled back' },
    );
  }
}

function mayOnlyRead(): ApiError {
  return new ApiError('FORBIDDEN', 'this token may only read: the statement writes');
}

/** @throws ApiError where there is none, or more than one */
function onlyStatement(sql: string): Statement {
  const [statement, more] = splitStatements(sql);
  if (statement === undefined) throw new ApiError('SQL_ERROR', 'there is no SQL statement');
  if (more !== undefined) throw new ApiError('SQL_ERROR', 'there is more than one SQL statement');
  return statement;
}

/** By position; null for one without a name, or a number that is skipped. */
function namesOf(statement: Statement): readonly { readonly name: string | null }[] {
  const parameters = parametersOf(statement);
  const count = parameters.reduce((most, { index }) => Math.max(most, index), 0);
  return Array.from({ length: count }, (_, at) => {
    const text = parameters.find(({ index }) => index === at + 1)?.text ?? '?';
    return { name: text === '?' ? null : text };
  });
}
