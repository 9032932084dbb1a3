// Rows of a CSV, JSON or JSON Lines file into a table, in one transaction.
import { isUtf8 } from 'node:buffer';
import { numberOf } from '../../messages/csv-cells.ts';
import { ApiError } from '../../messages/errors.ts';
import type { StudioImportRequest } from '../../messages/operations/studio.ts';
import type { StudioImported } from '../../messages/studio/files.ts';
import type { StudioValue } from '../../messages/studio/values.ts';
import { realText } from '../../messages/studio-values.ts';
import type { Connection } from '../connection.ts';
import { quoteName } from '../kv/table/names.ts';
import { runAs } from '../sql/admit.ts';
import { jobToApiError } from '../sql/sqlite-errors.ts';
import type { Bound } from './cells.ts';
import {
  delimiterOf,
  type Field,
  guessedRows,
  type Import,
  invalid,
  placeOf,
  type Rows,
  rowsOf,
} from './import-rows.ts';
import { findTable, type Table } from './tables.ts';
import { inWrite } from './writing.ts';

const previewRows = 20;

export function importFrom(connection: Connection, asked: StudioImportRequest): StudioImported {
  const request = { ...asked, delimiter: delimiterOf(asked) };
  const imported = importAs(connection, request);
  return request.format === 'csv' ? { ...imported, delimiter: request.delimiter } : imported;
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
