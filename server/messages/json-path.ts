// Paths into a JSON document, as `path` names them: `a.b`, `.a.b`, `a[0]`, `a."odd.name"`, `a["x"]`, with or without a
// leading `$`; a negative index counts from the end. And when two values are equal. Pure.
import { ApiError } from './errors.ts';
import { isObject, type Json } from './json.ts';

export type JsonPath = readonly (string | number)[];

const maxSegments = 256;
const step = /\.?(?:\[(-?\d{1,10})\]|\["((?:[^"\\]|\\.)*)"\]|\['((?:[^'\\]|\\.)*)'\]|"((?:[^"\\]|\\.)*)"|([^.[\]"]+))/y;

/** '', '.' and '$' are the document itself. @throws ApiError INVALID_PARAMETERS */
export function parsePath(text: string): JsonPath {
  const segments: (string | number)[] = [];
  let at = text.startsWith('$') ? 1 : 0;
  if (text.slice(at) === '.') return segments;
  while (at < text.length) {
    step.lastIndex = at;
    const match = step.exec(text);
    // A plain name needs a dot before it, except as the first segment: `a[0]b` is a slip, not a path.
    if (match === null || (match[5] !== undefined && segments.length > 0 && text[at] !== '.')) {
      throw invalidPath(`cannot be read at position ${at + 1}`);
    }
    const [, index, doubleQuoted, singleQuoted, quoted, plain] = match;
    const name = doubleQuoted ?? singleQuoted ?? quoted;
    segments.push(index !== undefined ? Number(index) : name !== undefined ? unescapeName(name) : (plain ?? ''));
    at = step.lastIndex;
    if (segments.length > maxSegments) throw invalidPath(`has more than ${maxSegments} segments`);
  }
  return segments;
}

export function arrayIndex(array: readonly unknown[], index: number): number {
  return index < 0 ? array.length + index : index;
}

/**
 * Members in any order; integers compare by value whether they are number or bigint. Numbers beyond what a double holds
 * equal nothing: which ones they were is not known any more.
 */
export function isEqual(left: Json, right: Json): boolean {
  if (Array.isArray(left)) {
    return (
      Array.isArray(right) &&
      left.length === right.length &&
      left.every((item, index) => isEqual(item, right[index] ?? null))
    );
  }
  if (isObject(left)) {
    return isObject(right) && Object.keys(left).length === Object.keys(right).length && contains(left, right);
  }
  if (typeof left === 'number' && !Number.isFinite(left)) return false;
  // biome-ignore lint/suspicious/noDoubleEquals: 5 and 5n are the same JSON number; types are compared for all else.
  return left === right || (isNumber(left) && isNumber(right) && left == right);
}

/** Whether every member of `part` is, equal, in `whole`. */
export function contains(whole: Json, part: Json): boolean {
  if (!isObject(whole) || !isObject(part)) return false;
  return Object.entries(part).every(([name, value]) => {
    const found = Object.hasOwn(whole, name) ? whole[name] : undefined;
    return found !== undefined && isEqual(found, value);
  });
}

function isNumber(value: Json): value is number | bigint {
  return typeof value === 'number' || typeof value === 'bigint';
}

function unescapeName(text: string): string {
  return text.replace(/\\(.)/g, '$1');
}

export function invalidPath(problem: string): ApiError {
  return new ApiError('INVALID_PARAMETERS', `"path" ${problem}; write it as a.b, a[0] or a."odd.name"`);
}
