// Runs a prepared statement and writes its result as JSON text, within the limit on the size of an answer. Nothing is
// cut off: a client could not know.
import type { Statement as Prepared } from 'better-sqlite3';
import type { Statement } from '../../messages/sql-statements.ts';
import type { Connection } from '../connection.ts';
import type { BindArguments } from '../sql/bind.ts';
import { type Cell, exactCells } from '../sql/cells.ts';
import type { ByteBudget } from '../sql/rows.ts';
import { writeValue } from './values.ts';

export interface StatementResult {
  /** JSON texts. */
  readonly cols: string;
  readonly rows: readonly string[];
  readonly changes: number;
  /** Of a statement that has inserted. */
  readonly lastInsertRowid: string | null;
}

export const noResult: StatementResult = { cols: '[]', rows: [], changes: 0, lastInsertRowid: null };

/** @throws SqliteError, ApiError RESPONSE_TOO_LARGE */
export function runPrepared(
  connection: Connection,
  statement: Statement,
  prepared: Prepared,
  args: BindArguments,
  options: { readonly wantRows: boolean; readonly budget: ByteBudget },
): StatementResult {
  if (!prepared.reader) {
    const { changes, lastInsertRowid } = prepared.run(...args);
    return {
      ...noResult,
      changes: isSchema(statement) ? 0 : changes,
      ...insertedBy(statement, changes, lastInsertRowid),
    };
  }
  const { budget, wantRows } = options;
  const cols = JSON.stringify(columnsOf(prepared));
  budget.spend(cols);
  const rows: string[] = [];
  for (const cells of prepared.raw(true).iterate(...args) as IterableIterator<Cell[]>) {
    if (!wantRows) continue;
    budget.check(cells);
    const text = `[${exactCells(cells).map(writeValue).join(',')}]`;
    budget.spend(text);
    rows.push(text);
  }
  if (prepared.readonly) return { ...noResult, cols, rows };
  const counted = connection.statement('SELECT changes() AS changes, last_insert_rowid() AS rowid').safeIntegers(true);
  const { changes, rowid } = counted.get() as { readonly changes: bigint; readonly rowid: bigint };
  return { cols, rows, changes: Number(changes), ...insertedBy(statement, Number(changes), rowid) };
}

/** `decltype`: as the table was declared; null for an expression. */
export function columnsOf(prepared: Prepared): readonly { readonly name: string; readonly decltype: string | null }[] {
  return prepared.reader ? prepared.columns().map(({ name, type }) => ({ name, decltype: type })) : [];
}

/** What the connection inserted before was another client's. */
function insertedBy(
  { keyword, tokens }: Statement,
  changes: number,
  rowid: number | bigint,
): { readonly lastInsertRowid: string | null } {
  const inserts =
    keyword === 'INSERT' ||
    keyword === 'REPLACE' ||
    (keyword === 'WITH' && tokens.some(({ kind, text }) => kind === 'word' && text === 'INTO'));
  return { lastInsertRowid: inserts && changes > 0 ? String(rowid) : null };
}

/** SQLite counts what it does to its own tables. */
function isSchema({ keyword }: Statement): boolean {
  return keyword === 'CREATE' || keyword === 'DROP' || keyword === 'ALTER';
}
