// What snapshots, diffs and rollbacks of a table share: which keys to look at, how gaps are told.

import type { Connection } from '../../connection.ts';
import type { KnownState } from '../log/log.ts';
import { quoteName } from '../table/names.ts';
import { isTrueKey } from '../table/row.ts';
import type { KvTable } from '../table/table.ts';
import { valueBytes } from '../table/values.ts';
import { firstSeqAfter } from './past.ts';

export interface Gaps {
  readonly has_gaps: boolean;
  readonly gap_keys: string[] | null;
  /** Not every key was looked at. */
  readonly candidate_truncated: boolean;
}

export function gapMembers(gapKeys: string[], isTruncated: boolean, isForgotten: boolean): Gaps {
  return {
    has_gaps: gapKeys.length > 0 || isForgotten,
    gap_keys: gapKeys.length === 0 ? null : gapKeys,
    candidate_truncated: isTruncated,
  };
}

export function isSameState(one: KnownState, other: KnownState): boolean {
  if (one.contentType !== other.contentType || one.expireAt !== other.expireAt) return false;
  const areTexts = typeof one.value === 'string' && typeof other.value === 'string';
  return areTexts ? one.value === other.value : valueBytes(one.value).equals(valueBytes(other.value));
}

/** Keys with an operation since a time, each once. No key may be written while they are walked. */
export function* touchedKeys(connection: Connection, table: KvTable, from: number): Generator<string> {
  if (!table.hasLog || !table.exists) return;
  const [log, keys] = [table.names.log, table.names.keys].map(quoteName);
  const sql = `SELECT DISTINCT k.key FROM ${log} l CROSS JOIN ${keys} k ON k.id = l.key_id
    WHERE l.seq >= ? AND l.in_history AND typeof(k.key) = 'text' ORDER BY k.key`;
  const seq = firstSeqAfter(connection, table, from);
  for (const key of connection.database.prepare(sql).pluck().iterate(seq) as IterableIterator<string>) {
    if (isTrueKey(connection, table, key)) yield key;
  }
}

/** Keys that were written after a log row, by their numbers in the log, whether that is in the history or not. */
export function touchedAfter(connection: Connection, table: KvTable, seq: number): ReadonlyMap<number, string> {
  const [log, keys] = [table.names.log, table.names.keys].map(quoteName);
  const sql = `SELECT DISTINCT k.id AS id, k.key AS key FROM ${log} l JOIN ${keys} k ON k.id = l.key_id
    WHERE l.seq > ? AND typeof(k.key) = 'text'`;
  const rows = connection.statement(sql).all(seq) as { readonly id: number; readonly key: string }[];
  return new Map(rows.filter(({ key }) => isTrueKey(connection, table, key)).map(({ id, key }) => [id, key]));
}

/**
 * Keys of the table as it stands now whose time is not over at a second, all or those from `after` (exclusive; '' for
 * the first) to `last` (inclusive; null for the end). Counted on indexes: values are not read.
 */
export function inTableAt(
  connection: Connection,
  table: KvTable,
  seconds: number,
  after = '',
  last: string | null = null,
): number {
  if (!table.exists) return 0;
  const own = quoteName(table.names.table);
  const range = `${after === '' ? '' : 'AND key > :after'} ${last === null ? '' : 'AND key <= :last'}`;
  const sql = `SELECT (SELECT count(*) FROM ${own} WHERE 1 ${range}) -
    (SELECT count(*) FROM ${own} WHERE expire_at IS NOT NULL AND expire_at < :seconds ${range})`;
  const bound = { seconds, ...(after === '' ? {} : { after }), ...(last === null ? {} : { last }) };
  return connection.statement(sql).pluck().get(bound) as number;
}
