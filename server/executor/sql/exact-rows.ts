// Rows whose texts are no UTF-8. SQLite keeps any bytes as TEXT, and better-sqlite3 hands them over with U+FFFD in place of what
// cannot be read. The same statement, asked once more for the bytes, shows what is stored.
import { isUtf8 } from 'node:buffer';
import type { Statement as Prepared } from 'better-sqlite3';
import type { BindArguments } from './bind.ts';
import type { Cell } from './cells.ts';

export function mayBeInexact(cells: readonly Cell[]): boolean {
  return cells.some((cell) => typeof cell === 'string' && cell.includes('\ufffd'));
}

/**
 * The rows with bytes for every text that is no UTF-8. Run in the transaction of the first try, so that it sees the same rows.
 * null: not possible, as for a statement that writes, EXPLAIN, or a UTF-16 database.
 */
export function exactRows(prepared: Prepared, args: BindArguments): Iterable<Cell[]> | null {
  const wrapped = prepared.readonly ? askingForBytes(prepared) : null;
  return wrapped === null ? null : cellsOf(wrapped.raw(true).iterate(...args) as IterableIterator<Cell[]>);
}

function* cellsOf(rows: Iterable<Cell[]>): Generator<Cell[]> {
  for (const row of rows) {
    const cells: Cell[] = [];
    for (let at = 0; at < row.length; at += 2) cells.push(exact(row[at] === 'text', row[at + 1] ?? null));
    yield cells;
  }
}

function exact(isText: boolean, cell: Cell): Cell {
  return isText && Buffer.isBuffer(cell) && isUtf8(cell) ? cell.toString() : cell;
}

/** Each column becomes two: the type of its value, and the value, a text as its bytes. */
function askingForBytes(prepared: Prepared): Prepared | null {
  const { database, source } = prepared;
  const names = prepared.columns().map((_, index) => `c${index}`);
  const asked = names.map(
    (name) => `typeof(${name}), CASE typeof(${name}) WHEN 'text' THEN CAST(${name} AS BLOB) ELSE ${name} END`,
  );
  try {
    if (database.pragma('encoding', { simple: true }) !== 'UTF-8') return null;
    // The line break ends a comment at the end of the source.
    const sql = `WITH r(${names.join(', ')}) AS (${source}\n) SELECT ${asked.join(', ')} FROM r`;
    return database.prepare(sql).safeIntegers(true);
  } catch {
    // No SELECT, or more columns than a statement may have.
    return null;
  }
}
