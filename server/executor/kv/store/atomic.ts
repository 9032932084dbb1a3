// The atomic operations: counters and lists, on a whole value or at a path inside it. Reading, computing and writing
// are one transaction, so nobody comes in between.

import { asBuffer } from '../../../messages/bytes.ts';
import { ApiError } from '../../../messages/errors.ts';
import { isObject, type Json, parseJson, parseJsonBody, RawJson, readJsonBody } from '../../../messages/json.ts';
import { append, elementText, findAt, isArray, isNull, removeElement, setAt } from '../../../messages/json-edit.ts';
import { arrayIndex, contains, isEqual, parsePath } from '../../../messages/json-path.ts';
import { compactJson, elementsOf, memberOf, rootOf, type Span, textOf } from '../../../messages/json-text.ts';
import { type AtomicArgs, kv } from '../../../messages/operations/kv.ts';
import { json, type Reply } from '../../../messages/reply.ts';
import { implement } from '../../implementation.ts';
import { type OpName, textType } from '../table/codes.ts';
import type { KvRow } from '../table/row.ts';
import { documentType, requireJson, valueText } from '../table/values.ts';
import { runWrite } from './request.ts';
import { checkedRow, existingRow, type NewValue, putValue } from './write.ts';
import type { Writer } from './writer.ts';

const minInteger = -(2n ** 63n);
const maxInteger = 2n ** 63n - 1n;

export const kvIncrement = implement(kv.increment, (connection, args) => {
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
            value: setAt(document, parsePath(args.path), value.toString()),
            contentType: documentType(current),
          };
    return finish(writer, args, current, next, { op: args.op, delta }, { value: toJson(value) });
  });
});

export const kvPush = implement(kv.push, (connection, args) => {
  const body = readJsonBody(asBuffer(args.body), 'INVALID_PARAMETERS');
  const element = textOf(body.text, (args.isRaw ? undefined : wrapped(body)) ?? rootOf(body.text));
  return runWrite(connection, args, (writer) => {
    const current = checkedRow(writer, args);
    const document = current === null ? undefined : requireJson(current);
    const path = parsePath(args.path ?? '');
    const list = document === undefined ? undefined : findAt(document, path);
    const isNew = document === undefined || list === undefined || isNull(document, list);
    const elements = isNew ? [] : elementsOf(document, requireArray(document, list));
    const value = isNew ? setAt(document, path, `[${element}]`) : append(document, list, elements, element);
    const next = { value, contentType: documentType(current) };
    return finish(writer, args, current, next, { op: 'PUSH' }, { length: elements.length + 1 });
  });
});

export const kvPop = implement(kv.pop, (connection, args) => {
  return runWrite(connection, args, (writer) =>
    takeElement(writer, args, 'POP', 'value', (_, list) => {
      if (list.length === 0) throw new ApiError('KEY_NOT_FOUND', 'the array is empty');
      return list.length - 1;
    }),
  );
});

export const kvRemove = implement(kv.remove, (connection, args) => {
  const find = args.index === undefined ? findValue(args.body) : findIndex(args.index);
  return runWrite(connection, args, (writer) =>
    takeElement(writer, args, 'REMOVE', 'removed', (text, list) => {
      const index = find(text, list);
      if (list[index] === undefined) throw new ApiError('KEY_NOT_FOUND', 'the array has no such element');
      return index;
    }),
  );
});

/** Which element of an array is meant: its index in the list of where they stand. */
type Choose = (text: string, list: readonly Span[]) => number;

function findIndex(index: number): Choose {
  return (_, list) => arrayIndex(list, index);
}

/** The first equal element, else (for an object that is not empty) the first that has all its members. */
function findValue(bytes: Uint8Array): Choose {
  if (bytes.length === 0) throw invalid('name the element: ?index=N, or a body {"value": ...}');
  const body = parseJsonBody(asBuffer(bytes), 'INVALID_PARAMETERS');
  const value = isObject(body) && Object.hasOwn(body, 'value') ? body.value : undefined;
  if (value === undefined) throw invalid('name the element: ?index=N, or a body {"value": ...}');
  return (text, list) => {
    const elements = list.map((element) => parseJson(textOf(text, element)));
    const equal = elements.findIndex((element) => isEqual(element, value));
    const mayBePart = isObject(value) && Object.keys(value).length > 0;
    return equal >= 0 || !mayBePart ? equal : elements.findIndex((element) => contains(element, value));
  };
}

/** Takes one element out of the array at the path, and answers it as the member `name`. */
function takeElement(writer: Writer, args: AtomicArgs, op: OpName, name: 'value' | 'removed', choose: Choose): Reply {
  const current = existingRow(writer, args);
  const document = requireJson(current);
  const found = findAt(document, parsePath(args.path ?? ''));
  if (found === undefined) throw new ApiError('KEY_NOT_FOUND', 'the value of the key has nothing at this path');
  const list = elementsOf(document, requireArray(document, found));
  const index = choose(document, list);
  const element = new RawJson(compactJson(elementText(document, list, index)));
  const next = { value: removeElement(document, list, index), contentType: documentType(current) };
  return finish(writer, args, current, next, { op }, { [name]: element, length: list.length - 1 });
}

/** All of these keep the key's time to live. */
function finish(
  writer: Writer,
  args: AtomicArgs,
  current: KvRow | null,
  next: Omit<NewValue, 'expireAt'>,
  operation: { readonly op: OpName; readonly delta?: bigint },
  members: Record<string, unknown>,
): Reply {
  const path = args.path === undefined ? {} : { path: args.path };
  const value = { ...next, expireAt: current?.expireAt ?? null };
  const etag = putValue(writer, args.key, current, value, { ...operation, ...path });
  return json({ success: true, key: args.key, ...path, ...members, etag }, 200, { etag });
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

function memberCounter(document: string | undefined, path: string): bigint {
  const found = document === undefined ? undefined : findAt(document, parsePath(path));
  if (document === undefined || found === undefined) return 0n;
  const value = parseJson(textOf(document, found));
  if (typeof value === 'bigint') return value;
  if (typeof value === 'number' && Number.isSafeInteger(value)) return BigInt(value);
  throw invalid('the value at the path is not an integer');
}

function toJson(value: bigint): Json {
  const number = Number(value);
  return Number.isSafeInteger(number) ? number : value;
}

/** Where `x` of a body `{"value": x}` stands; undefined for any other body. */
function wrapped({ text, value }: { readonly text: string; readonly value: Json }): Span | undefined {
  const isWrapped = isObject(value) && Object.keys(value).length === 1 && Object.hasOwn(value, 'value');
  return isWrapped ? memberOf(text, rootOf(text), 'value') : undefined;
}

function requireArray(text: string, value: Span): Span {
  if (!isArray(text, value)) throw invalid('the value is not an array');
  return value;
}

function invalid(message: string): ApiError {
  return new ApiError('INVALID_PARAMETERS', message);
}
