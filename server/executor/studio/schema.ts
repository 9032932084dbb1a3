// What is in a database: tables and views with their columns, keys, relations, indexes and triggers.
import type { StudioObject, StudioRelation, StudioSchema } from '../../messages/studio/schema.ts';
import type { Connection } from '../connection.ts';
import { describeTable, type Table } from './tables.ts';

/** Changes with every change of the schema, and when another file takes the place of this one. */
export function schemaVersion({ database, identity }: Connection): string {
  return `${identity}-${String(database.pragma('schema_version', { simple: true }))}`;
}

interface SchemaRow {
  readonly type: string;
  readonly name: string;
  readonly tbl_name: string;
  readonly sql: string | null;
}

interface ListRow {
  readonly name: string;
  readonly type: Table['type'];
  readonly wr: number;
  readonly strict: number;
}

interface ForeignKeyRow {
  readonly id: number;
  readonly table: string;
  readonly from: string;
  readonly to: string | null;
}

/** SQL may not read them, so they are not shown. */
const hidden = /^(hoody:kv_|sqlite_sequence$|sqlite_temp_|sqlite_schema$|sqlite_master$)/i;

/** Inside a read transaction. `db` as the client sent it. */
export function readSchema(connection: Connection, db: string): StudioSchema {
  const { database } = connection;
  const rows = database.prepare('SELECT type, name, tbl_name, sql FROM sqlite_schema').all() as SchemaRow[];
  const listed = database
    .prepare(`SELECT name, type, wr, strict FROM pragma_table_list WHERE schema = 'main' ORDER BY name`)
    .all() as ListRow[];
  const tables = listed.filter(({ name }) => !hidden.test(name)).map((row) => describeOrEmpty(connection, row));
  const relations = new Map(tables.map((table) => [table.name, relationsOf(connection, table, tables)]));
  const kvLogs = new Set(rows.flatMap(({ name }) => (name.startsWith('hoody:kv_log:') ? [name.slice(13)] : [])));
  const pages = Number(database.pragma('page_count', { simple: true }));
  return {
    db,
    version: schemaVersion(connection),
    journalMode: String(database.pragma('journal_mode', { simple: true })),
    bytes: pages * Number(database.pragma('page_size', { simple: true })),
    path: connection.path,
    objects: tables.map((table) => objectOf(connection, table, rows, relations, kvLogs)),
  };
}

function objectOf(
  connection: Connection,
  table: Table,
  rows: readonly SchemaRow[],
  relations: ReadonlyMap<string, readonly StudioRelation[]>,
  kvLogs: ReadonlySet<string>,
): StudioObject {
  const own = rows.filter(({ tbl_name }) => tbl_name.toLowerCase() === table.name.toLowerCase());
  const sql = own.find(({ type, name }) => (type === 'table' || type === 'view') && name === table.name)?.sql ?? '';
  const referencedBy = [...relations].flatMap(([from, list]) =>
    list
      .filter((relation) => relation.table === table.name)
      .map(({ columns, tableColumns }) => ({ columns: tableColumns, table: from, tableColumns: columns })),
  );
  return {
    name: table.name,
    type: table.type === 'shadow' ? 'table' : table.type,
    group: groupOf(table, kvLogs),
    sql,
    columns: table.columns,
    key: table.key,
    withoutRowid: table.withoutRowid,
    strict: table.strict,
    references: relations.get(table.name) ?? [],
    referencedBy,
    indexes: indexesOf(connection, table, own),
    triggers: own.flatMap(({ type, name, sql: text }) =>
      type === 'trigger' && !name.startsWith('hoody:') ? [{ name, sql: text ?? '' }] : [],
    ),
  };
}

function groupOf({ name, type }: Table, kvLogs: ReadonlySet<string>): StudioObject['group'] {
  if (kvLogs.has(name)) return 'kv';
  const isHistory = type === 'view' && name.endsWith('_history') && kvLogs.has(name.slice(0, -'_history'.length));
  return isHistory || type === 'shadow' || /^(sqlite_|_query_history$)/i.test(name) ? 'system' : 'user';
}

/** A virtual table without its module, or a view of a table that is gone: shown by its name. */
function describeOrEmpty(connection: Connection, row: ListRow): Table {
  try {
    return describeTable(connection, row);
  } catch {
    const { name, type, wr, strict } = row;
    const keyless = { key: null, keyColumns: [], hasIntegerKey: false };
    return { name, type, withoutRowid: wr !== 0, strict: strict !== 0, columns: [], ...keyless };
  }
}

function relationsOf({ database }: Connection, table: Table, tables: readonly Table[]): StudioRelation[] {
  if (table.type !== 'table') return [];
  const rows = database
    .prepare('SELECT id, "table", "from", "to" FROM pragma_foreign_key_list(?) ORDER BY id, seq')
    .all(table.name) as ForeignKeyRow[];
  const ids = [...new Set(rows.map(({ id }) => id))].reverse();
  return ids.map((id) => {
    const parts = rows.filter((row) => row.id === id);
    const name = parts[0]?.table ?? '';
    const parent = tables.find((one) => one.name.toLowerCase() === name.toLowerCase());
    const primary = parent?.columns
      .filter(({ primaryKey }) => primaryKey > 0)
      .sort((one, other) => one.primaryKey - other.primaryKey);
    return {
      columns: parts.map(({ from }) => from),
      table: parent?.name ?? name,
      // Without columns of its own a foreign key means the primary key.
      tableColumns: parts.map(({ to }, at) => to ?? primary?.[at]?.name ?? ''),
    };
  });
}

function indexesOf({ database }: Connection, table: Table, own: readonly SchemaRow[]): StudioObject['indexes'] {
  if (table.type !== 'table' && table.type !== 'shadow') return [];
  const rows = database
    .prepare('SELECT name, "unique" AS isUnique FROM pragma_index_list(?) ORDER BY seq DESC')
    .all(table.name) as { readonly name: string; readonly isUnique: number }[];
  return rows
    .filter(({ name }) => !name.startsWith('hoody:'))
    .map(({ name, isUnique }) => ({
      name,
      unique: isUnique !== 0,
      columns: database
        .prepare('SELECT name FROM pragma_index_xinfo(?) WHERE key ORDER BY seqno')
        .pluck()
        .all(name) as (string | null)[],
      sql: own.find((row) => row.type === 'index' && row.name === name)?.sql ?? null,
    }));
}
