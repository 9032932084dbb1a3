// A table, a selection or the rows of a query as a file, written row by row in one read transaction. The server process
// sends the file on and removes it.
import { closeSync, openSync, writeSync } from 'node:fs';
import type { Statement as Prepared } from 'better-sqlite3';
import { type CsvOptions, csvBlob, csvBytes, csvReal, csvText } from '../../messages/csv-cells.ts';
import { csvDelimiters } from '../../messages/csv-delimiter.ts';
import { ApiError } from '../../messages/errors.ts';
import { splitStatements } from '../../messages/sql-statements.ts';
import type { StudioExportFormat, StudioExportRequest } from '../../messages/studio/files.ts';
import type { StudioValue } from '../../messages/studio/values.ts';
import { bytesToSpare, isFull, noRoom } from '../../messages/temporary-room.ts';
import type { Connection } from '../connection.ts';
import { quoteName } from '../kv/table/names.ts';
import { admit } from '../sql/admit.ts';
import { type Cell, exactCells } from '../sql/cells.ts';
import { prepare } from '../sql/prepare.ts';
import { encodingOf, literal, valueOfCell } from './cells.ts';
import { argumentsOf } from './parameters.ts';
import { asReader, prepareRows } from './reading.ts';
import { admittedConditions } from './rows.ts';
import { fromSql, orderOf, orderSql, whereSql } from './selection.ts';
import { columnSql, findColumn, findTable } from './tables.ts';

const bufferBytes = 256 * 1024;

interface Source {
  /** Of the INSERT statements. */
  readonly name: string;
  readonly columns: readonly string[];
  readonly rows: Iterable<Row>;
}

interface Row {
  readonly cells: readonly Cell[];
  /** As `cells`, with the bytes of each text that is no UTF-8. */
  readonly exact: readonly Cell[];
}

/**
 * Inside a read transaction. @returns how many rows the file has. @throws ApiError, SqliteError, errors of the file
 * system
 */
export function exportTo(
  connection: Connection,
  { format, source, guardFormulas = false, delimiter = 'comma' }: StudioExportRequest,
  path: string,
  spare = bytesToSpare,
): number {
  return asReader(connection, () => {
    const from = 'sql' in source ? queried(connection, source) : selected(connection, source);
    const write = writers[format](from, {
      csv: { guardFormulas, separator: csvDelimiters[delimiter] },
      encoding: encodingOf(connection),
    });
    const file = new OutputFile(path, () => spare(path));
    try {
      file.write(write.head);
      let rows = 0;
      for (const row of from.rows) {
        file.write(write.row(row, rows));
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
  const cells = columns.map((name) => columnSql(table, name));
  const sql = `SELECT ${cells.join(', ')} ${fromSql(table)} ${where.sql} ${orderSql([...sorted, ...key])}`;
  return { name: table.name, columns, rows: rowsOf(prepareRows(connection, sql), where.values) };
}

function queried(
  connection: Connection,
  { sql, parameters = {} }: Extract<StudioExportRequest['source'], { readonly sql: string }>,
): Source {
  const [statement, ...others] = splitStatements(sql);
  if (statement === undefined || others.length > 0) throw new ApiError('SQL_ERROR', 'an export takes one statement');
  admit(connection, statement);
  const prepared = prepare(connection.database, statement);
  if (!prepared.reader || !prepared.readonly)
    throw new ApiError('SQL_ERROR', 'only a statement that reads rows can be exported');
  const columns = prepared.columns().map(({ name }) => name);
  return { name: 'result', columns, rows: rowsOf(prepared, argumentsOf(statement, parameters, true)) };
}

function* rowsOf(prepared: Prepared, values: readonly unknown[]): Generator<Row> {
  for (const cells of prepared.raw(true).iterate(...values) as IterableIterator<Cell[]>) {
    yield { cells, exact: exactCells(cells) };
  }
}

interface Writing {
  readonly head: string;
  readonly row: (row: Row, index: number) => string | Buffer;
  readonly tail: string;
}

interface WritingOptions {
  readonly csv: CsvOptions;
  readonly encoding: ReturnType<typeof encodingOf>;
}

const writers: Readonly<Record<StudioExportFormat, (source: Source, options: WritingOptions) => Writing>> = {
  csv: ({ columns }, { csv }) => ({
    head: `${columns.map((name) => csvText(name, csv)).join(csv.separator)}\r\n`,
    row: ({ cells, exact }) =>
      csvRow(
        exact.map((cell, at) => csvCell(cell, cell !== cells[at], csv)),
        csv,
      ),
    tail: '',
  }),
  json: ({ columns }) => {
    const keys = names(columns);
    return { head: '[', row: (row, index) => `${index === 0 ? '\n' : ',\n'}${jsonRow(keys, row)}`, tail: '\n]\n' };
  },
  jsonl: ({ columns }) => {
    const keys = names(columns);
    return { head: '', row: (row) => `${jsonRow(keys, row)}\n`, tail: '' };
  },
  sql: ({ name, columns }, { encoding }) => {
    const into = `INSERT INTO ${quoteName(name)} (${columns.map(quoteName).join(', ')}) VALUES (`;
    return {
      head: '',
      row: ({ cells, exact }) => {
        const values = exact.map((cell, at) => literal(studioValue(cell, cell !== cells[at]), encoding));
        return `${into}${values.join(', ')});\n`;
      },
      tail: '',
    };
  },
};

/** `isBad`: the bytes of a text that is no UTF-8. */
function csvCell(cell: Cell, isBad: boolean, options: CsvOptions): string | Buffer {
  if (cell === null) return '';
  if (typeof cell === 'string') return csvText(cell, options);
  if (typeof cell === 'bigint') return cell.toString();
  if (typeof cell === 'number') return csvReal(cell);
  return isBad ? csvBytes(cell) : csvBlob(cell);
}

function csvRow(cells: readonly (string | Buffer)[], { separator }: CsvOptions): string | Buffer {
  if (cells.every((cell) => typeof cell === 'string')) return `${cells.join(separator)}\r\n`;
  const parts = cells.flatMap((cell, at) => [...(at === 0 ? [] : [Buffer.from(separator)]), Buffer.from(cell)]);
  return Buffer.concat([...parts, Buffer.from('\r\n')]);
}

/** As JSON; of two columns of one name the second is `name:2`, or the next number that is free. */
function names(columns: readonly string[]): string[] {
  const taken = new Set(columns);
  const seen = new Set<string>();
  return columns.map((name) => {
    let unique = name;
    for (let next = 2; seen.has(unique) || (unique !== name && taken.has(unique)); next += 1)
      unique = `${name}:${next}`;
    seen.add(unique);
    return JSON.stringify(unique);
  });
}

function jsonRow(keys: readonly string[], { cells, exact }: Row): string {
  return `{${exact.map((cell, at) => `${keys[at]}:${jsonCell(cell, cell !== cells[at])}`).join(',')}}`;
}

/** As `POST /db` has it: integers of any size as numbers, infinity as 9e999; a BLOB as {"base64": ...}. */
function jsonCell(cell: Cell, isBad: boolean): string {
  if (cell === null || typeof cell === 'string') return JSON.stringify(cell);
  if (typeof cell === 'bigint') return cell.toString();
  if (typeof cell === 'number') return csvReal(cell);
  const base64 = cell.toString('base64');
  return JSON.stringify(isBad ? { badText: base64 } : { base64 });
}

function studioValue(cell: Cell, isBad: boolean): StudioValue {
  if (isBad && Buffer.isBuffer(cell)) return { badText: cell.toString('base64'), bytes: cell.length };
  return valueOfCell(cell, Number.MAX_SAFE_INTEGER);
}

/** Collects what is written, so that a row costs no system call. */
class OutputFile {
  readonly #fd: number;
  readonly #spare: () => number;
  #parts: Buffer[] = [];
  #text = '';
  #bytes = 0;

  /** `spare`: how many bytes may still be written. */
  constructor(path: string, spare: () => number) {
    this.#fd = openSync(path, 'wx', 0o600);
    this.#spare = spare;
  }

  write(part: string | Buffer): void {
    this.#bytes += part.length;
    if (typeof part === 'string') this.#text += part;
    else {
      this.#parts.push(Buffer.from(this.#text), part);
      this.#text = '';
    }
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
    const bytes = Buffer.concat([...this.#parts, Buffer.from(this.#text)]);
    this.#parts = [];
    this.#text = '';
    this.#bytes = 0;
    if (bytes.length > 0 && bytes.length > this.#spare()) throw noRoom('RESPONSE_TOO_LARGE');
    try {
      for (let at = 0; at < bytes.length; ) at += writeSync(this.#fd, bytes, at);
    } catch (cause) {
      throw isFull(cause) ? noRoom('RESPONSE_TOO_LARGE', cause) : cause;
    }
  }
}
