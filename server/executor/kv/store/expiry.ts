// Times to live that end at a moment, in milliseconds: as the table can keep them, and how much of one is left.
import type { Connection } from '../../connection.ts';
import { expiryAtMs } from '../table/row.ts';
import type { KvTable } from '../table/table.ts';

/** `expire_at` of a key that ends at this moment. A STRICT column of integers keeps the second that has begun then. */
export function expiryOf(connection: Connection, table: KvTable, endMs: number): number {
  return keepsFractions(connection, table) ? expiryAtMs(endMs) : Math.ceil(endMs / 1000) - 1;
}

/**
 * Of a key that is there, in milliseconds. A time to live of whole seconds counts to the begin of its last second, so
 * that it begins with as many as were asked for.
 */
export function millisecondsLeft(expireAt: number, nowMs: number): number {
  const endMs = Number.isInteger(expireAt) ? expireAt * 1000 : Math.round(expireAt * 1000 + 0.5);
  return Math.max(0, endMs - nowMs);
}

const fractions = new WeakMap<KvTable, boolean>();

function keepsFractions({ statement }: Connection, table: KvTable): boolean {
  const known = fractions.get(table);
  if (known !== undefined) return known;
  const { table: name } = table.names;
  const isStrict = statement("SELECT strict FROM pragma_table_list(?) WHERE schema = 'main'").pluck().get(name) === 1;
  const type = statement("SELECT type FROM pragma_table_xinfo(?) WHERE lower(name) = 'expire_at'").pluck().get(name);
  const keeps = !isStrict || !/^INT/i.test(String(type));
  fractions.set(table, keeps);
  return keeps;
}
