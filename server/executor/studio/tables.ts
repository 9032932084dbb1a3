// A table or view as the studio needs it to read and change rows: its columns, and by what its rows are told apart.
import { ApiError } from '../../messages/errors.ts';
import type { StudioColumn, StudioKey } from '../../messages/studio/schema.ts';
import type { Connection } from '../connection.ts';
import { quoteName } from '../kv/table/names.ts';

export interface KeyColumn {
  readonly name: string;
  /** In the index of the key. Null where there is none: a rowid or INTEGER PRIMARY KEY. */
  readonly collation: string | null;
  readonly descending: boolean;
}

export interface Table {
  /** As SQLite has it. */
  readonly name: string;
  readonly type: 'table' | 'view' | 'virtual' | 'shadow';
  readonly withoutRowid: boolean;
  readonly strict: boolean;
  readonly columns: readonly StudioColumn[];
  readonly key: StudioKey | null;
  /** In the order of `key.columns`. */
  readonly keyColumns: readonly KeyColumn[];
  /** The key is one integer: a rowid or an INTEGER PRIMARY KEY. */
  readonly hasIntegerKey: boolean;
}

interface ListRow {
  readonly name: string;
  readonly type: Table['type'];
  readonly wr: number;
  readonly strict: number;
}

interface ColumnRow {
  readonly name: string;
  readonly type: string;
  readonly notnull: number;
  readonly dflt_value: string | null;
  readonly pk: number;
  /** 1: hidden in a virtual table, 2: generated, 3: generated and stored. */
  readonly hidden: number;
}

/** @throws ApiError NOT_FOUND */
export function findTable(connection: Connection, name: string): Table {
  const row = connection.database
    .prepare(`SELECT name, type, wr, strict FROM pragma_table_list(?) WHERE schema = 'main'`)
    .get(name) as ListRow | undefined;
  if (row === undefined) throw new ApiError('NOT_FOUND', `there is no table or view ${JSON.stringify(name)}`);
  return describeTable(connection, row);
}

/**
 * Of a row of PRAGMA table_list. @throws SqliteError for a virtual table whose module is not there, or a broken view
 */
export function describeTable(connection: Connection, { name, type, wr, strict }: ListRow): Table {
  const rows = connection.database
    .prepare('SELECT name, type, "notnull", dflt_value, pk, hidden FROM pragma_table_xinfo(?) WHERE hidden <> 1')
    .all(name) as ColumnRow[];
  const columns = rows.map((row) => ({
    name: row.name,
    type: row.type,
    notNull: row.notnull !== 0,
    defaultSql: row.dflt_value,
    primaryKey: row.pk,
    generated: row.hidden === 2 ? ('virtual' as const) : row.hidden === 3 ? ('stored' as const) : null,
  }));
  const base = { name, type, withoutRowid: wr !== 0, strict: strict !== 0, columns };
  return { ...base, ...keyOf(connection, base) };
}

/** `"table"."column"`: without the table, SQLite takes a name that it does not know for a string. */
export function columnSql(table: Table, column: string): string {
  return `${quoteName(table.name)}.${quoteName(column)}`;
}

/** @throws ApiError INVALID_PARAMETERS */
export function findColumn(table: Table, name: string): StudioColumn {
  const found = table.columns.find((column) => column.name === name);
  if (found !== undefined) return found;
  throw new ApiError('INVALID_PARAMETERS', `${JSON.stringify(table.name)} has no column ${JSON.stringify(name)}`);
}

type Keyless = Omit<Table, 'key' | 'keyColumns' | 'hasIntegerKey'>;
type Keyed = Pick<Table, 'key' | 'keyColumns' | 'hasIntegerKey'>;
const noKey: Keyed = { key: null, keyColumns: [], hasIntegerKey: false };

function keyOf(connection: Connection, table: Keyless): Keyed {
  if (table.type === 'view') return noKey;
  const primary = table.columns
    .filter(({ primaryKey }) => primaryKey > 0)
    .sort((one, other) => one.primaryKey - other.primaryKey);
  const index = primary.length === 0 ? [] : indexOfKey(connection, table.name);
  const [only] = primary;
  // Only an INTEGER PRIMARY KEY needs no index: it is the rowid.
  if (only !== undefined && index.length === 0 && !table.withoutRowid && table.type !== 'virtual') {
    return integerKey('primary', only.name);
  }
  // A PRIMARY KEY beside the rowid may hold NULL, more than once, where its columns are not NOT NULL.
  if (index.length > 0 && (table.withoutRowid || primary.every(({ notNull }) => notNull))) {
    const key = { kind: 'primary' as const, columns: index.map(({ name }) => name) };
    return { key, keyColumns: index, hasIntegerKey: false };
  }
  const taken = new Set(table.columns.map(({ name }) => name.toLowerCase()));
  const alias = ['rowid', '_rowid_', 'oid'].find((name) => !taken.has(name));
  if (alias === undefined || table.withoutRowid) return noKey;
  if (table.type === 'virtual' && !hasRowid(connection, table.name, alias)) return noKey;
  return integerKey('rowid', alias);
}

function integerKey(kind: StudioKey['kind'], name: string): Keyed {
  const keyColumns = [{ name, collation: null, descending: false }];
  return { key: { kind, columns: [name] }, keyColumns, hasIntegerKey: true };
}

function indexOfKey({ database }: Connection, table: string): KeyColumn[] {
  const rows = database
    .prepare(
      `SELECT c.name AS name, c.coll AS collation, c."desc" AS descending
      FROM pragma_index_list(?) i, pragma_index_xinfo(i.name) c WHERE i.origin = 'pk' AND c.key ORDER BY c.seqno`,
    )
    .all(table) as { readonly name: string; readonly collation: string; readonly descending: number }[];
  return rows.map((row) => ({ ...row, descending: row.descending !== 0 }));
}

function hasRowid({ database }: Connection, table: string, alias: string): boolean {
  try {
    database.prepare(`SELECT ${alias} FROM main.${quoteName(table)} LIMIT 0`);
    return true;
  } catch {
    return false;
  }
}
