// SQL of the studio's editor: several statements in one transaction, each with its rows, its place and its time. An
// error says where in the text it is.
import type { Statement as Prepared } from 'better-sqlite3';
import { ApiError, type ErrorData, toErrorData } from '../../messages/errors.ts';
import { limits } from '../../messages/limits.ts';
import type { ItemRecord } from '../../messages/operations/sql.ts';
import type { SqlOutcome } from '../../messages/operations/studio.ts';
import { json } from '../../messages/reply.ts';
import { isReading, type Statement, splitStatements } from '../../messages/sql-statements.ts';
import type { StudioPlan, StudioResult, StudioSqlRequest } from '../../messages/studio/sql.ts';
import type { StudioValue } from '../../messages/studio/values.ts';
import { studioLimits } from '../../messages/studio-requests.ts';
import { textValue } from '../../messages/studio-values.ts';
import type { Connection } from '../connection.ts';
import { errorOffset } from '../guard/guard.ts';
import type { Who } from '../guard/rules.ts';
import { endInterrupts } from '../interrupts.ts';
import { admit, runAs } from '../sql/admit.ts';
import type { BindArguments } from '../sql/bind.ts';
import { type Cell, exactCells } from '../sql/cells.ts';
import { isIgnoredPragma, isOutsidePragma, refuseInTransaction } from '../sql/guard.ts';
import { handBackWrites } from '../sql/hand-back.ts';
import { prepare } from '../sql/prepare.ts';
import { interrupted, jobToApiError } from '../sql/sqlite-errors.ts';
import { cutFor, valueOfCell } from './cells.ts';
import { hintFor } from './hints.ts';
import { argumentsOf } from './parameters.ts';
import { inRead } from './reading.ts';
import { schemaVersion } from './schema.ts';
import { inWrite } from './writing.ts';

/** All results together end early, far below what a reply may have. */
const resultBytes = limits.responseBytes / 2;

export function runSql(connection: Connection, request: StudioSqlRequest, clientIp: string): SqlOutcome {
  return new Script(connection, request).run(clientIp);
}

/** Inside a read transaction: EXPLAIN QUERY PLAN of the first statement. */
export function explain(connection: Connection, { sql, parameters = {} }: StudioSqlRequest): StudioPlan {
  const [statement] = splitStatements(sql);
  if (statement === undefined) throw new ApiError('SQL_ERROR', 'there is no SQL statement');
  const prefix = statement.keyword === 'EXPLAIN' ? '' : 'EXPLAIN QUERY PLAN ';
  const explained = { ...statement, sql: prefix + statement.sql };
  return located(connection, statement, prefix.length, () => {
    admit(connection, statement);
    return runAs(connection, 'query', () => {
      const prepared = prepare(connection.database, explained);
      const args = argumentsOf(statement, parameters, true);
      const rows = prepared.all(...args) as { readonly id: bigint; readonly parent: bigint; readonly detail: string }[];
      return { nodes: rows.map(({ id, parent, detail }) => ({ id: Number(id), parent: Number(parent), detail })) };
    });
  });
}

class Script {
  readonly #connection: Connection;
  readonly #request: StudioSqlRequest;
  readonly #statements: readonly Statement[];
  readonly #who: Who;
  readonly #results: StudioResult[] = [];
  readonly #records: ItemRecord[] = [];
  #bytes = 0;

  constructor(connection: Connection, request: StudioSqlRequest) {
    this.#connection = connection;
    this.#request = request;
    this.#statements = splitStatements(request.sql);
    this.#who = request.readOnly ? 'query' : 'sql';
  }

  run(clientIp: string): SqlOutcome {
    const statements = this.#statements;
    if (!this.#request.readOnly) handBackWrites(this.#connection, statements);
    try {
      if (statements.length === 0)
        throw new ApiError('SQL_ERROR', 'there is no SQL statement', { members: { offset: 0 } });
      if (statements.length > limits.statementsPerItem) {
        throw new ApiError('SQL_ERROR', `a request has at most ${limits.statementsPerItem} statements`);
      }
      // Pragmas that SQLite ignores or refuses inside a transaction run before it, at the head.
      const head = statements.findIndex((one) => !isOutsidePragma(one) && !isIgnoredPragma(one));
      const isHeadRun = !this.#request.dryRun && !this.#request.readOnly;
      const inside = statements.slice(isHeadRun ? (head < 0 ? statements.length : head) : 0);
      for (const statement of statements.slice(0, statements.length - inside.length)) this.#runStatement(statement);
      const wrote = this.#runInside(inside, clientIp);
      const reply = json({ results: this.#results, schemaVersion: schemaVersion(this.#connection) });
      return { reply, error: null, records: this.#records, wrote };
    } catch (thrown) {
      this.#connection.rollBack();
      if (endInterrupts()) throw interrupted(thrown);
      return this.#failure(jobToApiError(thrown));
    }
  }

  /** @returns whether something was committed */
  #runInside(statements: readonly Statement[], clientIp: string): boolean {
    if (statements.length === 0) return false;
    const runAll = () => {
      for (const statement of statements) this.#runStatement(statement);
    };
    if (this.#request.readOnly || statements.every((one) => isReading(one) || isIgnoredPragma(one))) {
      if (this.#request.readOnly) inRead(this.#connection, runAll);
      else this.#inPlainRead(runAll);
      return false;
    }
    const dryRun = this.#request.dryRun ?? false;
    inWrite(this.#connection, { clientIp, dryRun, foreignKeys: false }, () => {
      runAll();
      // What cannot be answered is not committed.
      json({ results: this.#results });
    });
    return !dryRun;
  }

  /** By its words nothing writes. What does all the same, such as a function, gets its lock from SQLite. */
  #inPlainRead(work: () => void): void {
    const { database } = this.#connection;
    database.exec('BEGIN');
    work();
    database.exec('COMMIT');
  }

  #failure(error: ApiError): SqlOutcome {
    const done = this.#records.length;
    const records = this.#statements.map(({ sql }, at) => ({
      sql,
      isStatement: false,
      durationMs: this.#records[at]?.durationMs ?? 0,
      rowCount: 0,
      error: at === done ? error.message : 'rolled back',
    }));
    const data: ErrorData = toErrorData(error);
    return { reply: null, error: data, records, wrote: false };
  }

  #runStatement(statement: Statement): void {
    const startedMs = performance.now();
    const result = located(this.#connection, statement, 0, () => this.#result(statement));
    const ms = Math.round((performance.now() - startedMs) * 10) / 10;
    const { offset: start, sql } = statement;
    this.#results.push({ ...result, start, end: start + sql.length, ms });
    const rowCount = result.rows.length + result.changes;
    this.#records.push({ sql, isStatement: result.kind !== 'rows', durationMs: ms, rowCount, error: null });
  }

  #result(statement: Statement): Omit<StudioResult, 'start' | 'end' | 'ms'> {
    admit(this.#connection, statement);
    const { database } = this.#connection;
    if (database.inTransaction) refuseInTransaction(statement);
    const nothing = { columns: [], rows: [], more: false, changes: 0 };
    if (isIgnoredPragma(statement)) return { kind: 'other', ...nothing };
    return runAs(this.#connection, this.#who, () => {
      const prepared = prepare(database, statement);
      const kind = kindOf(statement, prepared);
      if (this.#request.readOnly && !prepared.readonly) {
        throw new ApiError('FORBIDDEN', 'this statement writes: only reading is allowed here');
      }
      const args = argumentsOf(statement, this.#request.parameters ?? {}, false);
      if (!prepared.reader) {
        const { changes } = prepared.run(...args);
        return { kind, ...nothing, changes: kind === 'write' ? changes : 0 };
      }
      const columns = prepared.columns().map(({ name }) => name);
      const set = this.#rows(prepared, args);
      const changes = kind === 'write' ? Number(this.#connection.statement('SELECT changes()').pluck().get()) : 0;
      return { kind, columns, ...set, changes };
    });
  }

  /** What writes runs to its end, whatever is shown of it. */
  #rows(prepared: Prepared, args: BindArguments): { readonly rows: StudioValue[][]; readonly more: boolean } {
    const { limit = studioLimits.sqlRowsDefault } = this.#request;
    const cut = cutFor(prepared.columns().length, this.#request.cut ?? studioLimits.cutDefault, resultBytes / 2);
    const rows: StudioValue[][] = [];
    let more = false;
    for (const cells of prepared.raw(true).iterate(...args) as IterableIterator<Cell[]>) {
      more ||= rows.length >= limit || this.#bytes > resultBytes;
      if (more && prepared.readonly) break;
      if (more) continue;
      const values = exactCells(cells).map((cell, at) =>
        Buffer.isBuffer(cell) && typeof cells[at] === 'string'
          ? textValue(cell.subarray(0, cut), cell.length, 'UTF-8')
          : valueOfCell(cell, cut),
      );
      for (const value of values) this.#bytes += weightOfValue(value);
      rows.push(values);
    }
    return { rows, more };
  }
}

/** Errors say where: the token that SQLite names, or the whole statement. `before`: bytes that stand before it. */
function located<Result>(connection: Connection, statement: Statement, before: number, work: () => Result): Result {
  try {
    return work();
  } catch (thrown) {
    const bytes = errorOffset(connection.database);
    const error = jobToApiError(thrown);
    if (error.status >= 500) throw thrown;
    const hint = hintFor(connection, error.message);
    const members = {
      ...placeOf(statement, bytes === null ? null : Math.max(0, bytes - before)),
      ...(hint !== null && { hint }),
      ...error.members,
    };
    throw new ApiError(error.code, error.message, { status: error.status, members, cause: thrown });
  }
}

function placeOf({ sql, offset, tokens }: Statement, bytes: number | null): { offset: number; length: number } {
  if (bytes === null) return { offset, length: sql.length };
  const at = offset + Buffer.from(sql).subarray(0, bytes).toString().length;
  const token = tokens.find(({ start, end }) => start <= at && at < end);
  return { offset: at, length: token === undefined ? 1 : token.end - at };
}

function kindOf({ keyword }: Statement, { reader, readonly }: Prepared): StudioResult['kind'] {
  if (/^(INSERT|UPDATE|DELETE|REPLACE)$/.test(keyword) || (keyword === 'WITH' && !readonly)) return 'write';
  if (/^(CREATE|DROP|ALTER)$/.test(keyword)) return 'schema';
  return reader ? 'rows' : 'other';
}

function weightOfValue(value: StudioValue): number {
  if (value === null) return 4;
  if (typeof value === 'string') return value.length;
  return 'text' in value ? value.text.length : 'blob' in value ? value.blob.length : 24;
}
