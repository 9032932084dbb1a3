// Reads and edits a JSON text at a path. What the path does not lead to keeps its bytes: numbers and strings as they
// were written, the order of members, members that come twice, white space. Texts are those that parseJson has
// accepted.
import { ApiError } from './errors.ts';
import { checkDepth } from './json.ts';
import { arrayIndex, invalidPath, type JsonPath } from './json-path.ts';
import { elementsOf, memberOf, membersOf, replaceSpan, rootOf, type Span, textOf } from './json-text.ts';

/** Where the value at the path stands, or undefined. */
export function findAt(text: string, path: JsonPath): Span | undefined {
  let at: Span | undefined = rootOf(text);
  for (const segment of path) at = at === undefined ? undefined : partAt(text, at, segment);
  return at;
}

/**
 * The text with `leaf` at the path. Missing parents, and those that are null, are made: an object, or an array where
 * the segment is an index.
 * @throws ApiError INVALID_PARAMETERS where a parent is a plain value, an index leaves a hole, or the result is nested
 * too deeply
 */
export function setAt(text: string | undefined, path: JsonPath, leaf: string): string {
  return checked(text === undefined ? made(path, leaf) : withLeaf(text, path, leaf));
}

/**
 * The array with one more element at its end. @throws ApiError INVALID_PARAMETERS where the result is nested too deeply
 */
export function append(text: string, array: Span, elements: readonly Span[], element: string): string {
  return checked(insertLast(text, array, elements.at(-1), element));
}

/** Without one element, and without the comma and the white space that go with it. */
export function removeElement(text: string, elements: readonly Span[], index: number): string {
  const [before, element, after] = [elements[index - 1], elements[index], elements[index + 1]];
  if (element === undefined) return text;
  if (after !== undefined) return replaceSpan(text, { start: element.start, end: after.start }, '');
  return replaceSpan(text, { start: before?.end ?? element.start, end: element.end }, '');
}

export function isArray(text: string, { start }: Span): boolean {
  return text[start] === '[';
}

export function isNull(text: string, { start }: Span): boolean {
  return text[start] === 'n';
}

function withLeaf(text: string, path: JsonPath, leaf: string): string {
  let at = rootOf(text);
  for (const [depth, segment] of path.entries()) {
    if (isNull(text, at)) return replaceSpan(text, at, made(path.slice(depth), leaf));
    const canHold = isArray(text, at) ? isIndex(segment) : text[at.start] === '{' && typeof segment === 'string';
    if (!canHold) throw invalidPath(`leads through a value that has no member ${JSON.stringify(segment)}`);
    const part = partAt(text, at, segment);
    if (part === undefined) return withNewPart(text, at, segment, made(path.slice(depth + 1), leaf));
    at = part;
  }
  return replaceSpan(text, at, leaf);
}

function withNewPart(text: string, parent: Span, segment: string | number, part: string): string {
  if (!isArray(text, parent)) {
    const last = membersOf(text, parent).at(-1)?.value;
    return insertLast(text, parent, last, `${JSON.stringify(segment)}:${part}`);
  }
  const elements = elementsOf(text, parent);
  if (arrayIndex(elements, Number(segment)) !== elements.length) throw holeAt(segment, elements.length);
  return insertLast(text, parent, elements.at(-1), part);
}

function insertLast(text: string, parent: Span, last: Span | undefined, part: string): string {
  const at = last?.end ?? parent.start + 1;
  return replaceSpan(text, { start: at, end: at }, last === undefined ? part : `,${part}`);
}

/** A document that holds nothing but the leaf at the path. */
function made(path: JsonPath, leaf: string): string {
  return path.reduceRight<string>((inner, segment) => {
    if (typeof segment === 'string') return `{${JSON.stringify(segment)}:${inner}}`;
    if (segment !== 0) throw holeAt(segment, 0);
    return `[${inner}]`;
  }, leaf);
}

function partAt(text: string, value: Span, segment: string | number): Span | undefined {
  if (isArray(text, value)) {
    if (!isIndex(segment)) return undefined;
    const elements = elementsOf(text, value);
    return elements[arrayIndex(elements, Number(segment))];
  }
  return text[value.start] === '{' ? memberOf(text, value, String(segment)) : undefined;
}

function isIndex(segment: string | number): boolean {
  return /^-?\d+$/.test(String(segment));
}

function holeAt(segment: string | number, length: number): ApiError {
  return invalidPath(`has the index ${segment}, but the array there has ${length} elements`);
}

function checked(text: string): string {
  try {
    checkDepth(text);
    return text;
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : '';
    throw new ApiError('INVALID_PARAMETERS', `the value would become unreadable: ${reason}`, { cause });
  }
}

/** The element at a place, as it is written. */
export function elementText(text: string, elements: readonly Span[], index: number): string {
  const element = elements[index];
  return element === undefined ? 'null' : textOf(text, element);
}
