// The plain operations of the store: get, entry, list, set, delete, expire, persist.

import { ApiError } from '../../../messages/errors.ts';
import { parseJsonBody, stringifyJson } from '../../../messages/json.ts';
import { limits } from '../../../messages/limits.ts';
import type { Operation } from '../../../messages/operation.ts';
import type { Connection } from '../../connection.ts';
import { currentCursor } from '../feed/cursor.ts';
import { keyId, lastOp } from '../log/log.ts';
import { contentTypeFor, headerSafeType } from '../table/content-type.ts';
import { prefixEnd } from '../table/keys.ts';
import { quoteName } from '../table/names.ts';
import { etagOf, type KvRow, lastVersionSql, readLiveRow, readRow } from '../table/row.ts';
import { findTable, type KvTable } from '../table/table.ts';
import { asBuffer, documentType, requireJson, toStored, valueBytes, valueMembers } from '../table/values.ts';
import { checkSize, jsonAnswer, type KvAnswer } from './answer.ts';
import { type Conditions, isNotModified } from './conditions.ts';
import { getAt, parsePath, setAt } from './json-path.ts';
import { type KeyArgs, runWrite, type WriteArgs } from './request.ts';
import { checkedRow, deleteKey, existingRow, putExpiry, putValue } from './write.ts';

export interface GetArgs extends KeyArgs {
  readonly path?: string;
  readonly ifNoneMatch?: string;
  /** The largest value that is sent as it is: what can be written must be readable. */
  readonly maxValueBytes?: number;
}

export const kvGet: Operation<GetArgs, KvAnswer> = {
  name: 'kv.get',
  lane: 'kv-read',
  run(connection, args) {
    const table = findTable(connection, args.table);
    const row = readLiveRow(connection, table, args.key);
    if (row === null) throw new ApiError('KEY_NOT_FOUND', 'Key not found');
    const answer = valueAnswer(connection, args, row);
    const max =
      args.path === undefined ? Math.max(args.maxValueBytes ?? 0, limits.responseBytes) : limits.responseBytes;
    if (answer.body !== null) checkSize(Buffer.byteLength(answer.body), max);
    return answer;
  },
};

/** As get, with the body's length instead of the body; tells a key whose time is over from one that was never there. */
export const kvHead: Operation<GetArgs, KvAnswer> = {
  name: 'kv.head',
  lane: 'kv-read',
  run(connection, args) {
    const table = findTable(connection, args.table);
    const row = readLiveRow(connection, table, args.key);
    if (row === null) {
      const hasEnded =
        readRow(connection, table, args.key) !== null ||
        lastOp(connection, table, keyId(connection, table, args.key)) === 'EXPIRED';
      throw new ApiError(hasEnded ? 'KEY_EXPIRED' : 'KEY_NOT_FOUND', 'Key not found');
    }
    const answer = valueAnswer(connection, args, row);
    if (answer.body === null) return answer;
    const length = String(Buffer.byteLength(answer.body));
    const contentType = answer.contentType ?? 'application/json; charset=utf-8';
    return { ...answer, headers: { ...answer.headers, 'content-length': length }, body: null, contentType };
  },
};

function valueAnswer(connection: Connection, { path, ifNoneMatch }: GetArgs, row: KvRow): KvAnswer {
  const headers = rowHeaders(connection, row);
  if (isNotModified(ifNoneMatch, row.etag)) return { status: 304, headers, body: null };
  if (path === undefined) {
    return { status: 200, headers, body: valueBytes(row.value), contentType: headerSafeType(row.contentType) };
  }
  const found = getAt(requireJson(row), parsePath(path));
  if (found === undefined) throw new ApiError('KEY_NOT_FOUND', 'the value of the key has nothing at this path');
  const shownPath = path.replace(/[^\x20-\x7e]/g, (character) => encodeURIComponent(character));
  const jsonPath = { 'x-json-path': shownPath };
  return { status: 200, headers: { ...headers, ...jsonPath }, body: stringifyJson(found) };
}

export const kvEntry: Operation<GetArgs, KvAnswer> = {
  name: 'kv.entry',
  lane: 'kv-read',
  run(connection, args) {
    const row = readLiveRow(connection, findTable(connection, args.table), args.key);
    if (row === null) throw new ApiError('KEY_NOT_FOUND', 'Key not found');
    if (isNotModified(args.ifNoneMatch, row.etag))
      return { status: 304, headers: rowHeaders(connection, row), body: null };
    return jsonAnswer(
      {
        key: row.key,
        ...valueMembers(row.value, row.contentType),
        content_type: row.contentType,
        etag: row.etag,
        created_at: row.createdAt,
        updated_at: row.updatedAt,
        expire_at: row.expireAt,
      },
      row.etag,
    );
  },
};

export interface ListArgs {
  readonly table: string;
  readonly prefix: string;
  readonly limit: number;
  readonly offset: number;
  readonly after: string;
}

interface ListedRow {
  readonly key: string;
  readonly content_type: string | null;
  readonly size: number | null;
  readonly created_at: number;
  readonly updated_at: number;
  readonly expire_at: number | null;
  readonly version: string | null;
}

export const kvList: Operation<ListArgs, KvAnswer> = {
  name: 'kv.list',
  lane: 'kv-read',
  run(connection, args) {
    const table = findTable(connection, args.table);
    const rows = table.exists ? listRows(connection, table, args) : [];
    const page = rows.slice(0, args.limit);
    const hasMore = rows.length > args.limit && args.limit > 0;
    const items = page.map(({ version, expire_at, ...row }) => ({
      ...row,
      size: row.size ?? 0,
      ...(expire_at === null ? {} : { expire_at }),
      etag: etagOf(table, version),
    }));
    return jsonAnswer({
      success: true,
      items: items.length === 0 ? null : items,
      count: items.length,
      limit: args.limit,
      offset: args.offset,
      has_more: hasMore,
      next_after: hasMore ? page.at(-1)?.key : null,
      change_cursor: currentCursor(connection, table),
    });
  },
};

function listRows(connection: Connection, table: KvTable, args: ListArgs): ListedRow[] {
  const end = prefixEnd(args.prefix);
  const sql = `SELECT t.key AS key, coalesce(t.content_type, '') AS content_type, octet_length(t.value) AS size,
      t.created_at AS created_at, t.updated_at AS updated_at, t.expire_at AS expire_at, ${lastVersionSql(table, 't.key')} AS version
    FROM ${quoteName(table.names.table)} t
    WHERE t.key >= ? AND t.key > ? AND typeof(t.key) = 'text' ${end === null ? '' : 'AND t.key < ?'}
      AND (t.expire_at IS NULL OR t.expire_at >= ?)
    ORDER BY t.key LIMIT ? OFFSET ?`;
  const bounds = end === null ? [args.prefix, args.after] : [args.prefix, args.after, end];
  return connection.statement(sql).all(...bounds, connection.nowSeconds(), args.limit + 1, args.offset) as ListedRow[];
}

export interface SetArgs extends KeyArgs, WriteArgs {
  readonly body: Uint8Array;
  readonly contentType?: string;
  readonly path?: string;
  /** Seconds; 0 for none. */
  readonly ttlSeconds: number;
  readonly conditions: Conditions;
}

export const kvSet: Operation<SetArgs, KvAnswer> = {
  name: 'kv.set',
  lane: 'kv-write',
  run(connection, args) {
    const body = asBuffer(args.body);
    const next = args.path === undefined ? wholeValue(args, body) : null;
    return runWrite(connection, args, (writer) => {
      const current = checkedRow(writer, args);
      const { bytes, contentType } = next ?? partialValue(args, body, current);
      const newExpiry = args.ttlSeconds > 0 ? connection.nowSeconds() + args.ttlSeconds : null;
      const etag = putValue(
        writer,
        args.key,
        current,
        {
          value: toStored(bytes, contentType),
          contentType,
          // A part of a value lives as long as the value, unless told otherwise.
          expireAt: newExpiry ?? (next === null ? (current?.expireAt ?? null) : null),
        },
        { op: 'SET', ...(args.path === undefined ? {} : { path: args.path }) },
      );
      const path = args.path === undefined ? {} : { path: args.path };
      return jsonAnswer({ success: true, key: args.key, size: bytes.length, ...path, etag }, etag);
    });
  },
};

interface ValueToWrite {
  readonly bytes: Buffer;
  readonly contentType: string;
}

function wholeValue(args: SetArgs, body: Buffer): ValueToWrite {
  return { bytes: body, contentType: contentTypeFor(args.contentType, body) };
}

function partialValue(args: SetArgs, body: Buffer, current: KvRow | null): ValueToWrite {
  const leaf = parseJsonBody(body, 'INVALID_JSON_VALUE');
  const document = setAt(current === null ? undefined : requireJson(current), parsePath(args.path ?? ''), leaf);
  return { bytes: Buffer.from(stringifyJson(document)), contentType: documentType(current) };
}

export interface DeleteArgs extends KeyArgs, WriteArgs {
  readonly conditions: Conditions;
}

export const kvDelete: Operation<DeleteArgs, KvAnswer> = {
  name: 'kv.delete',
  lane: 'kv-write',
  run(connection, args) {
    return runWrite(connection, args, (writer) => {
      existingRow(writer, args);
      deleteKey(writer, args.key);
      return jsonAnswer({ success: true, deleted: true });
    });
  },
};

export interface ExpireArgs extends KeyArgs, WriteArgs {
  /** null removes the time to live. */
  readonly ttlSeconds: number | null;
  readonly conditions: Conditions;
}

export const kvExpire: Operation<ExpireArgs, KvAnswer> = {
  name: 'kv.expire',
  lane: 'kv-write',
  run(connection, args) {
    return runWrite(connection, args, (writer) => {
      const current = existingRow(writer, args);
      const expireAt = args.ttlSeconds === null ? null : connection.nowSeconds() + args.ttlSeconds;
      const isUnchanged = expireAt === null && current.expireAt === null;
      const etag = isUnchanged ? current.etag : putExpiry(writer, args.key, expireAt);
      return jsonAnswer({ success: true, key: args.key, expire_at: expireAt, etag }, etag);
    });
  },
};

function rowHeaders(connection: Connection, row: KvRow): Record<string, string> {
  return {
    ...(row.etag === null ? {} : { etag: row.etag }),
    // A browser would guess from Last-Modified how long a value stays as it is.
    'cache-control': 'no-cache',
    ...lastModified(row.updatedAt, connection.nowSeconds()),
    'x-created-at': String(row.createdAt),
    'x-updated-at': String(row.updatedAt),
    ...(row.expireAt === null ? {} : { 'x-expire-at': String(row.expireAt) }),
  };
}

/** None for a time that HTTP cannot say, or that lies ahead: SQL may have written anything. */
function lastModified(updatedAt: number, now: number): { 'last-modified'?: string } {
  return updatedAt > 0 && updatedAt <= now ? { 'last-modified': new Date(updatedAt * 1000).toUTCString() } : {};
}
