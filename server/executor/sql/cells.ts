// One value of a row, as better-sqlite3 hands it over and as JSON text.
import { isUtf8 } from 'node:buffer';
import { ApiError } from '../../messages/errors.ts';
import { findGuard, Guard } from '../guard/guard.ts';

export type Cell = null | string | number | bigint | Buffer;

/** Cell -> JSON text. */
export type CellWriter = (cell: Cell) => string;

const replacement = '\ufffd';

/**
 * The newest row, with bytes for each text that is no UTF-8: SQLite keeps any bytes as TEXT, and better-sqlite3 hands
 * them over with U+FFFD in place of what cannot be read. @throws ApiError SQL_ERROR where nobody can tell
 */
export function exactCells(cells: readonly Cell[]): readonly Cell[] {
  if (!cells.some(mayBeInexact)) return cells;
  const guard = findGuard();
  if (!(guard instanceof Guard)) {
    const how = 'ask for CAST(column AS BLOB) instead';
    throw new ApiError('SQL_ERROR', `a text of the result holds U+FFFD or is not UTF-8, and no guard can tell: ${how}`);
  }
  return cells.map((cell, column) => {
    if (!mayBeInexact(cell)) return cell;
    const bytes = guard.rowText(column);
    return isUtf8(bytes) ? cell : bytes;
  });
}

function mayBeInexact(cell: Cell): boolean {
  return typeof cell === 'string' && cell.includes(replacement);
}

/** For POST /db: a BLOB is base64, Infinity is the JSON number 9e999 (which every reader takes for Infinity). */
export function writeCell(cell: Cell): string {
  if (cell === null) return 'null';
  if (typeof cell === 'bigint') return cell.toString();
  if (typeof cell === 'number') return writeReal(cell);
  return JSON.stringify(typeof cell === 'string' ? cell : cell.toString('base64'));
}

/** A byte order mark belongs to what was stored. */
const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** For GET /query: a BLOB that is UTF-8 is a string. @throws ApiError INTERNAL_ERROR for Infinity */
export function writeCellReadable(cell: Cell): string {
  if (typeof cell === 'number' && !Number.isFinite(cell)) {
    throw new ApiError('INTERNAL_ERROR', 'the result holds a number that JSON cannot express');
  }
  if (!Buffer.isBuffer(cell)) return writeCell(cell);
  try {
    return JSON.stringify(utf8.decode(cell));
  } catch {
    return `{"value_base64":"${cell.toString('base64')}"}`;
  }
}

function writeReal(value: number): string {
  if (Number.isFinite(value)) return String(value);
  return value > 0 ? '9e999' : '-9e999';
}
