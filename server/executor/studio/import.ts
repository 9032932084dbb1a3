// Rows of a CSV, JSON or JSON Lines file into a table, in one transaction. The file lies on disk and is read piece by
// piece.

import { isUtf8 } from 'node:buffer';
import { closeSync, openSync, readSync } from 'node:fs';
import { type CsvValue, columnNames, csvValue, numberOf } from '../../messages/csv-cells.ts';
import { csvDelimiters, guessDelimiter } from '../../messages/csv-delimiter.ts';
import { CsvReader, type CsvRecord } from '../../messages/csv-reader.ts';
import { ApiError } from '../../messages/errors.ts';
import { isObject, type Json, type JsonObject, parseJsonTyped, stringifyJson } from '../../messages/json.ts';
import { limits } from '../../messages/limits.ts';
import type { StudioImportRequest } from '../../messages/operations/studio.ts';
import type { StudioCsvDelimiter, StudioImported, StudioValue } from '../../messages/studio.ts';
import { realText } from '../../messages/studio-values.ts';
import { unicodeProblem } from '../../messages/unicode.ts';
import type { Connection } from '../connection.ts';
import { quoteName } from '../kv/table/names.ts';
import { runAs } from '../sql/admit.ts';
import { jobToApiError } from '../sql/sqlite-errors.ts';
import type { Bound } from './cells.ts';
import { findTable, type Table } from './tables.ts';
import { inWrite } from './writing.ts';

const chunkBytes = 256 * 1024;
const previewRows = 20;
/** By so many rows the types of a new table are guessed. */
const guessedRows = 1_000;
const columnsMax = 2_000;
/** By so many records the delimiter is guessed. */
const recordsCut = 20;

/** What a row has for a column, before the column has a say. */
type Field = CsvValue | { readonly number: bigint | number };

interface Row {
  readonly fields: readonly Field[];
  /** Of the file, from 1; null in a JSON array. */
  readonly line: number | null;
}

interface Rows {
  readonly columns: readonly string[];
  readonly rows: Iterable<Row>;
}

export function importFrom(connection: Connection, asked: StudioImportRequest): StudioImported {
  const request = { ...asked, delimiter: delimiterOf(asked) };
  const imported = importAs(connection, request);
  return request.format === 'csv' ? { ...imported, delimiter: request.delimiter } : imported;
}

/** What is asked, with the delimiter known. */
interface Import extends StudioImportRequest {
  readonly delimiter: StudioCsvDelimiter;
}

function delimiterOf({ format, delimiter, path }: StudioImportRequest): StudioCsvDelimiter {
  if (delimiter !== 'auto') return delimiter;
  return format === 'csv' ? guessDelimiter((tried) => fieldsOf(path, tried)) : 'comma';
}

function fieldsOf(path: string, delimiter: StudioCsvDelimiter): number[] {
  const fields: number[] = [];
  try {
    for (const { cells } of csvRecords(path, delimiter)) {
      fields.push(cells.length);
      if (fields.length === recordsCut) break;
    }
  } catch (error) {
    if (error instanceof ApiError) return [];
    throw error;
  }
  return fields;
}

function importAs(connection: Connection, request: Import): StudioImported {
  const existing = request.create ? null : findTable(connection, request.table);
  if (existing !== null && existing.type === 'view') throw invalid('a view takes no rows');
  const source = rowsOf(request, existing);
  const { columns } = source;
  const types =
    existing === null
      ? (request.types ?? guessTypes(rowsOf(request, null)))
      : columns.map((name) => typeOf(existing, name));
  if (types.length !== columns.length)
    throw invalid(`types has ${types.length} entries, the file ${columns.length} columns`);
  if (request.dryRun) return preview(source, types);
  const options = { clientIp: request.clientIp, dryRun: false, foreignKeys: false };
  const rows = inWrite(connection, options, () =>
    runAs(connection, 'sql', () => {
      if (existing === null) create(connection, request.table, columns, types);
      return insertAll(connection, request.table, source, types, existing?.strict ?? false);
    }),
  );
  return { columns, types, rows };
}

function create({ database }: Connection, table: string, columns: readonly string[], types: readonly string[]): void {
  const definitions = columns.map((name, at) => `${quoteName(name)} ${checkedType(types[at] ?? '')}`.trimEnd());
  database.exec(`CREATE TABLE main.${quoteName(table)} (${definitions.join(', ')})`);
}

function checkedType(type: string): string {
  if (/^[A-Za-z][A-Za-z0-9 ]{0,40}(\( ?\d+( ?, ?\d+)? ?\))?$|^$/.test(type)) return type;
  throw invalid(`${JSON.stringify(type)} is no type of a column`);
}

function insertAll(
  { database }: Connection,
  table: string,
  { columns, rows }: Rows,
  types: readonly string[],
  isStrict: boolean,
): number {
  const insert = (parameters: readonly string[]) =>
    database.prepare(
      `INSERT INTO main.${quoteName(table)} (${columns.map(quoteName).join(', ')}) VALUES (${parameters.join(', ')})`,
    );
  const plain = insert(columns.map(() => '?'));
  const isText = types.map(hasTextAffinity);
  const isPlain = types.map((type) => hasNoAffinity(type, isStrict));
  let count = 0;
  for (const { fields, line } of rows) {
    count += 1;
    try {
      if (fields.length !== columns.length) {
        throw invalid(`it has ${fields.length} fields, ${columns.length} are needed`);
      }
      const bound = fields.map((field, at) => boundOf(field, isText[at] ?? false, isPlain[at] ?? false));
      const isBad = fields.map((field, at) => isBytesAsText(field) && Buffer.isBuffer(bound[at]));
      const statement = isBad.includes(true) ? insert(isBad.map((bad) => (bad ? 'CAST(? AS TEXT)' : '?'))) : plain;
      statement.run(...bound);
    } catch (thrown) {
      const error = jobToApiError(thrown);
      if (error.status >= 500) throw thrown;
      throw new ApiError(error.code, `${placeOf(count, line)}: ${error.message}`, {
        status: error.status,
        cause: thrown,
      });
    }
  }
  return count;
}

function isBytesAsText(field: Field): boolean {
  return field !== null && 'text' in field;
}

/**
 * A literal becomes a number only where its column would leave a text as it is; other columns convert by themselves.
 */
function boundOf(field: Field, isText: boolean, isPlain: boolean): Bound {
  if (field === null) return null;
  if ('number' in field) return field.number;
  if ('blob' in field) return field.blob;
  if ('text' in field) return isUtf8(field.text) ? field.text.toString() : field.text;
  return isPlain && !isText ? (numberOf(field.literal) ?? field.literal) : field.literal;
}

/** https://sqlite.org/datatype3.html, 3.1 */
function hasTextAffinity(type: string): boolean {
  return !/INT/i.test(type) && /CHAR|CLOB|TEXT/i.test(type);
}

function hasNoAffinity(type: string, isStrict: boolean): boolean {
  if (isStrict) return /^ANY$/i.test(type);
  return !/INT|CHAR|CLOB|TEXT/i.test(type) && (type === '' || /BLOB/i.test(type));
}

function typeOf(table: Table, column: string): string {
  const found = table.columns.find(({ name }) => name === column);
  if (found === undefined) {
    const known = table.columns.map(({ name }) => name).join(', ');
    throw invalid(
      `${JSON.stringify(table.name)} has no column ${JSON.stringify(column)}; its columns: ${known.slice(0, 500)}`,
    );
  }
  if (found.generated !== null)
    throw invalid(`the column ${JSON.stringify(column)} is generated: leave it out of the file`);
  return found.type;
}

function preview({ columns, rows }: Rows, types: readonly string[]): StudioImported {
  const shown: StudioValue[][] = [];
  let count = 0;
  for (const { fields, line } of rows) {
    count += 1;
    if (fields.length !== columns.length) {
      throw invalid(`${placeOf(count, line)}: it has ${fields.length} fields, ${columns.length} are needed`);
    }
    if (shown.length < previewRows) shown.push(fields.map(shownField));
  }
  return { columns, types, rows: count, preview: shown };
}

function shownField(field: Field): StudioValue {
  if (field === null) return null;
  if ('literal' in field) return field.literal;
  if ('number' in field) {
    return typeof field.number === 'bigint' ? { int: field.number.toString() } : { real: realText(field.number) };
  }
  if ('blob' in field) return { blob: field.blob.subarray(0, 256).toString('base64'), bytes: field.blob.length };
  const text = field.text.toString();
  return text.length > 500 ? { text: [...text.slice(0, 500)].join(''), bytes: field.text.length } : text;
}

/**
 * Whole numbers, numbers, bytes, else text; a column without values is text. Whole numbers among others keep every
 * digit: a REAL column would round what is beyond 2^53.
 */
function guessTypes({ columns, rows }: Rows): string[] {
  const seen = columns.map(() => new Set<string>());
  let count = 0;
  for (const { fields } of rows) {
    fields.forEach((field, at) => {
      if (field !== null) seen[at]?.add(kindOf(field));
    });
    count += 1;
    if (count === guessedRows) break;
  }
  return seen.map((kinds) => {
    const [only] = kinds;
    if (kinds.size === 1 && only !== undefined) return only;
    return kinds.size === 2 && kinds.has('INTEGER') && kinds.has('REAL') ? 'NUMERIC' : 'TEXT';
  });
}

function kindOf(field: Exclude<Field, null>): string {
  if ('blob' in field) return 'BLOB';
  if ('text' in field) return 'TEXT';
  if ('number' in field) return typeof field.number === 'bigint' ? 'INTEGER' : 'REAL';
  if (/^-?(0|[1-9]\d*)$/.test(field.literal)) return numberOf(field.literal) === null ? 'TEXT' : 'INTEGER';
  return /^[+-]?0\d|^\+/.test(field.literal) ? 'TEXT' : 'REAL';
}

function rowsOf(request: Import, existing: Table | null): Rows {
  const found = request.format === 'csv' ? csvRows(request, existing) : jsonRows(request);
  if (found.columns.length === 0) throw invalid('the file has no columns');
  if (found.columns.length > columnsMax)
    throw invalid(`the file has ${found.columns.length} columns; at most ${columnsMax}`);
  // SQLite would take the first of them and drop the others.
  const twice = found.columns.find((name, at) => found.columns.indexOf(name) !== at);
  if (twice !== undefined) throw invalid(`the file has two columns ${JSON.stringify(twice)}`);
  return found;
}

function csvRows({ path, header, delimiter }: Import, existing: Table | null): Rows {
  const [head] = firstOf(csvRecords(path, delimiter));
  if (head === undefined) throw invalid('the file is empty');
  const names = head.cells.map(({ bytes }) => bytes.toString());
  const given = (existing?.columns ?? []).filter(({ generated }) => generated === null).map(({ name }) => name);
  const columns = header
    ? existing === null
      ? columnNames(names)
      : names
    : existing === null
      ? names.map((_, at) => `column${at + 1}`)
      : given.slice(0, names.length);
  function* rows(): Generator<Row> {
    let isHeader = header;
    for (const { cells, line } of csvRecords(path, delimiter)) {
      if (!isHeader) yield { fields: cells.map(csvValue), line };
      isHeader = false;
    }
  }
  return { columns, rows: rows() };
}

function* csvRecords(path: string, delimiter: StudioCsvDelimiter): Generator<CsvRecord> {
  const reader = new CsvReader(csvDelimiters[delimiter], limits.importRecordBytes);
  for (const chunk of chunksOf(path)) yield* reader.push(chunk);
  yield* reader.end();
}

/** At most one. The generator is ended, so that it closes its file. */
function firstOf<Item>(items: Iterable<Item>): Item[] {
  for (const item of items) return [item];
  return [];
}

/** The columns are the members of all objects in the first rows, in order. */
function jsonRows({ path, format }: Import): Rows {
  const objects = () => (format === 'json' ? jsonObjects(path) : jsonLines(path));
  const columns = new Set<string>();
  let count = 0;
  for (const { object } of objects()) {
    for (const name of Object.keys(object)) columns.add(name);
    count += 1;
    if (count === guessedRows) break;
  }
  const names = [...columns];
  function* rows(): Generator<Row> {
    let row = 0;
    for (const { object, line } of objects()) {
      row += 1;
      const odd = Object.keys(object).find((name) => !columns.has(name));
      if (odd !== undefined) {
        throw invalid(
          `${placeOf(row, line)}: the member ${JSON.stringify(odd)} is not in the first ${guessedRows} rows`,
        );
      }
      yield { fields: names.map((name) => jsonField(object[name] ?? null)), line };
    }
  }
  return { columns: names, rows: rows() };
}

function jsonField(value: Json): Field {
  if (value === null) return null;
  if (typeof value === 'string') {
    const problem = unicodeProblem(value);
    if (problem !== null) throw invalid(`a text ${problem}`);
    return { text: Buffer.from(value) };
  }
  if (typeof value === 'boolean') return { number: value ? 1n : 0n };
  if (typeof value === 'bigint') return { number: BigInt.asIntN(64, value) === value ? value : Number(value) };
  if (typeof value === 'number') return { number: value };
  if (isObject(value) && Object.keys(value).length === 1) {
    if (typeof value.base64 === 'string') return { blob: Buffer.from(value.base64, 'base64') };
    if (typeof value.badText === 'string') return { text: Buffer.from(value.badText, 'base64') };
  }
  return { text: Buffer.from(stringifyJson(value)) };
}

interface JsonRow {
  readonly object: JsonObject;
  readonly line: number | null;
}

function jsonObjects(path: string): JsonRow[] {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for (const chunk of chunksOf(path)) {
    chunks.push(chunk);
    bytes += chunk.length;
    if (bytes > limits.importJsonBytes) {
      const text = `a JSON file has at most ${limits.importJsonBytes} bytes; send JSON Lines (jsonl)`;
      throw new ApiError('PAYLOAD_TOO_LARGE', text);
    }
  }
  const document = parsed(Buffer.concat(chunks), 'the file');
  if (!Array.isArray(document)) throw invalid('the file must be a JSON array of objects');
  return document.map((row, at) => ({ object: objectOf(row, `row ${at + 1}`), line: null }));
}

function* jsonLines(path: string): Generator<JsonRow> {
  let rest: Buffer[] = [];
  let restBytes = 0;
  let line = 0;
  const rowOf = (bytes: Buffer): JsonRow | null => {
    line += 1;
    if (bytes.toString('latin1').trim() === '') return null;
    return { object: objectOf(parsed(bytes, `line ${line}`), `line ${line}`), line };
  };
  for (const chunk of chunksOf(path)) {
    let from = 0;
    for (let at = chunk.indexOf(0x0a); at >= 0; at = chunk.indexOf(0x0a, from)) {
      const row = rowOf(Buffer.concat([...rest, chunk.subarray(from, at)]));
      rest = [];
      restBytes = 0;
      from = at + 1;
      if (row !== null) yield row;
    }
    rest.push(chunk.subarray(from));
    restBytes += chunk.length - from;
    if (restBytes > limits.importJsonBytes) {
      const text = `line ${line + 1}: it is longer than ${limits.importJsonBytes} bytes`;
      throw new ApiError('PAYLOAD_TOO_LARGE', text);
    }
  }
  const last = rowOf(Buffer.concat(rest));
  if (last !== null) yield last;
}

const utf8 = new TextDecoder('utf-8', { fatal: true });

function parsed(bytes: Buffer, what: string): Json {
  try {
    return parseJsonTyped(utf8.decode(bytes));
  } catch (cause) {
    throw new ApiError(
      'INVALID_PARAMETERS',
      `${what} is not valid JSON: ${cause instanceof Error ? cause.message : ''}`,
      { cause },
    );
  }
}

function objectOf(row: Json, place: string): JsonObject {
  if (isObject(row)) return row;
  throw invalid(`${place} is no JSON object`);
}

/** `row 2 (line 3)`: what a user looks for in the file. */
function placeOf(row: number, line: number | null): string {
  return line === null ? `row ${row}` : `row ${row} (line ${line})`;
}

function* chunksOf(path: string): Generator<Buffer> {
  const fd = openSync(path, 'r');
  try {
    for (;;) {
      const chunk = Buffer.alloc(chunkBytes);
      const length = readSync(fd, chunk, 0, chunk.length, null);
      if (length === 0) return;
      yield chunk.subarray(0, length);
    }
  } finally {
    closeSync(fd);
  }
}

function invalid(message: string): ApiError {
  return new ApiError('INVALID_PARAMETERS', message);
}
