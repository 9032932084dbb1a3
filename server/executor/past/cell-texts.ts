// One value of a row as JSON and as SQL, without loss: integers are bigint here, so that a number is a REAL.
import { quoteText } from '../kv/table/names.ts';
import type { Cell } from '../sql/cells.ts';

/** A BLOB, or a text that is not UTF-8, is {"base64": ...}. */
export function cellJson(cell: Cell): string {
  if (cell === null) return 'null';
  if (typeof cell === 'bigint') return cell.toString();
  if (typeof cell === 'number') return Number.isFinite(cell) ? String(cell) : infinityText(cell);
  if (typeof cell === 'string') return JSON.stringify(cell);
  return `{"base64":"${cell.toString('base64')}"}`;
}

export function cellSql(cell: Cell): string {
  if (cell === null) return 'NULL';
  if (typeof cell === 'bigint') return cell.toString();
  if (typeof cell === 'number') return realSql(cell);
  if (typeof cell !== 'string') return `x'${cell.toString('hex')}'`;
  // The text of a statement ends at a NUL.
  return cell.includes('\0') ? `CAST(x'${Buffer.from(cell).toString('hex')}' AS TEXT)` : quoteText(cell);
}

function realSql(value: number): string {
  if (!Number.isFinite(value)) return infinityText(value);
  return Number.isInteger(value) && Math.abs(value) < 1e15 ? `${value}.0` : String(value);
}

function infinityText(value: number): string {
  return value > 0 ? '9e999' : '-9e999';
}
