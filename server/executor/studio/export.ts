// A table, a selection or the rows of a query as a file, written row by row in one read transaction. The server process sends
// the file on and removes it.
import { closeSync, openSync, writeSync } from 'node:fs';
import type { Statement as Prepared } from 'better-sqlite3';
import { csvBlob, csvBytes, csvReal, csvText } from '../../messages/csv-cells.ts';
import { ApiError } from '../../messages/errors.ts';
import { splitStatements } from '../../messages/sql-statements.ts';
import type { StudioExportFormat, StudioExportRequest, StudioValue } from '../../messages/studio.ts';
import { bytesOf, realOf, realText, textValue } from '../../messages/studio-values.ts';
import type { Connection } from '../connection.ts';
import { quoteName } from '../kv/table/names.ts';
import { admit } from '../sql/admit.ts';
import { type Cell, exactCells } from '../sql/cells.ts';
import { prepare } from '../sql/prepare.ts';
import { cellSql, encodingOf, literal, readCell, valueOfCell } from './cells.ts';
import { asReader, prepareRows } from './reading.ts';
import { admittedConditions } from './rows.ts';
import { fromSql, orderOf, orderSql, whereSql } from './selection.ts';
import { columnSql, findColumn, findTable } from './tables.ts';

/** Values of any size are exported whole. */
const whole = 2 ** 31 - 1;
const bufferBytes = 256 * 1024;

interface Source {
  /** Of the INSERT statements. */
  readonly name: string;
  readonly columns: readonly string[];
  readonly rows: Iterable<readonly StudioValue[]>;
}

/** Inside a read transaction. @returns how many rows the file has. @throws ApiError, SqliteError, errors of the file system */
export function exportTo(
  connection: Connection,
  { format, source, guardFormulas = false }: StudioExportRequest,
  path: string,
): number {
  return asReader(connection, () => {
    const from = 'sql' in source ? queried(connection, source.sql) : selected(connection, source);
    const write = writers[format](from, { guardFormulas, encoding: encodingOf(connection) });
    const file = new OutputFile(path);
    try {
      file.write(write.head);
      let rows = 0;
      for (const values of from.rows) {
        file.write(write.row(values, rows));
        rows += 1;
      }
      file.write(write.tail);
      return rows;
    } finally {
      file.close();
    }
  });
}

function selected(
  connection: Connection,
  source: Exclude<StudioExportRequest['source'], { readonly sql: string }>,
): Source {
  const table = findTable(connection, source.table);
  // What SQLite computes cannot be put in again.
  const all = table.columns.filter(({ generated }) => generated === null).map(({ name }) => name);
  const columns = source.columns ?? all;
  for (const name of columns) findColumn(table, name);
  if (columns.length > 900) throw new ApiError('INVALID_PARAMETERS', 'choose at most 900 columns for an export');
  const where = whereSql(admittedConditions(connection, table, source));
  const { sorted, key } = orderOf(table, source);
  const cells = columns.map((name) => cellSql(columnSql(table, name), whole));
  const sql = `SELECT ${cells.join(', ')} ${fromSql(table)} ${where.sql} ${orderSql([...sorted, ...key])}`;
  const encoding = encodingOf(connection);
  const prepared = prepareRows(connection, sql);
  function* rows(): Generator<StudioValue[]> {
    for (const row of prepared.iterate(...where.values) as IterableIterator<Cell[]>) {
      yield columns.map((_, at) => readCell(row, at, encoding));
    }
  }
  return { name: table.name, columns, rows: rows() };
}

function queried(connection: Connection, sql: string): Source {
  const [statement, ...others] = splitStatements(sql);
  if (statement === undefined || others.length > 0) throw new ApiError('SQL_ERROR', 'an export takes one statement');
  admit(connection, statement);
  const prepared = prepare(connection.database, statement);
  if (!prepared.reader || !prepared.readonly)
    throw new ApiError('SQL_ERROR', 'only a statement that reads rows can be exported');
  return { name: 'result', columns: prepared.columns().map(({ name }) => name), rows: valuesOf(prepared) };
}

function* valuesOf(prepared: Prepared): Generator<StudioValue[]> {
  for (const cells of prepared.raw(true).iterate() as IterableIterator<Cell[]>) {
    yield exactCells(cells).map((cell, at) =>
      Buffer.isBuffer(cell) && typeof cells[at] === 'string'
        ? textValue(cell, cell.length, 'UTF-8')
        : valueOfCell(cell, whole),
    );
  }
}

interface Writing {
  readonly head: string;
  readonly row: (values: readonly StudioValue[], index: number) => string | Buffer;
  readonly tail: string;
}

interface WritingOptions {
  readonly guardFormulas: boolean;
  readonly encoding: ReturnType<typeof encodingOf>;
}

const writers: Readonly<Record<StudioExportFormat, (source: Source, options: WritingOptions) => Writing>> = {
  csv: ({ columns }, { guardFormulas, encoding }) => ({
    head: `${columns.map((name) => csvText(name, guardFormulas)).join(',')}\r\n`,
    row: (values) => csvRow(values.map((value) => csvCell(value, guardFormulas, encoding))),
    tail: '',
  }),
  json: ({ columns }) => ({
    head: '[',
    row: (values, index) => `${index === 0 ? '\n' : ',\n'}${jsonRow(columns, values)}`,
    tail: '\n]\n',
  }),
  jsonl: ({ columns }) => ({ head: '', row: (values) => `${jsonRow(columns, values)}\n`, tail: '' }),
  sql: ({ name, columns }, { encoding }) => {
    const into = `INSERT INTO ${quoteName(name)} (${columns.map(quoteName).join(', ')}) VALUES (`;
    return {
      head: '',
      row: (values) => `${into}${values.map((value) => literal(value, encoding)).join(', ')});\n`,
      tail: '',
    };
  },
};

function csvCell(value: StudioValue, guardFormulas: boolean, encoding: string): string | Buffer {
  if (value === null) return '';
  if (typeof value === 'string') return csvText(value, guardFormulas);
  if ('int' in value) return value.int;
  if ('real' in value) return csvReal(realOf(value.real));
  if ('blob' in value) return csvBlob(bytesOf(value.blob));
  // A file has one encoding: what is wrong in UTF-16 is kept as bytes.
  if ('badText' in value)
    return encoding === 'UTF-8' ? csvBytes(bytesOf(value.badText)) : csvBlob(bytesOf(value.badText));
  return csvText(value.text, guardFormulas);
}

function csvRow(cells: readonly (string | Buffer)[]): string | Buffer {
  if (cells.every((cell) => typeof cell === 'string')) return `${cells.join(',')}\r\n`;
  const parts = cells.flatMap((cell, at) => [...(at === 0 ? [] : [Buffer.from(',')]), Buffer.from(cell)]);
  return Buffer.concat([...parts, Buffer.from('\r\n')]);
}

/** Of two columns of one name the second is `name:2`. */
function jsonRow(columns: readonly string[], values: readonly StudioValue[]): string {
  const members = columns.map((name, at) => {
    const earlier = columns.slice(0, at).filter((other) => other === name).length;
    return `${JSON.stringify(earlier === 0 ? name : `${name}:${earlier + 1}`)}:${jsonCell(values[at] ?? null)}`;
  });
  return `{${members.join(',')}}`;
}

/** As `POST /db` has it: integers of any size as numbers, infinity as 9e999; a BLOB as {"base64": ...}. */
function jsonCell(value: StudioValue): string {
  if (value === null || typeof value === 'string') return JSON.stringify(value);
  if ('int' in value) return value.int;
  if ('real' in value) {
    const real = realOf(value.real);
    return Number.isFinite(real) ? realText(real) : csvReal(real);
  }
  if ('text' in value) return JSON.stringify(value.text);
  return JSON.stringify('blob' in value ? { base64: value.blob } : { badText: value.badText });
}

/** Collects what is written, so that a row costs no system call. */
class OutputFile {
  readonly #fd: number;
  #parts: Buffer[] = [];
  #bytes = 0;

  constructor(path: string) {
    this.#fd = openSync(path, 'wx', 0o600);
  }

  write(part: string | Buffer): void {
    const bytes = Buffer.from(part);
    this.#parts.push(bytes);
    this.#bytes += bytes.length;
    if (this.#bytes >= bufferBytes) this.#flush();
  }

  close(): void {
    try {
      this.#flush();
    } finally {
      closeSync(this.#fd);
    }
  }

  #flush(): void {
    const bytes = Buffer.concat(this.#parts);
    this.#parts = [];
    this.#bytes = 0;
    try {
      for (let at = 0; at < bytes.length; ) at += writeSync(this.#fd, bytes, at);
    } catch (cause) {
      if (!(cause instanceof Error && 'code' in cause && (cause.code === 'ENOSPC' || cause.code === 'EDQUOT')))
        throw cause;
      const message = 'there is no room for the file in the directory for temporary files (TMPDIR)';
      throw new ApiError('RESPONSE_TOO_LARGE', message, { cause });
    }
  }
}
