// Finds the KV table that a request names, and makes or completes it for a write: an ordinary table with the right
// columns is adopted, whoever created it. What was found is remembered until the schema changes.
import { randomBytes } from 'node:crypto';
import { ApiError } from '../../../messages/errors.ts';
import type { Connection } from '../../connection.ts';
import { checkTableName, type KvNames, kvNames, metaTable, quoteName } from './names.ts';
import {
  addMarksSql,
  captureTablesSql,
  databaseSql,
  historyViewSql,
  tableSql,
  triggersSql,
  unseenWritesSql,
} from './schema.ts';
import { shapeProblem } from './shape.ts';

export interface KvTable {
  readonly names: KvNames;
  /** The table itself exists. Without it every key is absent. */
  readonly exists: boolean;
  /** The log exists. Without it there is no history, no ETag and no change feed. */
  readonly hasLog: boolean;
  /** All triggers are in place, so that the log knows of every change. */
  readonly isCaptured: boolean;
  /** The triggers are those of the first release, which the next write replaces. */
  readonly isOutdated: boolean;
  /** The log has the column `mark`. */
  readonly hasMarks: boolean;
  /**
   * Nothing takes part in a write but our triggers: none of somebody else's, and no conflict clause in a declaration.
   * So a statement that changes a row adds one row to the log, and whatever goes wrong makes it fail.
   */
  readonly isPlain: boolean;
  /** New whenever changes may have gone unseen: part of every ETag and cursor. '' without a log. */
  readonly id: string;
  /** Identifies the database file in change cursors. '' without a log. */
  readonly databaseId: string;
}

interface SchemaRow {
  readonly type: string;
  readonly name: string;
  /** Of an index or a trigger: the table it is on. */
  readonly on: string;
  readonly sql: string | null;
}

/** By name in lower case. */
type Schema = ReadonlyMap<string, SchemaRow>;

interface Known {
  readonly schemaVersion: number;
  readonly schema: Schema;
  readonly tables: Map<string, KvTable>;
  /** Those whose changes are captured; asked for first by SQL that may write, in each request. */
  watched?: readonly KvTable[];
}

const knownTables = new WeakMap<Connection, Known>();

/** For reads: never creates anything. */
export function findTable(connection: Connection, table: string): KvTable {
  checkTableName(table);
  return findIn(connection, knownNow(connection), table);
}

/** What is known of the schema as it stands now. */
function knownNow(connection: Connection): Known {
  const schemaVersion = connection.statement('PRAGMA schema_version').pluck().get() as number;
  const known = knownTables.get(connection);
  if (known !== undefined && known.schemaVersion === schemaVersion) return known;
  const made = { schemaVersion, schema: readSchema(connection), tables: new Map() };
  knownTables.set(connection, made);
  return made;
}

/** Whether the connection has looked at the schema before. */
export function knowsTables(connection: Connection): boolean {
  return knownTables.has(connection);
}

function findIn(connection: Connection, known: Known, table: string): KvTable {
  const found = known.tables.get(table) ?? inspect(connection, known.schema, table);
  known.tables.set(table, found);
  return found;
}

/** For writes: creates what is missing. Runs inside the transaction of the write. */
export function openTable(connection: Connection, table: string): KvTable {
  const found = findTable(connection, table);
  if (found.exists && found.isCaptured && !found.isOutdated) return found;
  create(connection, found);
  // Not remembered: a rollback of this transaction undoes it all.
  knownTables.delete(connection);
  return inspect(connection, readSchema(connection), table);
}

/**
 * Forgets what is known of the schema. Called when an operation failed: its savepoint may have held the table's
 * creation.
 */
export function forgetTables(connection: Connection): void {
  knownTables.delete(connection);
}

/**
 * Gives every KV table a new identity: all cursors and ETags handed out so far become invalid. Other executors remember
 * the old ones: by the schema's version they look anew.
 */
export function resetIdentities(connection: Connection): void {
  if (hasTable(connection, metaTable)) {
    connection.statement(`UPDATE ${quoteName(metaTable)} SET id = lower(hex(randomblob(6)))`).run();
    changeSchemaVersion(connection);
  }
  knownTables.delete(connection);
}

/** Other connections have the identities by heart until the schema changes. */
function changeSchemaVersion({ database }: Connection): void {
  const view = quoteName('hoody:kv_identities');
  database.exec(`CREATE VIEW ${view} AS SELECT 1; DROP VIEW ${view}`);
}

/** The KV tables of the database whose changes are captured. None comes or goes but with a change of the schema. */
export function watchedTables(connection: Connection): readonly KvTable[] {
  const known = knownNow(connection);
  known.watched ??= findWatched(connection, known);
  return known.watched;
}

function findWatched(connection: Connection, known: Known): KvTable[] {
  if (known.schema.get(metaTable)?.type !== 'table') return [];
  const sql = `SELECT name FROM ${quoteName(metaTable)} WHERE name <> ''`;
  const names = connection.statement(sql).pluck().all() as string[];
  return names.flatMap((name) => {
    try {
      checkTableName(name);
      const table = findIn(connection, known, name);
      return table.exists && table.isCaptured ? [table] : [];
    } catch (error) {
      // Somebody put another kind of table in its place: nothing of it is ours any more.
      if (error instanceof ApiError) return [];
      throw error;
    }
  });
}

export function hasTable(connection: Connection, name: string): boolean {
  const sql = "SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = ?";
  return connection.statement(sql).get(name) !== undefined;
}

function readSchema(connection: Connection): Schema {
  const rows = connection.statement('SELECT type, name, tbl_name AS "on", sql FROM sqlite_master').all() as SchemaRow[];
  return new Map(rows.map((row) => [row.name.toLowerCase(), row]));
}

function inspect(connection: Connection, schema: Schema, requested: string): KvTable {
  const own = schema.get(requested.toLowerCase());
  // SQLite's table names ignore case; the names of our tables are made from the spelling of the first use.
  const names = kvNames(own?.name ?? requested);
  if (own !== undefined) checkShape(connection, own);
  const history = schema.get(names.history.toLowerCase());
  if (history !== undefined && history.sql !== historyViewSql(names) && !isOurHistoryView(history)) {
    throw new ApiError(
      'CONFLICT',
      `"${names.history}" exists and is not the history of "${names.table}": rename it, or choose another KV table with ?table=`,
    );
  }
  const has = (name: string) => schema.has(name.toLowerCase());
  const hasLog = has(metaTable) && has(names.log) && has(names.keys) && has(names.replaced);
  const hasMarks = schema.get(names.log.toLowerCase())?.sql?.endsWith(', mark INTEGER)') === true;
  const hasTriggers = (release: 'first' | 'current') =>
    triggersSql(names, release).every(({ name, sql }) => schema.get(name.toLowerCase())?.sql === sql);
  const isCurrent = hasMarks && hasTriggers('current');
  const isOutdated = !isCurrent && hasTriggers('first');
  const isCaptured = hasLog && has(names.expiryIndex) && (isCurrent || isOutdated);
  const identity = (name: string) =>
    hasLog
      ? ((connection
          .statement(`SELECT id FROM ${quoteName(metaTable)} WHERE name = ?`)
          .pluck()
          .get(name) as string | undefined) ?? '')
      : '';
  const [id, databaseId] = [identity(names.table), identity('')];
  const isPlain =
    isCaptured && isCurrent && !/\bCONFLICT\b/i.test(own?.sql ?? '') && !hasForeignTriggers(schema, names);
  return { names, exists: own !== undefined, hasLog, isCaptured, isOutdated, hasMarks, isPlain, id, databaseId };
}

/** Triggers of somebody else on one of the tables that a write changes. */
function hasForeignTriggers(schema: Schema, names: KvNames): boolean {
  const tables = new Set([names.table, names.log, names.keys, names.replaced].map((name) => name.toLowerCase()));
  const ours = new Set(triggersSql(names).map(({ name }) => name.toLowerCase()));
  return [...schema.values()].some(
    ({ type, name, on }) => type === 'trigger' && tables.has(on.toLowerCase()) && !ours.has(name.toLowerCase()),
  );
}

function isOurHistoryView(row: SchemaRow): boolean {
  return row.type === 'view' && row.sql?.includes('hoody:kv_log:') === true;
}

function checkShape(connection: Connection, own: SchemaRow): void {
  const isOrdinary = own.type === 'table' && !own.sql?.match(/^\s*CREATE\s+VIRTUAL/i);
  const problem = isOrdinary ? shapeProblem(connection, own.name, own.sql ?? '') : 'it is no ordinary table';
  if (problem === null) return;
  throw new ApiError(
    'CONFLICT',
    `"${own.name}" is not a key-value table: ${problem}. Choose another one with ?table=, or rename it`,
  );
}

function create(connection: Connection, found: KvTable): void {
  const { names } = found;
  const run = (sql: string) => connection.database.prepare(sql).run();
  for (const sql of databaseSql) run(sql);
  if (!found.exists) run(tableSql(names));
  for (const sql of captureTablesSql(names)) run(sql);
  if (!hasColumn(connection, names.log, 'mark')) run(addMarksSql(names));
  run(`DROP VIEW IF EXISTS ${quoteName(names.history)}`);
  run(historyViewSql(names));
  for (const { name, sql } of triggersSql(names)) {
    run(`DROP TRIGGER IF EXISTS ${quoteName(name)}`);
    run(sql);
  }
  if (found.isCaptured) return;
  if (found.hasLog) run(unseenWritesSql(names));
  const meta = quoteName(metaTable);
  connection.statement(`INSERT OR IGNORE INTO ${meta} (name, id) VALUES ('', ?)`).run(newId());
  connection
    .statement(`INSERT OR REPLACE INTO ${meta} (name, id, feed_floor, op_floor, forgotten_at)
    SELECT ?1, ?2, coalesce(max(feed_floor), 0), coalesce(max(op_floor), 0), coalesce(max(forgotten_at), 0)
    FROM ${meta} WHERE name = ?1`)
    .run({ 1: names.table, 2: newId() });
}

function hasColumn({ statement }: Connection, table: string, column: string): boolean {
  return statement('SELECT 1 FROM pragma_table_info(?) WHERE name = ?').get(table, column) !== undefined;
}

function newId(): string {
  return randomBytes(6).toString('hex');
}
