// Checks the arguments of a call against the tool's own input schema, so far as these schemas go, and says what is
// wrong in a sentence that a model can act on.
import { ApiError } from '../../../messages/errors.ts';
import { isObject, type Json, type JsonObject } from '../../../messages/json.ts';
import { unicodeProblem } from '../../../messages/unicode.ts';
import type { Schema } from '../../http/schema.ts';

/** @throws ApiError INVALID_PARAMETERS */
export function checkArguments(args: JsonObject, schema: Schema): void {
  checkObject(args, schema, 'arguments');
}

function check(value: Json, schema: Schema, what: string): void {
  if ('const' in schema && value !== schema.const) throw invalid(`${what} must be ${JSON.stringify(schema.const)}`);
  const checks: Readonly<Record<string, (value: Json, schema: Schema, what: string) => void>> = {
    string: checkText,
    integer: checkInteger,
    boolean: checkBoolean,
    array: checkList,
    object: checkObject,
  };
  const own = typeof schema.type === 'string' ? checks[schema.type] : undefined;
  if (own === undefined) checkAny(value, what);
  else own(value, schema, what);
}

function checkBoolean(value: Json, _schema: Schema, what: string): void {
  if (typeof value !== 'boolean') throw invalid(`${what} must be true or false`);
}

function checkObject(value: Json, schema: Schema, what: string): void {
  if (!isObject(value)) throw invalid(`${what} must be an object`);
  const properties = schema.properties as Readonly<Record<string, Schema>>;
  const known = Object.keys(properties);
  for (const name of (schema.required ?? []) as readonly string[]) {
    if (value[name] === undefined) throw invalid(`${what} must have "${name}"`);
  }
  for (const [name, member] of Object.entries(value)) {
    const own = Object.hasOwn(properties, name) ? properties[name] : undefined;
    if (own === undefined) throw invalid(`${what} has no "${name}"; known: ${known.join(', ') || 'none'}`);
    check(member, own, `"${name}"`);
  }
}

function checkText(value: Json, { minLength = 0, enum: words }: Schema, what: string): void {
  if (typeof value !== 'string') throw invalid(`${what} must be a string`);
  if (value.length < Number(minLength)) throw invalid(`${what} must not be empty`);
  if (Array.isArray(words) && !words.includes(value)) throw invalid(`${what} must be one of ${words.join(', ')}`);
  const problem = unicodeProblem(value);
  if (problem !== null) throw invalid(`${what} ${problem}`);
}

function checkInteger(value: Json, { minimum, maximum }: Schema, what: string): void {
  const isInside =
    typeof value === 'number' &&
    Number.isSafeInteger(value) &&
    value >= Number(minimum ?? value) &&
    value <= Number(maximum ?? value);
  if (isInside) return;
  const from = minimum === undefined ? '' : ` from ${String(minimum)}`;
  const to = maximum === undefined ? '' : ` to ${String(maximum)}`;
  throw invalid(`${what} must be an integer${from}${to}`);
}

function checkList(value: Json, { items = {}, minItems = 0, maxItems }: Schema, what: string): void {
  if (!Array.isArray(value)) throw invalid(`${what} must be a list`);
  if (value.length < Number(minItems)) throw invalid(`${what} must have at least ${String(minItems)} entry`);
  if (maxItems !== undefined && value.length > Number(maxItems)) {
    throw invalid(`${what} has at most ${String(maxItems)} entries`);
  }
  for (const [at, one] of value.entries()) check(one, items as Schema, `${what}[${at}]`);
}

/** JSON of any kind, but nothing that would be stored as something else. */
function checkAny(value: Json, what: string): void {
  if (typeof value === 'number' && !Number.isFinite(value))
    throw invalid(`${what} has a number beyond what a REAL holds`);
  if (typeof value === 'string') {
    const problem = unicodeProblem(value);
    if (problem !== null) throw invalid(`${what} ${problem}`);
  }
  if (typeof value !== 'object' || value === null) return;
  for (const one of Array.isArray(value) ? value : Object.values(value)) checkAny(one, what);
}

function invalid(message: string): ApiError {
  return new ApiError('INVALID_PARAMETERS', message);
}
