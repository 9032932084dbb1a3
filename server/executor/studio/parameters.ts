// The values of a statement's parameters, as the studio sends them.
import { ApiError } from '../../messages/errors.ts';
import type { Statement } from '../../messages/sql-statements.ts';
import type { StudioValue } from '../../messages/studio/values.ts';
import { isCut, realOf } from '../../messages/studio-values.ts';
import { type BindArguments, bind, parametersOf } from '../sql/bind.ts';

/** `orNull`: a parameter without a value is NULL. @throws ApiError SQL_BIND_ERROR */
export function argumentsOf(
  statement: Statement,
  values: Readonly<Record<string, StudioValue>>,
  orNull: boolean,
): BindArguments {
  const parameters = parametersOf(statement);
  const named = new Map(
    Object.entries(values).map(([name, value]) => [name.replace(/^[:@$?]/, ''), jsonOf(name, value)]),
  );
  const find = (text: string, index: number) => {
    const value = named.get(text.slice(1)) ?? (named.has(text.slice(1)) ? null : named.get(String(index)));
    if (value !== undefined) return value;
    if (orNull || named.has(String(index))) return null;
    throw new ApiError('SQL_BIND_ERROR', `no value for parameter ${text === '?' ? index : text}`);
  };
  // A list by SQLite's numbers, unless every parameter has a name.
  if (parameters.every(({ text }) => !text.startsWith('?'))) {
    return bind(parameters, Object.fromEntries(parameters.map(({ text, index }) => [text, find(text, index)])));
  }
  const most = parameters.reduce((highest, { index }) => Math.max(highest, index), 0);
  const list = Array.from({ length: most }, (_, at) => {
    const parameter = parameters.find(({ index }) => index === at + 1);
    return parameter === undefined ? null : find(parameter.text, at + 1);
  });
  return bind(parameters, list);
}

function jsonOf(name: string, value: StudioValue): null | string | number | bigint | { base64: string } {
  if (value === null || typeof value === 'string') return value;
  if ('int' in value) return BigInt(value.int);
  if ('real' in value) return realOf(value.real);
  if ('blob' in value && !isCut(value)) return { base64: value.blob };
  throw new ApiError('SQL_BIND_ERROR', `the value of parameter ${name} is not a whole value`);
}
