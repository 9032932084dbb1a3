// Paths into a JSON document, as `path` names them: `a.b`, `.a.b`, `a[0]`, `a."odd.name"`, `a["x"]`, with or without a
// leading `$`; a negative index counts from the end. Edits change the document in place, which the caller has just parsed.
import { ApiError } from '../../../messages/errors.ts';
import { isObject, type Json } from '../../../messages/json.ts';

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

/** The value at the path, or undefined. */
export function getAt(document: Json, path: JsonPath): Json | undefined {
  let value: Json | undefined = document;
  for (const segment of path) value = value === undefined ? undefined : member(value, segment);
  return value;
}

/**
 * The document with `leaf` at the path. Missing parents are created: an object, or an array where the next segment is an index.
 * @throws ApiError INVALID_PARAMETERS where a parent is a plain value, or an index leaves a hole.
 */
export function setAt(document: Json | undefined, path: JsonPath, leaf: Json): Json {
  const [segment, ...rest] = path;
  if (segment === undefined) return leaf;
  const parent = document ?? (typeof segment === 'number' ? [] : {});
  if (Array.isArray(parent) && /^-?\d+$/.test(String(segment))) {
    const index = arrayIndex(parent, Number(segment));
    if (index < 0 || index > parent.length) {
      throw invalidPath(`has the index ${segment}, but the array there has ${parent.length} elements`);
    }
    parent[index] = setAt(parent[index], rest, leaf);
    return parent;
  }
  if (isObject(parent) && typeof segment === 'string') {
    const value = setAt(member(parent, segment), rest, leaf);
    Object.defineProperty(parent, segment, { value, enumerable: true, writable: true, configurable: true });
    return parent;
  }
  throw invalidPath(`leads through a value that has no member ${JSON.stringify(segment)}`);
}

function member(value: Json, segment: string | number): Json | undefined {
  if (Array.isArray(value)) {
    return /^-?\d+$/.test(String(segment)) ? value[arrayIndex(value, Number(segment))] : undefined;
  }
  return isObject(value) && Object.hasOwn(value, String(segment)) ? value[String(segment)] : undefined;
}

export function arrayIndex(array: readonly Json[], index: number): number {
  return index < 0 ? array.length + index : index;
}

/** Members in any order; integers compare by value whether they are number or bigint. */
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
  // biome-ignore lint/suspicious/noDoubleEquals: 5 and 5n are the same JSON number; types are compared for all else.
  return left === right || (isNumber(left) && isNumber(right) && left == right);
}

/** Whether every member of `part` is, equal, in `whole`. */
export function contains(whole: Json, part: Json): boolean {
  if (!isObject(whole) || !isObject(part)) return false;
  return Object.entries(part).every(([name, value]) => {
    const found = member(whole, name);
    return found !== undefined && isEqual(found, value);
  });
}

function isNumber(value: Json): value is number | bigint {
  return typeof value === 'number' || typeof value === 'bigint';
}

function unescapeName(text: string): string {
  return text.replace(/\\(.)/g, '$1');
}

function invalidPath(problem: string): ApiError {
  return new ApiError('INVALID_PARAMETERS', `"path" ${problem}; write it as a.b, a[0] or a."odd.name"`);
}
