// The transaction of a stream: begins and ends it as the client's statements say, and each statement outside of one
// in a transaction of its own.
import { ApiError } from '../../messages/errors.ts';
import type { LogEnds } from '../../messages/operations/kv-upkeep.ts';
import { isReading, type Statement } from '../../messages/sql-statements.ts';
import type { Connection } from '../connection.ts';
import { expectLogEnds, forgetLogs, logEnds, nameRowsSince } from '../kv/upkeep/native-rows.ts';
import { isIgnoredPragma, isOutsidePragma } from '../sql/guard.ts';
import { type Control, controlOrNull } from './control.ts';

/** `pending`: BEGIN DEFERRED was said; SQLite, too, takes no lock before the first statement. */
type Kind = 'none' | 'pending' | 'deferred' | 'read' | 'write';

export class StreamTransaction {
  readonly #connection: Connection;
  readonly #clientIp: string;
  /** Every transaction only reads. */
  readonly #readOnly: boolean;
  #kind: Kind = 'none';
  /** Where the logs of the KV tables ended when it began to write; null before. */
  #ends: LogEnds | null = null;
  /** Where another transaction writes, this one only reads. */
  mayWrite = true;
  /** From the outermost on. */
  #savepoints: string[] = [];
  /** The outermost savepoint began the transaction, and its release commits. */
  #isOfSavepoint = false;

  constructor(connection: Connection, clientIp: string, readOnly: boolean) {
    this.#connection = connection;
    this.#clientIp = clientIp;
    this.#readOnly = readOnly;
  }

  /** SQLite itself ends a transaction at some errors. */
  get isAutocommit(): boolean {
    if (this.#kind !== 'none' && this.#kind !== 'pending' && !this.#connection.database.inTransaction) this.#forget();
    return this.#kind === 'none';
  }

  /** It has begun, and SQLite may have read for it. */
  get hasRead(): boolean {
    return !this.isAutocommit && this.#kind !== 'pending';
  }

  /** Whether one of these statements may write, the transaction being as it is now. */
  wantsToWrite(statements: readonly Statement[]): boolean {
    let kind: Kind = this.isAutocommit ? 'none' : this.#kind;
    if (this.#readOnly) return false;
    return statements.some((statement) => {
      const control = controlOrNull(statement);
      if (control === null) return kind !== 'read' && mayWrite(statement);
      if (control.kind === 'begin') kind = control.as === 'exclusive' ? 'write' : kindOfBegin[control.as];
      if (control.kind === 'savepoint' && kind === 'none') kind = 'write';
      if (control.kind === 'commit' || control.kind === 'rollback') kind = 'none';
      return kind === 'write';
    });
  }

  control(control: Control, sql: string): void {
    const { database } = this.#connection;
    switch (control.kind) {
      case 'begin':
        if (!this.isAutocommit) throw sqlError('cannot start a transaction within a transaction');
        this.#begin(control.as);
        return;
      case 'commit':
        this.commit();
        return;
      case 'rollback':
        if (this.isAutocommit) throw sqlError('cannot rollback - no transaction is active');
        this.rollBack();
        return;
      case 'savepoint':
        if (this.isAutocommit) {
          this.#begin('write');
          this.#isOfSavepoint = true;
        }
        this.#start();
        database.exec(sql);
        this.#savepoints.push(control.name);
        return;
      case 'release':
      case 'rollback-to': {
        const at = this.#savepoints.lastIndexOf(control.name);
        if (this.isAutocommit || at < 0) throw sqlError(`no such savepoint: ${control.name}`);
        if (control.kind === 'release' && at === 0 && this.#isOfSavepoint) {
          this.commit();
          return;
        }
        database.exec(sql);
        this.#savepoints = this.#savepoints.slice(0, control.kind === 'release' ? at : at + 1);
        return;
      }
      default:
        control satisfies never;
    }
  }

  /** Runs one statement, outside of a transaction in one of its own. */
  around<Result>(statement: Statement, work: () => Result): Result {
    const writes = mayWrite(statement) && !this.#readOnly;
    if (!this.isAutocommit) {
      this.#start();
      if (writes && this.#kind === 'deferred') {
        if (!this.mayWrite) throw writesElsewhere();
        this.#startWriting();
      }
      return work();
    }
    if (!writes) return work();
    this.#begin('write');
    try {
      const result = work();
      this.commit();
      return result;
    } catch (error) {
      this.rollBack();
      throw error;
    }
  }

  /** @throws ApiError, SqliteError; the transaction may go on then, as SQLite says */
  commit(): void {
    if (this.isAutocommit) throw sqlError('cannot commit - no transaction is active');
    const { database, announce } = this.#connection;
    const ends = this.#ends;
    if (ends !== null) nameRowsSince(this.#connection, ends, this.#clientIp);
    if (ends !== null) announce('committing');
    if (this.#kind !== 'pending') database.exec('COMMIT');
    if (ends !== null) announce('committed');
    this.#forget();
  }

  /** Without one, nothing happens. */
  rollBack(): void {
    const { database } = this.#connection;
    if (database.inTransaction) database.exec('ROLLBACK');
    if (this.#ends !== null) forgetLogs(this.#connection);
    this.#forget();
  }

  #begin(as: 'write' | 'exclusive' | 'deferred' | 'read'): void {
    const { database } = this.#connection;
    if (as === 'deferred') {
      this.#kind = 'pending';
    } else if (as === 'read' || this.#readOnly) {
      database.exec('BEGIN');
      database.pragma('query_only=ON');
      this.#kind = 'read';
    } else {
      expectLogEnds(this.#connection);
      database.exec(as === 'exclusive' ? 'BEGIN EXCLUSIVE' : 'BEGIN IMMEDIATE');
      this.#kind = 'write';
      this.#startWriting();
    }
  }

  #start(): void {
    if (this.#kind !== 'pending') return;
    this.#connection.database.exec('BEGIN');
    this.#kind = 'deferred';
  }

  #startWriting(): void {
    if (this.#ends !== null) return;
    this.#connection.announce('writing');
    this.#ends = logEnds(this.#connection);
  }

  #forget(): void {
    if (this.#kind === 'read' && !this.#readOnly) this.#connection.database.pragma('query_only=OFF');
    this.#kind = 'none';
    this.#ends = null;
    this.#savepoints = [];
    this.#isOfSavepoint = false;
  }
}

/** By its words; SQLite ignores or refuses some pragmas inside a transaction, so that they have none of their own. */
export function mayWrite(statement: Statement): boolean {
  return !isReading(statement) && !isIgnoredPragma(statement) && !isOutsidePragma(statement);
}

const kindOfBegin = { write: 'write', deferred: 'deferred', read: 'read' } as const;

function writesElsewhere(): ApiError {
  const text = 'the database is locked: another transaction writes; BEGIN IMMEDIATE waits for it';
  return new ApiError('DATABASE_BUSY', text);
}

function sqlError(message: string): ApiError {
  return new ApiError('SQL_ERROR', message);
}
