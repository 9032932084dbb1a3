// Completes the log rows that triggers made of a write with what only the API knows: which operation, for whom,
// recorded or not.
import type { Connection } from '../../connection.ts';
import { changeCodes, type OpName, octetStreamType, oldTypeCodes, opCodes } from '../table/codes.ts';
import { quoteName } from '../table/names.ts';
import { etagOf, lastSeqSql, type VersionColumns, versionColumns, versionOf } from '../table/row.ts';
import type { KvTable } from '../table/table.ts';
import type { Writer } from './writer.ts';

/** What the log is to say of a write, beyond what its triggers see. */
export interface LoggedOperation {
  readonly op: OpName;
  /** As the client sent it; absent for the whole value. */
  readonly path?: string;
  /** Signed: a DECR by 5 is -5. */
  readonly delta?: bigint;
}

interface LogSql {
  /** VersionColumns of the log's newest row. */
  readonly newest: string;
  /** VersionColumns of a key's newest row. */
  readonly newestOfKey: string;
  /** VersionColumns of all rows after one. */
  readonly after: string;
  readonly last: string;
  /** op, change, path, delta, client; seq */
  readonly complete: string;
  /** op, change, client; the row before the first */
  readonly completeAfter: string;
}

const known = new WeakMap<KvTable, LogSql>();

/** Put together once a table. */
function logSql(table: KvTable): LogSql {
  const sql = known.get(table) ?? makeSql(table);
  known.set(table, sql);
  return sql;
}

function makeSql(table: KvTable): LogSql {
  const log = quoteName(table.names.log);
  const columns = versionColumns(table);
  return {
    newest: `SELECT ${columns} FROM ${log} l ORDER BY l.seq DESC LIMIT 1`,
    newestOfKey: `SELECT ${columns} FROM ${log} l WHERE l.seq = ${lastSeqSql(table, '?')}`,
    after: `SELECT ${columns} FROM ${log} l WHERE l.seq > ? ORDER BY l.seq`,
    last: `SELECT max(seq) FROM ${log}`,
    complete: `UPDATE ${log} SET op = ?, change = ?, path = ?, delta = ?, client = ? WHERE seq = ?`,
    completeAfter: `UPDATE OR FAIL ${log} SET op = ?, change = ?, client = ? WHERE seq > ?`,
  };
}

/** Of the write that has just been done. @returns the key's new ETag */
export function completeLog(writer: Writer, key: string, operation: LoggedOperation): string {
  const { connection, table, isRecorded } = writer;
  const { statement } = connection;
  const op = isRecorded ? operation.op : 'UNRECORDED';
  if (!isRecorded) keepOldValue(table, connection, key);
  const sql = logSql(table);
  // Where nobody else's triggers are, the newest row of all is this key's.
  const version = (
    table.isPlain ? statement(sql.newest).raw().get() : statement(sql.newestOfKey).raw().get(key)
  ) as VersionColumns;
  const path = isRecorded ? (operation.path ?? null) : null;
  const delta = isRecorded ? (operation.delta ?? null) : null;
  statement(sql.complete).run(opCodes[op], changeOf(operation.op), path, delta, writer.clientIp, version[0]);
  return etagOf(table, versionOf(version)) ?? '';
}

/** The newest row of the log; 0: there is none. */
export function lastLogRow({ connection, table }: Writer): number {
  return (connection.statement(logSql(table).last).pluck().get() as number | null) ?? 0;
}

/**
 * Of the `count` writes since a row of the log, all recorded, in a table that is plain. @returns the new ETags in the
 * order of the writes, and the last row
 */
export function completeLogSince(
  { connection: { statement }, table, clientIp }: Writer,
  after: number,
  count: number,
  op: OpName,
): { readonly etags: readonly string[]; readonly last: number } {
  const sql = logSql(table);
  const rows = statement(sql.after).raw().all(after) as VersionColumns[];
  if (rows.length !== count) throw new Error(`${count} writes to "${table.names.table}" made ${rows.length} log rows`);
  statement(sql.completeAfter).run(opCodes[op], changeOf(op), clientIp, after);
  return { etags: rows.map((row) => etagOf(table, versionOf(row)) ?? ''), last: rows.at(-1)?.[0] ?? after };
}

/** The triggers count in seconds: within the last one they take the removal of a key for somebody's. */
export function sayExpired(connection: Connection, table: KvTable, key: string): void {
  if (!table.hasLog) return;
  const sql = `UPDATE ${quoteName(table.names.log)} SET op = ?, change = ?
    WHERE seq = ${lastSeqSql(table, '?')} AND op = ?`;
  connection.statement(sql).run(opCodes.EXPIRED, changeCodes.expire, key, opCodes.DELETE);
}

/**
 * An unrecorded write that left the value as it was must keep the value before it all the same: what comes after an
 * unrecorded write is not kept, so nobody else would.
 */
function keepOldValue(table: KvTable, connection: Connection, key: string): void {
  const own = quoteName(table.names.table);
  const sql = `UPDATE ${quoteName(table.names.log)} SET
      old_type = (SELECT coalesce(content_type, '${octetStreamType}') FROM ${own} WHERE key = :key),
      old_value = (SELECT value FROM ${own} WHERE key = :key)
    WHERE seq = ${lastSeqSql(table, ':key')} AND old_type = ${oldTypeCodes.same}`;
  connection.statement(sql).run({ key });
}

function changeOf(op: OpName): number {
  if (op === 'DELETE') return changeCodes.delete;
  return op === 'EXPIRE' || op === 'PERSIST' ? changeCodes.ttl : changeCodes.set;
}
