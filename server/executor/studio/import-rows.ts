// Rows of a CSV, JSON or JSON Lines file, which lies on the disk and is read piece by piece.
import { closeSync, openSync, readSync } from 'node:fs';
import { type CsvValue, columnNames, csvValue } from '../../messages/csv-cells.ts';
import { csvDelimiters, guessDelimiter } from '../../messages/csv-delimiter.ts';
import { CsvReader, type CsvRecord } from '../../messages/csv-reader.ts';
import { ApiError } from '../../messages/errors.ts';
import { isObject, type Json, type JsonObject, parseJsonTyped, stringifyJson } from '../../messages/json.ts';
import { limits } from '../../messages/limits.ts';
import type { StudioImportRequest } from '../../messages/operations/studio.ts';
import type { StudioCsvDelimiter } from '../../messages/studio/files.ts';
import { unicodeProblem } from '../../messages/unicode.ts';
import type { Table } from './tables.ts';

const chunkBytes = 256 * 1024;
/** By so many rows the columns of JSON, and the types of a new table, are guessed. */
export const guessedRows = 1_000;
const columnsMax = 2_000;
/** By so many records the delimiter is guessed. */
const recordsCut = 20;

/** What a row has for a column, before the column has a say. */
export type Field = CsvValue | { readonly number: bigint | number };

export interface Row {
  readonly fields: readonly Field[];
  /** Of the file, from 1; null in a JSON array. */
  readonly line: number | null;
}

export interface Rows {
  readonly columns: readonly string[];
  readonly rows: Iterable<Row>;
}

/** What is asked, with the delimiter known. */
export interface Import extends StudioImportRequest {
  readonly delimiter: StudioCsvDelimiter;
}

export function delimiterOf({ format, delimiter, path }: StudioImportRequest): StudioCsvDelimiter {
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

export function rowsOf(request: Import, existing: Table | null): Rows {
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
export function placeOf(row: number, line: number | null): string {
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

export function invalid(message: string): ApiError {
  return new ApiError('INVALID_PARAMETERS', message);
}
