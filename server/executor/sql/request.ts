// Decodes the body of POST /db into items, or refuses it before anything runs.
import { isDeepStrictEqual } from 'node:util';
import { ApiError, type ErrorCode } from '../../messages/errors.ts';
import { isObject, type Json, type JsonObject, parseJsonTyped } from '../../messages/json.ts';
import { limits } from '../../messages/limits.ts';
import type { Values } from './bind.ts';

export interface TransactionItem {
  readonly sql: string;
  /** Asked as `query`: answered with columns even where the statement has none. */
  readonly isQuery: boolean;
  readonly values: Values;
  readonly valuesBatch: readonly Values[] | null;
  readonly noFail: boolean;
}

export interface TransactionRequest {
  readonly asLists: boolean;
  readonly items: readonly TransactionItem[];
}

const itemMembers: ReadonlySet<string> = new Set([
  'query',
  'statement',
  'sql',
  'values',
  'params',
  'valuesBatch',
  'noFail',
]);

/** @throws ApiError with `reqIdx`, the index of the item at fault or -1 */
export function decodeTransaction(body: Uint8Array): TransactionRequest {
  const sent = parseBody(body);
  if (!isObject(sent)) throw invalid(-1, 'the body must be a JSON object with a transaction');
  const members = unwrapped(sent);
  const format = members.resultFormat ?? null;
  if (format !== null && typeof format !== 'string') throw invalid(-1, 'resultFormat must be a string');
  const items = transactionOf(members);
  if (items.length > limits.transactionItems) {
    throw refuse('PAYLOAD_TOO_LARGE', -1, `a transaction has at most ${limits.transactionItems} items`);
  }
  const decoded = items.map(decodeItem);
  const rows = decoded.reduce((sum, { valuesBatch }) => sum + (valuesBatch?.length ?? 0), 0);
  if (rows > limits.requestRows) {
    throw refuse('PAYLOAD_TOO_LARGE', -1, `a request has at most ${limits.requestRows} rows of values`);
  }
  return { asLists: format?.toLowerCase() === 'list', items: decoded };
}

export function refuse(code: ErrorCode, reqIdx: number, message: string): ApiError {
  return new ApiError(code, message, { members: { reqIdx } });
}

const utf8 = new TextDecoder('utf-8', { fatal: true });

function parseBody(body: Uint8Array): Json {
  if (body.length === 0) throw invalid(-1, 'a JSON body is required');
  try {
    return parseJsonTyped(utf8.decode(body));
  } catch (cause) {
    throw invalid(-1, `the body is not valid JSON: ${cause instanceof Error ? cause.message : 'unreadable'}`);
  }
}

/**
 * The CLI wraps what it is given once more: `{"transaction":{"transaction":[..],"resultFormat":".."}}`. Members that
 * are not known are ignored here, as clients of other servers of this form send some, such as `credentials`.
 */
function unwrapped(sent: JsonObject): JsonObject {
  const { transaction } = sent;
  if (transaction === undefined || !isObject(transaction)) return sent;
  return { ...sent, ...transaction };
}

function transactionOf({ transaction: list }: JsonObject): readonly Json[] {
  if (!Array.isArray(list)) throw invalid(-1, 'transaction must be an array of items');
  if (list.length === 0) throw invalid(-1, 'transaction must have at least one item');
  return list;
}

function refuseUnknown(item: JsonObject, index: number): void {
  for (const name of Object.keys(item)) {
    if (itemMembers.has(name)) continue;
    const known = [...itemMembers].join(', ');
    throw refuse('UNKNOWN_FIELD', index, `unknown field ${JSON.stringify(name)}; known: ${known}`);
  }
}

function decodeItem(item: Json, index: number): TransactionItem {
  if (!isObject(item)) throw invalid(index, 'a transaction item must be an object');
  refuseUnknown(item, index);
  const texts = [item.query, item.statement, item.sql].filter((text) => text !== undefined);
  const [sql] = texts;
  if (texts.length !== 1 || typeof sql !== 'string') {
    throw invalid(index, 'an item has exactly one of query, statement and sql, a string');
  }
  const noFail = item.noFail ?? false;
  if (typeof noFail !== 'boolean') throw invalid(index, 'noFail must be true or false');
  return {
    sql,
    isQuery: item.query !== undefined,
    values: valuesOf(item, index),
    valuesBatch: batchOf(item, index),
    noFail,
  };
}

function valuesOf(item: JsonObject, index: number): Values {
  const { values, params } = item;
  if (values !== undefined && params !== undefined && !isDeepStrictEqual(values, params)) {
    throw refuse('VALUES_CONFLICT', index, 'values and params were both sent and differ');
  }
  return asValues(values ?? params ?? null, index, 'values');
}

function batchOf(item: JsonObject, index: number): readonly Values[] | null {
  const batch = item.valuesBatch ?? null;
  if (batch === null) return null;
  if (!Array.isArray(batch)) throw invalid(index, 'valuesBatch must be an array');
  if (item.query !== undefined) throw invalid(index, 'valuesBatch needs a statement, not a query');
  if (item.values !== undefined || item.params !== undefined) {
    throw refuse('VALUES_CONFLICT', index, 'valuesBatch excludes values and params');
  }
  if (batch.length > limits.batchRows) {
    throw refuse('PAYLOAD_TOO_LARGE', index, `valuesBatch has at most ${limits.batchRows} rows`);
  }
  return batch.map((row) => asValues(row, index, 'each row of valuesBatch'));
}

function asValues(json: Json, index: number, what: string): Values {
  if (json === null || Array.isArray(json) || isObject(json)) return json;
  throw invalid(index, `${what} must be an array or an object`);
}

function invalid(reqIdx: number, message: string): ApiError {
  return refuse('INVALID_PARAMETERS', reqIdx, message);
}
