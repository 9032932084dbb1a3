// One value of a row, as better-sqlite3 hands it over and as JSON text.
import { ApiError } from '../../messages/errors.ts';

export type Cell = null | string | number | bigint | Buffer;

/** Cell -> JSON text. */
export type CellWriter = (cell: Cell) => string;

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
