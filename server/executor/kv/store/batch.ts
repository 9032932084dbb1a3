// The batch operations: up to 100 keys, one transaction, all or nothing.

import { asBuffer } from '../../../messages/bytes.ts';
import { type Conditions, parseIfAbsent, parseIfMatch } from '../../../messages/conditions.ts';
import { ApiError } from '../../../messages/errors.ts';
import { isObject, type Json, type JsonObject, parseJsonBody, readJsonBody } from '../../../messages/json.ts';
import { compactJson, elementsOf, memberOf, rootOf, textOf } from '../../../messages/json-text.ts';
import { checkKey, checkUnicode } from '../../../messages/kv-keys.ts';
import { kvLimits } from '../../../messages/kv-limits.ts';
import { kv } from '../../../messages/operations/kv.ts';
import { json, ReplyBudget } from '../../../messages/reply.ts';
import { implement } from '../../implementation.ts';
import { jsonType, octetStreamType } from '../table/codes.ts';
import { checkContentType } from '../table/content-type.ts';
import { type KvRow, readLiveRow } from '../table/row.ts';
import { findTable } from '../table/table.ts';
import { type StoredValue, toStoredText, valueMembers } from '../table/values.ts';
import { holds, isUnconditional } from './conditions.ts';
import { ManyWrites } from './many-writes.ts';
import { runWrite } from './request.ts';
import type { Writer } from './writer.ts';

interface BatchEntry {
  readonly key: string;
  readonly conditions: Conditions;
}

interface SetEntry extends BatchEntry {
  readonly value: StoredValue;
  readonly contentType: string;
  readonly ttlSeconds: number;
}

const setMembers: ReadonlySet<string> = new Set(['key', 'value', 'content_type', 'ttl', 'if_match', 'if_none_match']);
const deleteMembers: ReadonlySet<string> = new Set(['key', 'if_match', 'if_none_match']);

export const kvBatchSet = implement(kv.batchSet, (connection, args) => {
  const entries = decodeSet(readJsonBody(asBuffer(args.body), 'INVALID_PARAMETERS'));
  return runWrite(connection, args, (writer) => {
    checkAll(writer, entries);
    const now = connection.nowSeconds();
    const writes = new ManyWrites(writer, 'SET');
    for (const { key, value, contentType, ttlSeconds } of entries) {
      const expireAt = ttlSeconds > 0 ? now + ttlSeconds : null;
      writes.put(key, { value, contentType, expireAt });
    }
    const etags = writes.end();
    const items = entries.map(({ key }, index) => ({ key, etag: etags[index] }));
    return json({ success: true, count: items.length, items });
  });
});

export const kvBatchDelete = implement(kv.batchDelete, (connection, args) => {
  const entries = decodeDelete(parseJsonBody(asBuffer(args.body), 'INVALID_PARAMETERS'));
  return runWrite(connection, args, (writer) => {
    checkAll(writer, entries);
    const writes = new ManyWrites(writer, 'DELETE');
    const deleted = entries.filter(({ key }) => writes.delete(key)).length;
    writes.end();
    return json({ success: true, deleted });
  });
});

export const kvBatchGet = implement(kv.batchGet, (connection, args) => {
  const body = parseJsonBody(asBuffer(args.body), 'INVALID_PARAMETERS');
  if (!isObject(body)) throw invalid('the body must be {"keys": [...]}');
  const keys = keyList(body.keys);
  const table = findTable(connection, args.table);
  const results: [string, unknown][] = [];
  const budget = new ReplyBudget();
  for (const key of keys) {
    const row = readLiveRow(connection, table, key);
    budget.take(row?.value ?? null);
    results.push([key, row === null ? null : shown(row)]);
  }
  return json({ success: true, results: Object.fromEntries(results) });
});

function shown(row: KvRow): Record<string, unknown> {
  return { content_type: row.contentType, ...valueMembers(row.value, row.contentType), etag: row.etag };
}

/**
 * All conditions are looked at before anything is written. @throws ApiError PRECONDITION_FAILED naming every key that
 * failed.
 */
function checkAll(writer: Writer, entries: readonly BatchEntry[]): void {
  const failed: { key: string; current_etag: string | null }[] = [];
  for (const { key, conditions } of entries) {
    if (isUnconditional(conditions)) continue;
    const row = readLiveRow(writer.connection, writer.table, key);
    if (!holds(conditions, row)) failed.push({ key, current_etag: row?.etag ?? null });
  }
  if (failed.length > 0) {
    throw new ApiError('PRECONDITION_FAILED', 'nothing was written: a condition does not hold', {
      members: { failed },
    });
  }
}

/** `batch` holds JSON values, stored as they are written but for white space; `items` holds strings stored verbatim. */
function decodeSet({ text, value: body }: { readonly text: string; readonly value: Json }): SetEntry[] {
  if (!isObject(body)) throw invalid('the body must be {"items": [...]} or {"batch": [...]}');
  if (Object.hasOwn(body, 'batch') && Object.hasOwn(body, 'items')) throw invalid('send either "items" or "batch"');
  const isBatch = Object.hasOwn(body, 'batch');
  const name = isBatch ? 'batch' : 'items';
  const entries = entryList(body[name], name);
  const list = memberOf(text, rootOf(text), name);
  const written = list === undefined ? [] : elementsOf(text, list);
  return entries.map((entry, index) =>
    named(name, index, () => {
      const item = requireEntry(entry, setMembers);
      const { value } = item;
      const span = written[index];
      const place = span === undefined ? undefined : memberOf(text, span, 'value');
      if (value === undefined || place === undefined) throw invalid('every entry needs a "value"');
      const isVerbatim = !isBatch && typeof value === 'string';
      const sentType = optionalText(item, 'content_type');
      if (sentType !== undefined) checkContentType(sentType);
      const key = checkKey(item.key);
      if (isVerbatim) checkUnicode(value, `the value of the key ${JSON.stringify(key)}`);
      const contentType = sentType ?? (isVerbatim ? octetStreamType : jsonType);
      return {
        key,
        conditions: decodeConditions(item),
        value: toStoredText(isVerbatim ? value : compactJson(textOf(text, place)), contentType),
        contentType,
        ttlSeconds: decodeTtl(item.ttl),
      };
    }),
  );
}

function decodeDelete(body: Json): BatchEntry[] {
  if (!isObject(body)) throw invalid('the body must be {"keys": [...]} or {"items": [...]}');
  if (Object.hasOwn(body, 'keys') && Object.hasOwn(body, 'items')) throw invalid('send either "keys" or "items"');
  if (Object.hasOwn(body, 'keys')) {
    return keyList(body.keys).map((key) => ({ key, conditions: {} }));
  }
  return entryList(body.items, 'items').map((entry, index) =>
    named('items', index, () => {
      const item = requireEntry(entry, deleteMembers);
      return { key: checkKey(item.key), conditions: decodeConditions(item) };
    }),
  );
}

function decodeConditions(item: JsonObject): Conditions {
  const ifMatch = optionalText(item, 'if_match');
  const ifNoneMatch = optionalText(item, 'if_none_match');
  return {
    ...(ifMatch === undefined ? {} : { ifMatch: parseIfMatch(ifMatch) }),
    ...(ifNoneMatch === undefined ? {} : { ifAbsent: parseIfAbsent(ifNoneMatch) }),
  };
}

function decodeTtl(ttl: Json | undefined): number {
  if (ttl === undefined || ttl === null) return 0;
  if (typeof ttl === 'number' && Number.isSafeInteger(ttl) && ttl >= 0 && ttl <= kvLimits.ttlMaxSeconds) return ttl;
  throw invalid('"ttl" must be a number of seconds, 0 or more');
}

function keyList(keys: Json | undefined): string[] {
  return entryList(keys, 'keys').map((key, index) => named('keys', index, () => checkKey(key)));
}

/** Decodes one entry of a list; a refusal says which one. */
function named<Entry>(list: string, index: number, decode: () => Entry): Entry {
  try {
    return decode();
  } catch (error) {
    if (error instanceof ApiError) throw new ApiError(error.code, `${list}[${index}]: ${error.message}`);
    throw error;
  }
}

function entryList(value: Json | undefined, name: string): Json[] {
  if (!Array.isArray(value)) throw invalid(`"${name}" must be an array`);
  if (value.length < 1 || value.length > kvLimits.batchEntries) {
    throw invalid(`"${name}" must have 1 to ${kvLimits.batchEntries} entries`);
  }
  return value;
}

/** A misspelt condition must not be no condition. */
function requireEntry(entry: Json, known: ReadonlySet<string>): JsonObject {
  if (!isObject(entry)) throw invalid('every entry must be an object');
  for (const name of Object.keys(entry)) {
    if (!known.has(name)) {
      throw invalid(`unknown member ${JSON.stringify(name)}; known: ${[...known].join(', ')}`);
    }
  }
  return entry;
}

function optionalText(item: JsonObject, name: string): string | undefined {
  const value = item[name];
  if (value === undefined || value === null) return undefined;
  if (typeof value !== 'string') throw invalid(`"${name}" must be a string`);
  return value;
}

function invalid(message: string): ApiError {
  return new ApiError('INVALID_PARAMETERS', message);
}
