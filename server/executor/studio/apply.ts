// Edits of a table's rows, all in one transaction or none. Each row is compared with what the client read, by type and
// bytes, before anything is changed.
import { ApiError } from '../../messages/errors.ts';
import { json } from '../../messages/reply.ts';
import type { StudioApplied, StudioApplyRequest, StudioChange, StudioConflicts } from '../../messages/studio/edits.ts';
import type { StudioRowKey, StudioValue } from '../../messages/studio/values.ts';
import { studioLimits } from '../../messages/studio-requests.ts';
import { bytesOf, encodeText, isCut, realOf, type TextEncoding } from '../../messages/studio-values.ts';
import type { Connection } from '../connection.ts';
import { quoteName } from '../kv/table/names.ts';
import { runAs } from '../sql/admit.ts';
import type { Cell } from '../sql/cells.ts';
import { jobToApiError } from '../sql/sqlite-errors.ts';
import { hasKey } from './cell.ts';
import { type Bound, cellSql, encodingOf, keyCut, literal, readCell, toBound } from './cells.ts';
import { prepareRows } from './reading.ts';
import { fromSql } from './selection.ts';
import { columnSql, findColumn, findTable, type Table } from './tables.ts';
import { inWrite } from './writing.ts';

type Conflict = StudioConflicts['conflicts'][number];
type Existing = Exclude<StudioChange, { readonly kind: 'insert' }>;

/** Of so many conflicts the row as it is now is told. */
const rowsOfConflicts = 100;

export function apply(connection: Connection, request: StudioApplyRequest, clientIp: string): StudioApplied {
  const edits = new Edits(connection);
  const { changes } = request;
  const sql = changes.map((change, at) => edits.checked(change, at));
  if (request.dryRun) return { sql };
  const options = { clientIp, dryRun: false, foreignKeys: true };
  return inWrite(connection, options, () => {
    refuse(
      changes.flatMap((change, at) => edits.conflictOf(change, at) ?? []),
      changes.length,
    );
    const applied = { sql, keys: changes.map((change, at) => edits.make(change, at)) };
    // What cannot be answered is not committed.
    json(applied);
    return applied;
  });
}

class Edits {
  readonly #connection: Connection;
  readonly #encoding: TextEncoding;
  readonly #tables = new Map<string, Table>();

  constructor(connection: Connection) {
    this.#connection = connection;
    this.#encoding = encodingOf(connection);
  }

  /** The change as SQL text. @throws ApiError for what cannot be done at all, with `change` */
  checked(change: StudioChange, at: number): string {
    return this.#named(at, () => {
      const table = this.#table(change.table);
      if (table.type === 'view') throw invalid(`${JSON.stringify(table.name)} is a view: its rows are read only`);
      if (change.kind !== 'delete') this.#checkSet(table, change.set);
      if (change.kind !== 'insert') {
        hasKey(table, change.key);
        for (const name of Object.keys(change.expect)) findColumn(table, name);
      }
      if (change.kind === 'update') {
        const missing = Object.keys(change.set).find((name) => !Object.hasOwn(change.expect, name));
        if (missing !== undefined) throw invalid(`expect needs the old value of ${JSON.stringify(missing)}`);
        if (Object.keys(change.set).length === 0) throw invalid('set is empty: there is nothing to update');
      }
      return sqlText(table, change, this.#encoding);
    });
  }

  conflictOf(change: StudioChange, at: number): Conflict | null {
    if (change.kind === 'insert') return null;
    const now = this.#read(change, Object.keys(change.expect), (name) =>
      bytesRead(change.expect[name] ?? null, this.#encoding),
    );
    if (now === null) return { change: at, reason: 'gone' };
    const isSame = Object.entries(change.expect).every(([name, value]) =>
      isSameValue(now[name], value, this.#encoding),
    );
    return isSame ? null : this.#changed(change, at);
  }

  /** Of an insert the key, else null. @throws ApiError with `change` */
  make(change: StudioChange, at: number): StudioRowKey | null {
    return this.#named(at, () =>
      runAs(this.#connection, 'sql', () => {
        if (change.kind === 'insert') return this.#insert(change.table, change.set);
        const { sql, values } = this.#statement(change);
        const { changes } = this.#connection.database.prepare(sql).run(...values);
        // Another change of this request has moved or removed the row.
        if (changes === 0) refuse([{ change: at, reason: 'gone' }], 1);
        return null;
      }),
    );
  }

  #statement(change: Existing): { readonly sql: string; readonly values: readonly Bound[] } {
    const table = this.#table(change.table);
    const where = hasKey(table, change.key);
    const name = `main.${quoteName(table.name)}`;
    if (change.kind === 'delete') return { sql: `DELETE FROM ${name} ${where.sql}`, values: where.values };
    const set = Object.entries(change.set).map(([column, value]) => ({ column, ...toBound(value) }));
    const assignments = set.map(({ column, sql }) => `${quoteName(column)} = ${sql}`);
    return {
      sql: `UPDATE ${name} SET ${assignments.join(', ')} ${where.sql}`,
      values: [...set.map(({ bound }) => bound), ...where.values],
    };
  }

  #insert(name: string, set: Readonly<Record<string, StudioValue>>): StudioRowKey | null {
    const table = this.#table(name);
    const parts = Object.entries(set).map(([column, value]) => ({ column, ...toBound(value) }));
    const columns = parts.map(({ column }) => quoteName(column)).join(', ');
    const values = parts.map(({ sql }) => sql).join(', ');
    const into = `INSERT INTO main.${quoteName(table.name)}`;
    const sql = parts.length === 0 ? `${into} DEFAULT VALUES` : `${into} (${columns}) VALUES (${values})`;
    const bound = parts.map((part) => part.bound);
    const { key } = table;
    if (key === null || table.type === 'virtual') {
      const { lastInsertRowid } = this.#connection.database
        .prepare(sql)
        .safeIntegers(true)
        .run(...bound);
      return key === null ? null : [{ int: lastInsertRowid.toString() }];
    }
    const cells = key.columns.map((column) => cellSql(columnSql(table, column), keyCut));
    const row = prepareRows(this.#connection, `${sql} RETURNING ${cells.join(', ')}`).all(...bound)[0] as
      | Cell[]
      | undefined;
    // A trigger may have left the row out.
    return row === undefined ? null : key.columns.map((_, index) => readCell(row, index, this.#encoding));
  }

  /** `cut`: how many bytes of a column. */
  #read(
    change: Existing,
    columns: readonly string[],
    cut: (column: string) => number,
  ): Readonly<Record<string, StudioValue>> | null {
    const table = this.#table(change.table);
    const where = hasKey(table, change.key);
    const cells = columns.map((name) => cellSql(columnSql(table, name), cut(name)));
    const sql = `SELECT ${['1', ...cells].join(', ')} ${fromSql(table)} ${where.sql}`;
    const row = runAs(this.#connection, 'sql', () => prepareRows(this.#connection, sql).get(...where.values));
    if (row === undefined) return null;
    const values = (row as Cell[]).slice(1);
    return Object.fromEntries(columns.map((name, index) => [name, readCell(values, index, this.#encoding)]));
  }

  #changed(change: Existing, at: number): Conflict {
    const names = this.#table(change.table).columns.map(({ name }) => name);
    const now = this.#read(change, names.slice(0, studioLimits.columns / 4), () => studioLimits.cutDefault);
    return { change: at, reason: 'changed', ...(now !== null && { now }) };
  }

  #checkSet(table: Table, set: Readonly<Record<string, StudioValue>>): void {
    for (const [name, value] of Object.entries(set)) {
      if (findColumn(table, name).generated !== null) {
        throw invalid(`the column ${JSON.stringify(name)} is generated: SQLite computes it`);
      }
      if (isCut(value)) throw invalid(`of the new value of ${JSON.stringify(name)} only the beginning was sent`);
    }
  }

  #table(name: string): Table {
    const known = this.#tables.get(name) ?? findTable(this.#connection, name);
    this.#tables.set(name, known);
    return known;
  }

  /** Errors say which change they are about. */
  #named<Result>(change: number, work: () => Result): Result {
    try {
      return work();
    } catch (thrown) {
      const { code, message, status, members } = jobToApiError(thrown);
      throw new ApiError(code, message, { status, members: { change, ...members }, cause: thrown });
    }
  }
}

function refuse(conflicts: readonly Conflict[], changes: number): void {
  if (conflicts.length === 0) return;
  const told = conflicts.map((conflict, at) => {
    const { change, reason } = conflict;
    return at < rowsOfConflicts ? conflict : { change, reason };
  });
  const text = `${conflicts.length} of ${changes} rows were changed by somebody else since they were read; nothing was written`;
  throw new ApiError('CONFLICT', text, { members: { conflicts: told } });
}

/**
 * How many bytes of a value are known, of TEXT in the encoding of its database. No more of the value now needs to be
 * read.
 */
function bytesRead(value: StudioValue, encoding: TextEncoding): number {
  if (value === null) return 0;
  if (typeof value === 'string') return encodeText(value, encoding).length;
  if ('text' in value) return encodeText(value.text, encoding).length;
  return bytesOf('blob' in value ? value.blob : 'badText' in value ? value.badText : '').length;
}

/** By type and bytes: the length, and what is known. `now` is read to as many bytes as were known. */
function isSameValue(now: StudioValue | undefined, read: StudioValue, encoding: TextEncoding): boolean {
  if (now === undefined || now === null || read === null) return now === read;
  if (typeof now === 'string') {
    if (typeof read === 'string') return now === read;
    return 'text' in read && now.startsWith(read.text) && encodeText(now, encoding).length === read.bytes;
  }
  if (typeof read === 'string') return false;
  if ('int' in now) return 'int' in read && now.int === read.int;
  if ('real' in now) return 'real' in read && Object.is(realOf(now.real), realOf(read.real));
  if ('text' in now) return 'text' in read && now.bytes === read.bytes && now.text === read.text;
  if ('blob' in now) return 'blob' in read && now.bytes === read.bytes && beginsWith(now.blob, read.blob);
  return 'badText' in read && now.bytes === read.bytes && beginsWith(now.badText, read.badText);
}

function beginsWith(whole: string, beginning: string): boolean {
  const bytes = bytesOf(beginning);
  return bytesOf(whole).subarray(0, bytes.length).equals(bytes);
}

function sqlText(table: Table, change: StudioChange, encoding: TextEncoding): string {
  const name = quoteName(table.name);
  const where = () =>
    table.keyColumns
      .map(({ name: column, collation }, at) => {
        const subject = collation === null || collation === 'BINARY' ? '' : ` COLLATE ${quoteName(collation)}`;
        const value = change.kind === 'insert' ? null : (change.key[at] ?? null);
        return `${quoteName(column)}${subject} ${value === null ? 'IS NULL' : `= ${literal(value, encoding)}`}`;
      })
      .join(' AND ');
  switch (change.kind) {
    case 'delete':
      return `DELETE FROM ${name} WHERE ${where()};`;
    case 'update': {
      const set = Object.entries(change.set).map(
        ([column, value]) => `${quoteName(column)} = ${literal(value, encoding)}`,
      );
      return `UPDATE ${name} SET ${set.join(', ')} WHERE ${where()};`;
    }
    case 'insert': {
      const entries = Object.entries(change.set);
      if (entries.length === 0) return `INSERT INTO ${name} DEFAULT VALUES;`;
      const columns = entries.map(([column]) => quoteName(column)).join(', ');
      const values = entries.map(([, value]) => literal(value, encoding)).join(', ');
      return `INSERT INTO ${name} (${columns}) VALUES (${values});`;
    }
    default:
      return change satisfies never;
  }
}

function invalid(message: string): ApiError {
  return new ApiError('INVALID_PARAMETERS', message);
}
