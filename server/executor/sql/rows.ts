// Turns the rows of a statement into JSON text, cell by cell, within the limits on rows and bytes.
import type { Statement as Prepared } from 'better-sqlite3';
import { ApiError } from '../../messages/errors.ts';
import { limits } from '../../messages/limits.ts';
import type { BindArguments } from './bind.ts';
import type { Cell, CellWriter } from './cells.ts';
import { exactRows, mayBeInexact } from './exact-rows.ts';

export interface ResultSet {
  readonly columns: readonly string[];
  /** JSON texts, one per row. */
  readonly rows: readonly string[];
  readonly isTruncated: boolean;
}

/** What is left of the answer's size. Shared by all items of a request. */
export class ByteBudget {
  #left: number = limits.responseBytes;

  /** @throws ApiError RESPONSE_TOO_LARGE */
  spend(text: string): void {
    this.#left -= Buffer.byteLength(text) + 1;
    if (this.#left < 0) throw tooLarge();
  }

  mark(): number {
    return this.#left;
  }

  /** Takes back what was spent since the mark. */
  rewind(mark: number): void {
    this.#left = mark;
  }

  /** Before anything is made of the cells: each takes at least its length. @throws ApiError RESPONSE_TOO_LARGE */
  check(cells: readonly Cell[]): void {
    let bytes = 0;
    for (const cell of cells) if (typeof cell === 'string' || Buffer.isBuffer(cell)) bytes += cell.length;
    if (bytes > this.#left) throw tooLarge();
  }
}

function tooLarge(): ApiError {
  return new ApiError('RESPONSE_TOO_LARGE', `the answer would be larger than ${limits.responseBytes} bytes`);
}

/** Runs a statement that produces columns. Their names and the rows are counted. @throws SqliteError, ApiError */
export function readRows(
  prepared: Prepared,
  args: BindArguments,
  asLists: boolean,
  writeCell: CellWriter,
  budget: ByteBudget,
): ResultSet {
  const columns = uniqueNames(prepared.columns().map(({ name }) => name));
  budget.spend(JSON.stringify(columns));
  const heads = columns.map((name, index) => `${index === 0 ? '' : ','}${JSON.stringify(name)}:`);
  const writeRow = (cells: readonly Cell[]): string =>
    asLists
      ? `[${cells.map(writeCell).join(',')}]`
      : `{${cells.map((cell, index) => heads[index] + writeCell(cell)).join('')}}`;
  const plainRows = () => prepared.raw(true).iterate(...args) as IterableIterator<Cell[]>;
  const mark = budget.mark();
  // What writes runs once, and is answered as it comes.
  const plain = collectRows(plainRows(), writeRow, budget, prepared.readonly ? mayBeInexact : () => false);
  if (plain !== null) return { columns, ...plain };
  budget.rewind(mark);
  const exact = collectRows(exactRows(prepared, args) ?? plainRows(), writeRow, budget, () => false);
  return { columns, rows: exact?.rows ?? [], isTruncated: exact?.isTruncated ?? false };
}

/** null: a row came at which to stop. */
function collectRows(
  source: Iterable<Cell[]>,
  writeRow: (cells: Cell[]) => string,
  budget: ByteBudget,
  isStop: (cells: Cell[]) => boolean,
): Omit<ResultSet, 'columns'> | null {
  const rows: string[] = [];
  for (const cells of source) {
    if (rows.length === limits.selectRows) return { rows, isTruncated: true };
    if (isStop(cells)) return null;
    budget.check(cells);
    const text = writeRow(cells);
    budget.spend(text);
    rows.push(text);
  }
  return { rows, isTruncated: false };
}

/** A repeated column name becomes `name:N`, N its occurrence. */
function uniqueNames(names: readonly string[]): string[] {
  const seen = new Map<string, number>();
  const taken = new Set(names);
  return names.map((name) => {
    let occurrence = (seen.get(name) ?? 0) + 1;
    seen.set(name, occurrence);
    if (occurrence === 1) return name;
    while (taken.has(`${name}:${occurrence}`)) occurrence += 1;
    taken.add(`${name}:${occurrence}`);
    return `${name}:${occurrence}`;
  });
}
