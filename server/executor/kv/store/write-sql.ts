// The statements that change a row of a KV table.
import { quoteName } from '../table/names.ts';
import { isLiveSql } from '../table/row.ts';
import type { KvTable } from '../table/table.ts';

export interface WriteSql {
  /** key, value, content_type, created_at, updated_at, expire_at */
  readonly insert: string;
  /** value, content_type, updated_at, expire_at; key */
  readonly update: string;
  /** As `update`, but only where the key's time is not over; key, nowSeconds, nowMs / 1000 */
  readonly replace: string;
  /** expire_at; key */
  readonly expire: string;
  /** key */
  readonly remove: string;
  /** As `remove`, but only where the key's time is not over; key, nowSeconds, nowMs / 1000 */
  readonly removeLive: string;
  /** Whether the key has a row, its time over or not; key */
  readonly exists: string;
}

const known = new WeakMap<KvTable, WriteSql>();

/** Put together once a table: joining and hashing these texts costs as much as running them. */
export function writeSql(table: KvTable): WriteSql {
  const sql = known.get(table) ?? makeSql(table);
  known.set(table, sql);
  return sql;
}

/**
 * With ABORT SQLite copies each page before a statement with triggers changes it, so that it can undo the statement
 * alone. With FAIL it does not: each write has a transaction or a savepoint of its own, which is undone when it fails.
 * The clause also rules what triggers do, and it is stronger than clauses in declarations: only where all are ours.
 */
function makeSql(table: KvTable): WriteSql {
  const name = quoteName(table.names.table);
  const orFail = table.isPlain ? ' OR FAIL' : '';
  const values = 'SET value = ?, content_type = ?, updated_at = ?, expire_at = ?';
  const isLive = isLiveSql('expire_at');
  return {
    insert: `INSERT${orFail} INTO ${name} (key, value, content_type, created_at, updated_at, expire_at)
      VALUES (?, ?, ?, ?, ?, ?)`,
    update: `UPDATE${orFail} ${name} ${values} WHERE key = ?`,
    replace: `UPDATE${orFail} ${name} ${values} WHERE key = ? AND ${isLive}`,
    expire: `UPDATE${orFail} ${name} SET expire_at = ? WHERE key = ?`,
    remove: `DELETE FROM ${name} WHERE key = ?`,
    removeLive: `DELETE FROM ${name} WHERE key = ? AND ${isLive}`,
    exists: `SELECT 1 FROM ${name} WHERE key = ?`,
  };
}
