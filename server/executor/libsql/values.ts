// Values as Hrana has them in JSON: each with its type, an integer as a string, a BLOB as base64 without padding.
import { ApiError } from '../../messages/errors.ts';
import { isObject, type Json } from '../../messages/json.ts';
import type { Cell } from '../sql/cells.ts';

export interface StatementArguments {
  readonly positional: readonly Json[];
  /** With or without the prefix of the parameter. A later one of the same name counts. */
  readonly named: { readonly [name: string]: Json };
}

/** @throws ApiError INVALID_PARAMETERS */
export function decodeArguments(args: Json | undefined, namedArgs: Json | undefined): StatementArguments {
  const positional = listOf(args, 'args').map((value) => decodeValue(value));
  const named: Record<string, Json> = Object.create(null) as Record<string, Json>;
  for (const entry of listOf(namedArgs, 'named_args')) {
    if (!isObject(entry) || typeof entry.name !== 'string' || entry.value === undefined) {
      throw invalid('named_args must hold objects with name and value');
    }
    named[entry.name] = decodeValue(entry.value);
  }
  return { positional, named };
}

/** As bind() takes it. */
function decodeValue(value: Json): Json {
  const members = isObject(value) ? value : {};
  switch (members.type) {
    case 'null':
      return null;
    case 'integer':
      return integerOf(members.value);
    case 'float':
      if (typeof members.value === 'number') return members.value;
      throw invalid('the value of a float must be a number');
    case 'text':
      if (typeof members.value === 'string') return members.value;
      throw invalid('the value of a text must be a string');
    case 'blob':
      if (typeof members.base64 === 'string') return { base64: members.base64 };
      throw invalid('the base64 of a blob must be a string');
    default:
      throw invalid('the type of a value must be null, integer, float, text or blob');
  }
}

function integerOf(value: Json | undefined): bigint {
  if (typeof value === 'string' && /^[+-]?\d{1,20}$/.test(value)) return BigInt(value);
  if (typeof value === 'number' && Number.isSafeInteger(value)) return BigInt(value);
  throw invalid('the value of an integer must be its digits in a string');
}

/** Cell -> JSON text. Infinity is the JSON number 9e999, which readers take for Infinity. */
export function writeValue(cell: Cell): string {
  if (cell === null) return '{"type":"null"}';
  if (typeof cell === 'bigint') return `{"type":"integer","value":"${cell}"}`;
  if (typeof cell === 'number') return `{"type":"float","value":${writeReal(cell)}}`;
  if (typeof cell === 'string') return `{"type":"text","value":${JSON.stringify(cell)}}`;
  return `{"type":"blob","base64":"${cell.toString('base64').replace(/=+$/, '')}"}`;
}

function writeReal(value: number): string {
  if (Number.isFinite(value)) return String(value);
  return value > 0 ? '9e999' : '-9e999';
}

function listOf(value: Json | undefined, name: string): readonly Json[] {
  if (value === undefined || value === null) return [];
  if (Array.isArray(value)) return value;
  throw invalid(`${name} must be an array`);
}

function invalid(message: string): ApiError {
  return new ApiError('INVALID_PARAMETERS', message);
}
