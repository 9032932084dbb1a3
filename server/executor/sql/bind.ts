// Fits the values of a request to the parameters of a statement. better-sqlite3 wants anonymous parameters in a list
// and all others by name, integers as bigint (a number would be stored as REAL) and no booleans.
import { ApiError } from '../../messages/errors.ts';
import type { Json, JsonObject } from '../../messages/json.ts';
import type { Statement } from '../../messages/sql-statements.ts';
import { unicodeProblem } from '../../messages/unicode.ts';

type Bound = null | string | number | bigint | Buffer;

/** What is spread into a better-sqlite3 call. */
export type BindArguments = readonly (Bound | Readonly<Record<string, Bound>>)[];

export type Values = readonly Json[] | { readonly [name: string]: Json } | null;

export interface Parameter {
  /** `?`, `?3`, `:name`, `@name`, `$name`, `$3` */
  readonly text: string;
  /** 1-based, as SQLite numbers it. */
  readonly index: number;
}

/** The distinct parameters in SQLite's numbering. */
export function parametersOf(statement: Statement): readonly Parameter[] {
  const found = new Map<string, Parameter>();
  let highest = 0;
  for (const { kind, text } of statement.tokens) {
    if (kind !== 'parameter' || (text !== '?' && found.has(text))) continue;
    const given = /^\?\d+$/.test(text) ? Number(text.slice(1)) : highest + 1;
    highest = Math.max(highest, given);
    found.set(text === '?' ? `?#${given}` : text, { text, index: given });
  }
  return [...found.values()];
}

/** How many values of a list a statement takes. */
export function positionsOf(parameters: readonly Parameter[]): number {
  return parameters.reduce((most, parameter) => Math.max(most, positionOf(parameter)), 0);
}

/** @throws ApiError SQL_BIND_ERROR */
export function bind(parameters: readonly Parameter[], values: Values): BindArguments {
  return bindBy(parameters, isList(values) ? (parameter) => fromList(parameter, values) : fromObject(values ?? {}));
}

/** Of values by position, and by name where there is one of its name. @throws ApiError SQL_BIND_ERROR */
export function bindBoth(
  parameters: readonly Parameter[],
  list: readonly Json[],
  named: { readonly [name: string]: Json },
): BindArguments {
  const positions = positionsOf(parameters);
  if (list.length > positions) checkCount(list, positions);
  const byName = fromObject(named);
  return bindBy(parameters, (parameter) => {
    const names = parameter.text === '?' ? [] : [parameter.text.slice(1), parameter.text];
    return names.some((name) => Object.hasOwn(named, name)) ? byName(parameter) : fromList(parameter, list);
  });
}

function bindBy(parameters: readonly Parameter[], find: (parameter: Parameter) => Json): BindArguments {
  if (parameters.length === 0) return [];
  const highest = parameters.reduce((most, { index }) => Math.max(most, index), 0);
  // A number that is skipped (?2 without ?1) counts as an anonymous parameter.
  const byIndex = new Array<Bound>(highest).fill(null);
  const isNamed = new Array<boolean>(highest).fill(false);
  const named: Record<string, Bound> = Object.create(null) as Record<string, Bound>;
  for (const parameter of parameters) {
    const value = toBound(placeOf(parameter), find(parameter));
    byIndex[parameter.index - 1] = value;
    if (parameter.text === '?') continue;
    named[parameter.text.slice(1)] = value;
    isNamed[parameter.index - 1] = true;
  }
  const anonymous = byIndex.filter((_, at) => !isNamed[at]);
  const hasNamed = anonymous.length < highest;
  // better-sqlite3 takes only plain objects for named parameters.
  return hasNamed ? [...anonymous, { ...named }] : anonymous;
}

/** @throws ApiError SQL_BIND_ERROR when a list has more or fewer values than `positions` */
export function checkCount(values: Values, positions: number): void {
  if (isList(values) ? values.length === positions : values !== null || positions === 0) return;
  const given = isList(values) ? values.length : 0;
  throw bindError(`the statement takes ${positions} values, ${given} were given`);
}

export function isList(values: Values): values is readonly Json[] {
  return Array.isArray(values);
}

/** `?NNN` and `$NNN` name their position; everything else stands where SQLite counts it. */
function positionOf({ text, index }: Parameter): number {
  return /^\$\d+$/.test(text) ? Number(text.slice(1)) : index;
}

function fromList(parameter: Parameter, values: readonly Json[]): Json {
  const value = values[positionOf(parameter) - 1];
  if (value === undefined) throw bindError(`no value for parameter ${placeOf(parameter)}`);
  return value;
}

function fromObject(values: { readonly [name: string]: Json }): (parameter: Parameter) => Json {
  return ({ text }) => {
    if (text === '?') throw bindError('a plain ? takes a list of values, not an object');
    for (const name of [text.slice(1), text]) {
      const value = Object.hasOwn(values, name) ? values[name] : undefined;
      if (value !== undefined) return value;
    }
    throw bindError(`no value for parameter ${text}`);
  };
}

/** What a refusal calls it: its text, or its position where that says nothing. */
function placeOf({ text, index }: Parameter): string {
  return text === '?' ? String(index) : text;
}

function toBound(parameter: string, value: Json): Bound {
  if (typeof value === 'string') return toText(parameter, value);
  if (typeof value === 'number' && !Number.isFinite(value)) {
    throw bindError(`the value of parameter ${parameter} is beyond what a REAL holds`);
  }
  if (typeof value === 'boolean') return value ? 1n : 0n;
  if (typeof value === 'object' && value !== null) return toBlob(parameter, value);
  if (typeof value === 'bigint' && BigInt.asIntN(64, value) !== value) {
    throw bindError(`the value of parameter ${parameter} does not fit in 64 bits`);
  }
  return value;
}

function toText(parameter: string, value: string): string {
  const problem = unicodeProblem(value);
  if (problem !== null) throw bindError(`the value of parameter ${parameter} ${problem}`);
  return value;
}

/** JSON has no bytes: `{"base64": "..."}` is a BLOB, in either alphabet, padded or not. */
function toBlob(parameter: string, value: Json[] | JsonObject): Buffer {
  const { base64, ...others } = Array.isArray(value) ? {} : value;
  if (base64 === undefined || Object.keys(others).length > 0) {
    throw bindError(
      `the value of parameter ${parameter} must be a string, a number, a boolean, null, or {"base64": "..."} for a BLOB`,
    );
  }
  const text = typeof base64 === 'string' ? base64.replace(/={0,2}$/, '') : null;
  if (text === null || !/^[A-Za-z0-9+/_-]*$/.test(text) || text.length % 4 === 1) {
    throw bindError(`the value of parameter ${parameter} is not valid base64`);
  }
  return Buffer.from(text, 'base64');
}

function bindError(message: string): ApiError {
  return new ApiError('SQL_BIND_ERROR', message);
}
