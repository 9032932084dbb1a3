// Turns the rows of a statement into JSON text, cell by cell, within the limits on rows and bytes.
import type { Statement as Prepared } from 'better-sqlite3';
import { ApiError } from '../../messages/errors.ts';
import { limits } from '../../messages/limits.ts';
import type { BindArguments } from './bind.ts';
import { type Cell, type CellWriter, exactCells } from './cells.ts';

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
  const writing = new RowWriting(prepared, asLists, writeCell, budget);
  const rows: string[] = [];
  for (const cells of prepared.raw(true).iterate(...args) as IterableIterator<Cell[]>) {
    if (rows.length === limits.selectRows) return { columns: writing.columns, rows, isTruncated: true };
    budget.check(cells);
    const text = writing.textOf(exactCells(cells));
    budget.spend(text);
    rows.push(text);
  }
  return { columns: writing.columns, rows, isTruncated: false };
}

/** The columns are asked for when the statement runs: by then SQLite knows what other programs did to the schema. */
class RowWriting {
  readonly #prepared: Prepared;
  readonly #asLists: boolean;
  readonly #writeCell: CellWriter;
  readonly #budget: ByteBudget;
  #known: Named | null = null;

  constructor(prepared: Prepared, asLists: boolean, writeCell: CellWriter, budget: ByteBudget) {
    this.#prepared = prepared;
    this.#asLists = asLists;
    this.#writeCell = writeCell;
    this.#budget = budget;
  }

  get columns(): readonly string[] {
    return this.#named().columns;
  }

  textOf(cells: readonly Cell[]): string {
    const { heads } = this.#named();
    if (this.#asLists) return `[${cells.map(this.#writeCell).join(',')}]`;
    return `{${cells.map((cell, index) => heads[index] + this.#writeCell(cell)).join('')}}`;
  }

  #named(): Named {
    if (this.#known !== null) return this.#known;
    const columns = uniqueNames(this.#prepared.columns().map(({ name }) => name));
    this.#budget.spend(JSON.stringify(columns));
    const heads = columns.map((name, index) => `${index === 0 ? '' : ','}${JSON.stringify(name)}:`);
    this.#known = { columns, heads };
    return this.#known;
  }
}

interface Named {
  readonly columns: readonly string[];
  /** What stands before each cell of a row. */
  readonly heads: readonly string[];
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
