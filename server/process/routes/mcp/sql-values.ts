// Values of SQL on their way between JSON-RPC and the routes. JavaScript's numbers end at 2^53: an integer beyond is
// decimal text on the way out, and {"integer": "..."} on the way in.
import { ApiError } from '../../../messages/errors.ts';
import { isObject, type Json, type JsonObject, stringifyJson } from '../../../messages/json.ts';
import type { StudioValue } from '../../../messages/studio/values.ts';

/** All rows of one result together, so that its text and its data fit into one answer. */
const rowBytes = 6 * 1024 * 1024;

/** Params by name or number -> as the studio's routes take them. @throws ApiError */
export function studioParameters(params: Json): Record<string, StudioValue> {
  const entries = Array.isArray(params)
    ? params.map((value, at): [string, Json] => [String(at + 1), value])
    : Object.entries(objectOf(params));
  return Object.fromEntries(entries.map(([name, value]) => [name, studioValue(name, value)]));
}

/** Params -> as POST /db takes them. @throws ApiError */
export function requestValues(params: Json): Json {
  const exact = (name: string, value: Json) => (isInteger(value) ? integerOf(name, value.integer) : value);
  if (Array.isArray(params)) return params.map((value, at) => exact(String(at + 1), value));
  return Object.fromEntries(Object.entries(objectOf(params)).map(([name, value]) => [name, exact(name, value)]));
}

function objectOf(params: Json): JsonObject {
  if (isObject(params)) return params;
  throw new ApiError('SQL_BIND_ERROR', '"params" must be a list or an object');
}

function studioValue(name: string, value: Json): StudioValue {
  if (value === null || typeof value === 'string') return value;
  if (typeof value === 'boolean') return { int: value ? '1' : '0' };
  if (typeof value === 'bigint') return { int: checked(name, value).toString() };
  if (typeof value === 'number') return Number.isSafeInteger(value) ? { int: String(value) } : { real: String(value) };
  if (isInteger(value)) return { int: integerOf(name, value.integer).toString() };
  if (isObject(value) && typeof value.base64 === 'string' && Object.keys(value).length === 1) {
    const blob = value.base64.replaceAll('-', '+').replaceAll('_', '/');
    return { blob, bytes: Buffer.from(blob, 'base64').length };
  }
  const kinds = 'a string, a number, a boolean, null, {"base64": "..."} for a BLOB or {"integer": "..."}';
  throw new ApiError('SQL_BIND_ERROR', `the value of parameter ${name} must be ${kinds}`);
}

function isInteger(value: Json): value is { integer: string } {
  return isObject(value) && typeof value.integer === 'string' && Object.keys(value).length === 1;
}

function integerOf(name: string, text: string): bigint {
  if (/^[+-]?\d{1,30}$/.test(text)) return checked(name, BigInt(text));
  throw new ApiError('SQL_BIND_ERROR', `the value of parameter ${name} must be decimal digits`);
}

function checked(name: string, value: bigint): bigint {
  if (BigInt.asIntN(64, value) === value) return value;
  throw new ApiError('SQL_BIND_ERROR', `the value of parameter ${name} does not fit in 64 bits`);
}

/** As the studio's routes answer it -> as tools show it. */
export function cellOfStudio(value: StudioValue): Json {
  if (value === null || typeof value === 'string') return value;
  if ('int' in value) return shownInteger(BigInt(value.int));
  if ('real' in value) return shownReal(value.real === '-Inf' ? Number.NEGATIVE_INFINITY : realOf(value.real));
  const { bytes } = value;
  if ('text' in value) return { text: value.text, bytes, cut: true };
  const base64 = 'blob' in value ? value.blob : value.badText;
  const isCut = Buffer.from(base64, 'base64').length < bytes;
  return isCut ? { base64, bytes, cut: true } : { base64 };
}

function realOf(text: string): number {
  return text === 'Inf' ? Number.POSITIVE_INFINITY : Number(text);
}

/** As POST /db answers it -> as tools show it. */
export function cellOfRequest(value: Json): Json {
  if (typeof value === 'bigint') return shownInteger(value);
  return typeof value === 'number' ? shownReal(value) : value;
}

function shownInteger(value: bigint): Json {
  const number = Number(value);
  return Number.isSafeInteger(number) ? number : value.toString();
}

function shownReal(value: number): Json {
  if (Number.isFinite(value)) return value;
  return value > 0 ? 'Inf' : '-Inf';
}

/** The first rows, as many as one answer has room for. */
export function fitting(rows: readonly Json[][], most: number): { readonly rows: Json[][]; readonly isCut: boolean } {
  const shown: Json[][] = [];
  let bytes = 0;
  for (const row of rows) {
    bytes += Buffer.byteLength(stringifyJson(row));
    if (shown.length === most || bytes > rowBytes) return { rows: shown, isCut: true };
    shown.push(row);
  }
  return { rows: shown, isCut: false };
}
