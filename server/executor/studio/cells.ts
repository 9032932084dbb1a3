// Cells of a table without loss: how they are asked for in SQL, cut there, and how a StudioValue gets back into SQL.
import { ApiError } from '../../messages/errors.ts';
import type { StudioValue } from '../../messages/studio/values.ts';
import {
  bytesOf,
  encodeText,
  isCut,
  realOf,
  realText,
  type TextEncoding,
  textValue,
} from '../../messages/studio-values.ts';
import type { Connection } from '../connection.ts';
import { quoteText } from '../kv/table/names.ts';
import type { Cell } from '../sql/cells.ts';

/** Keys are needed whole; a longer one is cut, and its row is then read only. */
export const keyCut = 64 * 1024;

export function encodingOf({ database }: Connection): TextEncoding {
  return database.pragma('encoding', { simple: true }) as TextEncoding;
}

/** So that one row of so many columns, its BLOBs in base64, has at most `rowBytes`: a table may have 2,000 columns. */
export function cutFor(columns: number, cut: number, rowBytes: number): number {
  return Math.max(16, Math.min(cut, Math.floor((rowBytes * 3) / 4 / Math.max(1, columns))));
}

/**
 * Two result columns for one: the value (a TEXT as bytes, TEXT and BLOB at most `cut` bytes of it), and its length: of
 * TEXT 0 and more, of BLOB -1 and less, else NULL. octet_length() of a column does not read the value.
 */
export function cellSql(expression: string, cut: number): string {
  const [e, bytes] = [expression, Math.floor(cut)];
  return `CASE typeof(${e}) WHEN 'text' THEN substr(CAST(${e} AS BLOB), 1, ${bytes}) WHEN 'blob' THEN substr(${e}, 1, ${bytes}) ELSE ${e} END,
    CASE typeof(${e}) WHEN 'text' THEN octet_length(${e}) WHEN 'blob' THEN -1 - octet_length(${e}) END`;
}

/** Of a row that was asked for by cellSql, the value at `index`. */
export function readCell(row: readonly Cell[], index: number, encoding: TextEncoding): StudioValue {
  const length = row[2 * index + 1] ?? null;
  // substr() makes NULL of what is empty.
  const value = row[2 * index] ?? (length === null ? null : Buffer.alloc(0));
  if (!Buffer.isBuffer(value)) return plainValue(value);
  const size = Number(length ?? value.length);
  return size >= 0 ? textValue(value, size, encoding) : { blob: value.toString('base64'), bytes: -1 - size };
}

/** What better-sqlite3 reads with safeIntegers, cut here. */
export function valueOfCell(cell: Cell, cut: number): StudioValue {
  if (Buffer.isBuffer(cell)) return { blob: cell.subarray(0, cut).toString('base64'), bytes: cell.length };
  if (typeof cell !== 'string' || cell.length * 3 <= cut) return plainValue(cell);
  const bytes = Buffer.from(cell);
  return textValue(bytes.subarray(0, cut), bytes.length, 'UTF-8');
}

function plainValue(cell: Cell): StudioValue {
  if (typeof cell === 'bigint') return { int: cell.toString() };
  if (typeof cell === 'number') return { real: realText(cell) };
  return cell === null || typeof cell === 'string' ? cell : { blob: cell.toString('base64'), bytes: cell.length };
}

export type Bound = null | string | number | bigint | Buffer;

/** A parameter in SQL and what is bound to it. @throws ApiError INVALID_PARAMETERS for a value that was cut */
export function toBound(value: StudioValue): { readonly sql: string; readonly bound: Bound } {
  if (value === null || typeof value === 'string') return { sql: '?', bound: value };
  if ('int' in value) return { sql: '?', bound: BigInt(value.int) };
  if ('real' in value) return { sql: '?', bound: realOf(value.real) };
  if (isCut(value)) {
    throw new ApiError('INVALID_PARAMETERS', 'only the beginning of a value was sent: read it whole, with studio/cell');
  }
  if ('blob' in value) return { sql: '?', bound: bytesOf(value.blob) };
  return { sql: 'CAST(? AS TEXT)', bound: 'badText' in value ? bytesOf(value.badText) : null };
}

/** The value as SQL text. @throws ApiError as toBound */
export function literal(value: StudioValue, encoding: TextEncoding): string {
  if (value === null) return 'NULL';
  if (typeof value === 'string') {
    // SQLite reads SQL text up to a NUL.
    return value.includes('\0') ? `CAST(${hex(encodeText(value, encoding))} AS TEXT)` : quoteText(value);
  }
  if ('int' in value) return value.int;
  if ('real' in value) return realLiteral(realOf(value.real));
  const { bound } = toBound(value);
  const bytes = Buffer.isBuffer(bound) ? hex(bound) : 'NULL';
  return 'badText' in value ? `CAST(${bytes} AS TEXT)` : bytes;
}

function realLiteral(value: number): string {
  if (Number.isFinite(value)) return realText(value);
  return value > 0 ? '9e999' : '-9e999';
}

function hex(bytes: Buffer): string {
  return `X'${bytes.toString('hex').toUpperCase()}'`;
}
