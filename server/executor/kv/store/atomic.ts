// The atomic operations: counters and lists, on a whole value or at a path inside it. Reading, computing and writing are one
// transaction, so nobody comes in between.

import { ApiError } from '../../../messages/errors.ts';
import { isObject, type Json, parseJsonBody, stringifyJson } from '../../../messages/json.ts';
import type { Operation } from '../../../messages/operation.ts';
import { type OpName, textType } from '../table/codes.ts';
import type { KvRow } from '../table/row.ts';
import { asBuffer, documentType, requireJson, valueText } from '../table/values.ts';
import { jsonAnswer, type KvAnswer } from './answer.ts';
import type { Conditions } from './conditions.ts';
import { arrayIndex, contains, getAt, isEqual, parsePath, setAt } from './json-path.ts';
import { type KeyArgs, runWrite, type WriteArgs } from './request.ts';
import { checkedRow, existingRow, type NewValue, putValue, type Writer } from './write.ts';

const minInteger = -(2n ** 63n);
const maxInteger = 2n ** 63n - 1n;

interface AtomicArgs extends KeyArgs, WriteArgs {
  readonly path?: string;
  readonly conditions: Conditions;
}

export interface IncrementArgs extends AtomicArgs {
  readonly op: 'INCR' | 'DECR';
  /** At least 1, as sent. */
  readonly delta: bigint;
}

export const kvIncrement: Operation<IncrementArgs, KvAnswer> = {
  name: 'kv.increment',
  lane: 'kv-write',
  run(connection, args) {
    const delta = args.op === 'INCR' ? args.delta : -args.delta;
    return runWrite(connection, args, (writer) => {
      const current = checkedRow(writer, args);
      const document = args.path === undefined || current === null ? undefined : requireJson(current);
      const before = args.path === undefined ? counterOf(current) : memberCounter(document, args.path);
      const value = before + delta;
      if (value < minInteger || value > maxInteger) throw invalid('the counter would leave the 64-bit integer range');
      const next =
        args.path === undefined
          ? { value: value.toString(), contentType: current?.contentType ?? textType }
          : {
              value: stringifyJson(setAt(document, parsePath(args.path), toJson(value))),
              contentType: documentType(current),
            };
      return finish(writer, args, current, next, { op: args.op, delta }, { value: toJson(value) });
    });
  },
};

export interface PushArgs extends AtomicArgs {
  readonly body: Uint8Array;
  /** Append the body as it is, also when it is an object with the single member `value`. */
  readonly isRaw: boolean;
}

export const kvPush: Operation<PushArgs, KvAnswer> = {
  name: 'kv.push',
  lane: 'kv-write',
  run(connection, args) {
    const body = parseJsonBody(asBuffer(args.body), 'INVALID_PARAMETERS');
    const element = args.isRaw ? body : unwrapValue(body);
    return runWrite(connection, args, (writer) => {
      const current = checkedRow(writer, args);
      const document = current === null ? undefined : requireJson(current);
      const path = parsePath(args.path ?? '');
      const list = (document === undefined ? undefined : getAt(document, path)) ?? [];
      requireArray(list).push(element);
      const next = { value: stringifyJson(setAt(document, path, list)), contentType: documentType(current) };
      return finish(writer, args, current, next, { op: 'PUSH' }, { length: requireArray(list).length });
    });
  },
};

export const kvPop: Operation<AtomicArgs, KvAnswer> = {
  name: 'kv.pop',
  lane: 'kv-write',
  run(connection, args) {
    return runWrite(connection, args, (writer) =>
      editList(writer, args, 'POP', (list) => {
        const value = list.pop();
        if (value === undefined) throw new ApiError('KEY_NOT_FOUND', 'the array is empty');
        return { value };
      }),
    );
  },
};

export interface RemoveArgs extends AtomicArgs {
  /** Wins over the body. Negative counts from the end. */
  readonly index?: number;
  readonly body: Uint8Array;
}

export const kvRemove: Operation<RemoveArgs, KvAnswer> = {
  name: 'kv.remove',
  lane: 'kv-write',
  run(connection, args) {
    const find = args.index === undefined ? findValue(args.body) : findIndex(args.index);
    return runWrite(connection, args, (writer) =>
      editList(writer, args, 'REMOVE', (list) => {
        const at = find(list);
        const removed = list[at];
        if (removed === undefined) throw new ApiError('KEY_NOT_FOUND', 'the array has no such element');
        list.splice(at, 1);
        return { removed };
      }),
    );
  },
};

function findIndex(index: number): (list: Json[]) => number {
  return (list) => arrayIndex(list, index);
}

/** The first equal element, else (for an object that is not empty) the first that has all its members. */
function findValue(bytes: Uint8Array): (list: Json[]) => number {
  if (bytes.length === 0) throw invalid('name the element: ?index=N, or a body {"value": ...}');
  const body = parseJsonBody(asBuffer(bytes), 'INVALID_PARAMETERS');
  const value = isObject(body) && Object.hasOwn(body, 'value') ? body.value : undefined;
  if (value === undefined) throw invalid('name the element: ?index=N, or a body {"value": ...}');
  return (list) => {
    const equal = list.findIndex((element) => isEqual(element, value));
    const mayBePart = isObject(value) && Object.keys(value).length > 0;
    return equal >= 0 || !mayBePart ? equal : list.findIndex((element) => contains(element, value));
  };
}

function editList(
  writer: Writer,
  args: AtomicArgs,
  op: OpName,
  edit: (list: Json[]) => Record<string, unknown>,
): KvAnswer {
  const current = existingRow(writer, args);
  const document = requireJson(current);
  const path = parsePath(args.path ?? '');
  const found = getAt(document, path);
  if (found === undefined) throw new ApiError('KEY_NOT_FOUND', 'the value of the key has nothing at this path');
  const list = requireArray(found);
  const members = edit(list);
  const next = { value: stringifyJson(setAt(document, path, list)), contentType: documentType(current) };
  return finish(writer, args, current, next, { op }, { ...members, length: list.length });
}

/** All of these keep the key's time to live. */
function finish(
  writer: Writer,
  args: AtomicArgs,
  current: KvRow | null,
  next: Omit<NewValue, 'expireAt'>,
  operation: { readonly op: OpName; readonly delta?: bigint },
  members: Record<string, unknown>,
): KvAnswer {
  const path = args.path === undefined ? {} : { path: args.path };
  const value = { ...next, expireAt: current?.expireAt ?? null };
  const etag = putValue(writer, args.key, current, value, { ...operation, ...path });
  return jsonAnswer({ success: true, key: args.key, ...path, ...members, etag }, etag);
}

function counterOf(current: KvRow | null): bigint {
  if (current === null) return 0n;
  const text = valueText(current.value).trim();
  if (!/^[+-]?\d{1,20}$/.test(text)) throw invalid('the value of the key is not an integer');
  const value = BigInt(text);
  if (value < minInteger || value > maxInteger)
    throw invalid('the value of the key is beyond the 64-bit integer range');
  return value;
}

function memberCounter(document: Json | undefined, path: string): bigint {
  const value = document === undefined ? undefined : getAt(document, parsePath(path));
  if (value === undefined) return 0n;
  if (typeof value === 'bigint') return value;
  if (typeof value === 'number' && Number.isSafeInteger(value)) return BigInt(value);
  throw invalid('the value at the path is not an integer');
}

function toJson(value: bigint): Json {
  const number = Number(value);
  return Number.isSafeInteger(number) ? number : value;
}

function unwrapValue(body: Json): Json {
  const isWrapped = isObject(body) && Object.keys(body).length === 1 && Object.hasOwn(body, 'value');
  return isWrapped ? (body.value ?? null) : body;
}

function requireArray(value: Json): Json[] {
  if (!Array.isArray(value)) throw invalid('the value is not an array');
  return value;
}

function invalid(message: string): ApiError {
  return new ApiError('INVALID_PARAMETERS', message);
}
