// Key-value tables for the studio, and one level of the tree of their keys: found through the index, a step for each
// entry, whatever number of keys stands below it.

import { isUtf8 } from 'node:buffer';
import { ApiError } from '../../messages/errors.ts';
import { prefixEnd } from '../../messages/kv-keys.ts';
import type { StudioKeysRequest } from '../../messages/operations/studio.ts';
import type { StudioKeyEntry, StudioKeys, StudioKvTables } from '../../messages/studio/keys.ts';
import type { Connection } from '../connection.ts';
import { quoteName } from '../kv/table/names.ts';
import { findTable } from '../kv/table/table.ts';
import { isJsonType } from '../kv/table/values.ts';

const tableKeysMax = 10_000;
const prefixKeysMax = 1_000;
const keysPerStep = 64;
const searchMs = 400;

export function kvTables(connection: Connection): StudioKvTables {
  const names = connection.database
    .prepare(
      `SELECT name FROM sqlite_schema s WHERE type = 'table' AND name NOT LIKE 'hoody:%'
      AND EXISTS (SELECT 1 FROM pragma_table_info(s.name) WHERE lower(name) = 'expire_at') ORDER BY name`,
    )
    .pluck()
    .all() as string[];
  const tables = names.filter((name) => isKvTable(connection, name));
  return {
    tables: tables.map((table) => {
      const keys = countKeys(connection, `FROM ${quoteName(table)} t WHERE ${alive}`, [], tableKeysMax);
      return { table, keys: Math.min(keys, tableKeysMax), more: keys > tableKeysMax };
    }),
  };
}

function isKvTable(connection: Connection, name: string): boolean {
  try {
    return findTable(connection, name).exists;
  } catch (error) {
    if (error instanceof ApiError) return false;
    throw error;
  }
}

/** Of a row aliased `t`; its parameter is the time. */
const alive = `typeof(t.key) = 'text' AND (t.expire_at IS NULL OR t.expire_at >= @now)`;

interface KeyRow {
  readonly bytes: Buffer;
  readonly isText: number;
  readonly contentType: string | null;
  readonly size: number | null;
  readonly expires: number | null;
  readonly updated: number | null;
  /** Of a search: whether the key fits. */
  readonly fits: number;
}

export function kvKeys(connection: Connection, request: StudioKeysRequest): StudioKeys {
  const table = findTable(connection, request.table);
  if (!table.exists) return { entries: [], next: null };
  const level = new Level(connection, table.names.table, request);
  return request.search === '' ? level.read() : level.search();
}

class Level {
  readonly #connection: Connection;
  readonly #request: StudioKeysRequest;
  readonly #from: string;
  readonly #end: string | null;

  constructor(connection: Connection, table: string, request: StudioKeysRequest) {
    this.#connection = connection;
    this.#request = request;
    this.#from = `FROM ${quoteName(table)} t WHERE ${alive}`;
    this.#end = prefixEnd(request.prefix);
  }

  read(): StudioKeys {
    const { prefix, delimiter, limit } = this.#request;
    const entries: StudioKeyEntry[] = [];
    let place = this.#start();
    for (;;) {
      let rows = this.#keys(place, Math.min(keysPerStep, limit - entries.length + 1));
      if (rows.length === 0) return { entries, next: null };
      for (const row of rows) {
        if (!isUtf8(row.bytes)) {
          place = { bytes: row.bytes, isAfter: true };
          continue;
        }
        if (entries.length === limit) return { entries, next: packPlace(place) };
        const key = row.bytes.toString();
        const at = delimiter === '' ? -1 : key.indexOf(delimiter, prefix.length);
        if (at < 0) {
          entries.push(entryOf(key, row));
          place = { bytes: row.bytes, isAfter: true };
          continue;
        }
        const group = key.slice(0, at + delimiter.length);
        entries.push(this.#group(group));
        const end = prefixEnd(group);
        if (end === null) return { entries, next: null };
        place = { bytes: Buffer.from(end), isAfter: false };
        rows = [];
        break;
      }
    }
  }

  /** Looks at every key of the prefix, for a bounded time. */
  search(): StudioKeys {
    const endMs = performance.now() + searchMs;
    const entries: StudioKeyEntry[] = [];
    let place = this.#start();
    let isLate = false;
    for (const row of this.#iterate(place)) {
      if (entries.length === this.#request.limit || isLate) return { entries, next: packPlace(place) };
      if (row.fits !== 0 && isUtf8(row.bytes)) entries.push(entryOf(row.bytes.toString(), row));
      place = { bytes: row.bytes, isAfter: true };
      isLate = performance.now() > endMs;
    }
    return { entries, next: null };
  }

  #start(): Place {
    const { after, prefix } = this.#request;
    return after === '' ? { bytes: Buffer.from(prefix), isAfter: false } : unpackPlace(after);
  }

  #keys(place: Place, limit: number): KeyRow[] {
    return this.#connection.database
      .prepare(`${this.#sql(place)} LIMIT @limit`)
      .all({ ...this.#values(place), limit }) as KeyRow[];
  }

  #iterate(place: Place): IterableIterator<KeyRow> {
    return this.#connection.database.prepare(this.#sql(place)).iterate(this.#values(place)) as IterableIterator<KeyRow>;
  }

  #sql({ isAfter }: Place): string {
    return `SELECT CAST(t.key AS BLOB) AS bytes, typeof(t.value) = 'text' AS isText, t.content_type AS contentType,
      octet_length(t.value) AS size, t.expire_at AS expires, t.updated_at AS updated,
      ${this.#request.search === '' ? '1' : "t.key LIKE @search ESCAPE '\\'"} AS fits
      ${this.#from} AND t.key ${isAfter ? '>' : '>='} CAST(@bytes AS TEXT) ${this.#end === null ? '' : 'AND t.key < @end'}
      ORDER BY t.key`;
  }

  #values({ bytes }: Place): Readonly<Record<string, unknown>> {
    const { search } = this.#request;
    return {
      now: this.#connection.nowSeconds(),
      bytes,
      ...(this.#end !== null && { end: this.#end }),
      ...(search !== '' && { search: `%${search.replace(/[\\%_]/g, '\\$&')}%` }),
    };
  }

  #group(prefix: string): StudioKeyEntry {
    const end = prefixEnd(prefix);
    const range = `t.key >= @prefix ${end === null ? '' : 'AND t.key < @end'}`;
    const bound = end === null ? { prefix } : { prefix, end };
    const keys = countKeys(this.#connection, `${this.#from} AND ${range}`, bound, prefixKeysMax);
    return { kind: 'prefix', prefix, keys: Math.min(keys, prefixKeysMax), more: keys > prefixKeysMax };
  }
}

/** One more than `most` for more. */
function countKeys(connection: Connection, from: string, bound: object, most: number): number {
  const sql = `SELECT count(*) FROM (SELECT 1 ${from} LIMIT ${most + 1})`;
  return Number(
    connection.database
      .prepare(sql)
      .pluck()
      .get({ ...bound, now: connection.nowSeconds() }),
  );
}

function entryOf(key: string, row: KeyRow): StudioKeyEntry {
  return {
    kind: 'key',
    key,
    type: typeOf(row.contentType, row.isText !== 0),
    bytes: row.size ?? 0,
    expires: isoOrNull(row.expires),
    modified: isoOrNull(row.updated) ?? '',
  };
}

export function typeOf(contentType: string | null, isText: boolean): 'text' | 'json' | 'binary' {
  if (contentType !== null && isJsonType(contentType)) return 'json';
  return isText || (contentType !== null && /^text\//i.test(contentType)) ? 'text' : 'binary';
}

/** Of Unix seconds; null for what is no time. */
export function isoOrNull(seconds: unknown): string | null {
  if (typeof seconds !== 'number' || Math.abs(seconds) > 8.64e12) return null;
  return new Date(Math.floor(seconds) * 1000).toISOString();
}

/** Keys are compared by their bytes, which need not be UTF-8. */
interface Place {
  readonly bytes: Buffer;
  /** Behind it, not at it. */
  readonly isAfter: boolean;
}

function packPlace({ bytes, isAfter }: Place): string {
  return (isAfter ? '>' : '=') + bytes.toString('base64url');
}

function unpackPlace(text: string): Place {
  if (!/^[>=][A-Za-z0-9_-]*$/.test(text)) throw new ApiError('INVALID_PARAMETERS', 'after is not what `next` answered');
  return { bytes: Buffer.from(text.slice(1), 'base64url'), isAfter: text.startsWith('>') };
}
