// The plain operations on one key: get, entry, set, delete, expire, persist.

import { asBuffer } from '../../../messages/bytes.ts';
import { ApiError } from '../../../messages/errors.ts';
import { readJsonBody } from '../../../messages/json.ts';
import { findAt, setAt } from '../../../messages/json-edit.ts';
import { parsePath } from '../../../messages/json-path.ts';
import { rootOf, textOf } from '../../../messages/json-text.ts';
import { limits } from '../../../messages/limits.ts';
import { type GetArgs, kv, type SetArgs } from '../../../messages/operations/kv.ts';
import { checkSize, etagHeader, json, type Reply } from '../../../messages/reply.ts';
import type { Connection } from '../../connection.ts';
import { implement } from '../../implementation.ts';
import { keyId, lastOp } from '../log/log.ts';
import { contentTypeFor, headerSafeType } from '../table/content-type.ts';
import { type KvRow, lastSecond, readLiveRow, readRow } from '../table/row.ts';
import { findTable } from '../table/table.ts';
import { documentType, requireJson, type StoredValue, toStored, valueBytes, valueMembers } from '../table/values.ts';
import { isNotModified, isUnconditional } from './conditions.ts';
import { runWrite } from './request.ts';
import { checkedRow, deleteKey, existingRow, overwriteValue, putExpiry, putValue } from './write.ts';

const shortChars = 16 * 1024;

export const kvGet = implement(kv.get, (connection, args) => {
  const table = findTable(connection, args.table);
  const row = readLiveRow(connection, table, args.key);
  if (row === null) throw new ApiError('KEY_NOT_FOUND', 'Key not found');
  const answer = valueReply(connection, args, row);
  const max = args.path === undefined ? Math.max(args.maxValueBytes ?? 0, limits.responseBytes) : limits.responseBytes;
  if (answer.body !== null) checkSize(Buffer.byteLength(answer.body), max);
  return answer;
});

/** As get, with the body's length instead of the body; tells a key whose time is over from one that was never there. */
export const kvHead = implement(kv.head, (connection, args) => {
  const table = findTable(connection, args.table);
  const row = readLiveRow(connection, table, args.key);
  if (row === null) {
    const hasEnded =
      readRow(connection, table, args.key) !== null ||
      lastOp(connection, table, keyId(connection, table, args.key)) === 'EXPIRED';
    throw new ApiError(hasEnded ? 'KEY_EXPIRED' : 'KEY_NOT_FOUND', 'Key not found');
  }
  const answer = valueReply(connection, args, row);
  if (answer.body === null) return answer;
  const length = String(Buffer.byteLength(answer.body));
  const contentType = answer.contentType ?? 'application/json; charset=utf-8';
  return { ...answer, headers: { ...answer.headers, 'content-length': length }, body: null, contentType };
});

function valueReply(connection: Connection, { path, ifNoneMatch }: GetArgs, row: KvRow): Reply {
  const headers = rowHeaders(connection, row);
  if (isNotModified(ifNoneMatch, row.etag)) return { status: 304, headers, body: null };
  if (path === undefined) {
    return { status: 200, headers, body: bodyOf(row.value), contentType: headerSafeType(row.contentType) };
  }
  const document = requireJson(row);
  const found = findAt(document, parsePath(path));
  if (found === undefined) throw new ApiError('KEY_NOT_FOUND', 'the value of the key has nothing at this path');
  const shownPath = path.replace(/[^\x20-\x7e]/g, (character) => encodeURIComponent(character));
  const jsonPath = { 'x-json-path': shownPath };
  return { status: 200, headers: { ...headers, ...jsonPath }, body: textOf(document, found) };
}

/** A short text crosses the process border, and goes out in one piece with its headers, faster than its bytes do. */
function bodyOf(value: StoredValue): string | Buffer {
  return typeof value === 'string' && value.length <= shortChars ? value : valueBytes(value);
}

export const kvEntry = implement(kv.entry, (connection, args) => {
  const row = readLiveRow(connection, findTable(connection, args.table), args.key);
  if (row === null) throw new ApiError('KEY_NOT_FOUND', 'Key not found');
  if (isNotModified(args.ifNoneMatch, row.etag))
    return { status: 304, headers: rowHeaders(connection, row), body: null };
  return json(
    {
      key: row.key,
      ...valueMembers(row.value, row.contentType),
      content_type: row.contentType,
      etag: row.etag,
      created_at: row.createdAt,
      updated_at: row.updatedAt,
      expire_at: lastSecond(row.expireAt),
    },
    200,
    etagHeader(row.etag),
  );
});

export const kvSet = implement(kv.set, (connection, args) => {
  const body = asBuffer(args.body);
  const next = args.path === undefined ? wholeValue(args, body) : null;
  return runWrite(connection, args, (writer) => {
    const newExpiry = args.ttlSeconds > 0 ? connection.nowSeconds() + args.ttlSeconds : null;
    if (next !== null && isUnconditional(args.conditions)) {
      const { bytes, contentType } = next;
      const value = { value: toStored(bytes, contentType), contentType, expireAt: newExpiry };
      return setReply(args, bytes.length, overwriteValue(writer, args.key, value, { op: 'SET' }));
    }
    const current = checkedRow(writer, args);
    const { bytes, contentType } = next ?? partialValue(args, body, current);
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
    return setReply(args, bytes.length, etag);
  });
});

function setReply({ key, path }: SetArgs, size: number, etag: string): Reply {
  return json({ success: true, key, size, ...(path === undefined ? {} : { path }), etag }, 200, { etag });
}

interface ValueToWrite {
  readonly bytes: Buffer;
  readonly contentType: string;
}

function wholeValue(args: SetArgs, body: Buffer): ValueToWrite {
  return { bytes: body, contentType: contentTypeFor(args.contentType, body) };
}

function partialValue(args: SetArgs, body: Buffer, current: KvRow | null): ValueToWrite {
  const { text } = readJsonBody(body, 'INVALID_JSON_VALUE');
  const leaf = textOf(text, rootOf(text));
  const document = setAt(current === null ? undefined : requireJson(current), parsePath(args.path ?? ''), leaf);
  return { bytes: Buffer.from(document), contentType: documentType(current) };
}

export const kvDelete = implement(kv.delete, (connection, args) => {
  return runWrite(connection, args, (writer) => {
    existingRow(writer, args);
    deleteKey(writer, args.key);
    return json({ success: true, deleted: true });
  });
});

export const kvExpire = implement(kv.expire, (connection, args) => {
  return runWrite(connection, args, (writer) => {
    const current = existingRow(writer, args);
    const expireAt = args.ttlSeconds === null ? null : connection.nowSeconds() + args.ttlSeconds;
    const isUnchanged = expireAt === null && current.expireAt === null;
    const etag = isUnchanged ? current.etag : putExpiry(writer, args.key, expireAt);
    return json({ success: true, key: args.key, expire_at: expireAt, etag }, 200, etagHeader(etag));
  });
});

/** Made step by step: an object of several objects would take a tenth of a short GET. */
function rowHeaders(connection: Connection, { etag, createdAt, updatedAt, expireAt }: KvRow): Record<string, string> {
  const headers: Record<string, string> = {};
  if (etag !== null) headers.etag = etag;
  // A browser would guess from Last-Modified how long a value stays as it is.
  headers['cache-control'] = 'no-cache';
  // None for a time that HTTP cannot say, or that lies ahead: SQL may have written anything.
  if (updatedAt > 0 && updatedAt <= connection.nowSeconds()) headers['last-modified'] = httpDate(updatedAt);
  headers['x-created-at'] = String(createdAt);
  headers['x-updated-at'] = String(updatedAt);
  if (expireAt !== null) headers['x-expire-at'] = String(lastSecond(expireAt));
  return headers;
}

function httpDate(seconds: number): string {
  return new Date(seconds * 1000).toUTCString();
}
