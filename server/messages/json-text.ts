// Where the parts of a JSON text stand, so that one can be read or replaced while all others keep their bytes:
// JSON.parse and JSON.stringify lose how numbers and strings were written, the order of members and those that come
// twice. Everything here takes a text that parseJson has accepted.
import { endOfString } from './json.ts';

/** From `start` (inclusive) to `end` (exclusive), in UTF-16 units. */
export interface Span {
  readonly start: number;
  readonly end: number;
}

export interface Member {
  readonly name: string;
  readonly value: Span;
}

/** The document without the white space around it. */
export function rootOf(text: string): Span {
  return valueAt(text, 0);
}

export function textOf(text: string, { start, end }: Span): string {
  return text.slice(start, end);
}

export function replaceSpan(text: string, { start, end }: Span, by: string): string {
  return text.slice(0, start) + by + text.slice(end);
}

/** Of an array. */
export function elementsOf(text: string, array: Span): Span[] {
  const elements: Span[] = [];
  for (let at = skipSpace(text, array.start + 1); text[at] !== ']'; at = nextPart(text, at)) {
    const element = valueAt(text, at);
    elements.push(element);
    at = element.end;
  }
  return elements;
}

/** Of an object, in their order. Of several members with one name the last one counts, as for JSON.parse. */
export function membersOf(text: string, object: Span): Member[] {
  const members: Member[] = [];
  for (let at = skipSpace(text, object.start + 1); text[at] !== '}'; at = nextPart(text, at)) {
    const nameEnd = endOfString(text, at);
    const name = JSON.parse(text.slice(at, nameEnd)) as string;
    const value = valueAt(text, skipSpace(text, nameEnd) + 1);
    members.push({ name, value });
    at = value.end;
  }
  return members;
}

export function memberOf(text: string, object: Span, name: string): Span | undefined {
  return membersOf(text, object).findLast((member) => member.name === name)?.value;
}

/** The text without white space between its parts. */
export function compactJson(text: string): string {
  if (!/[ \t\r\n]/.test(text)) return text;
  const parts: string[] = [];
  for (let at = skipSpace(text, 0); at < text.length; at = skipSpace(text, at)) {
    const start = at;
    while (at < text.length && !isSpace(text.charCodeAt(at))) at = text[at] === '"' ? endOfString(text, at) : at + 1;
    parts.push(text.slice(start, at));
  }
  return parts.join('');
}

/** The value that begins at a position, or after the white space there. */
function valueAt(text: string, position: number): Span {
  const start = skipSpace(text, position);
  switch (text[start]) {
    case '"':
      return { start, end: endOfString(text, start) };
    case '{':
    case '[':
      return { start, end: endOfNested(text, start) };
    default:
      return { start, end: endOfWord(text, start) };
  }
}

function endOfNested(text: string, start: number): number {
  let depth = 0;
  for (let at = start; at < text.length; at += 1) {
    const code = text.charCodeAt(at);
    if (code === 0x22) at = endOfString(text, at) - 1;
    else if (code === 0x7b || code === 0x5b) depth += 1;
    else if (code === 0x7d || code === 0x5d) depth -= 1;
    if (depth === 0) return at + 1;
  }
  return text.length;
}

/** Of a number, true, false or null. */
function endOfWord(text: string, start: number): number {
  for (let at = start; at < text.length; at += 1) {
    const code = text.charCodeAt(at);
    // , ] }
    if (code === 0x2c || code === 0x5d || code === 0x7d || isSpace(code)) return at;
  }
  return text.length;
}

/** After a value: where the next one begins, or the bracket that closes. */
function nextPart(text: string, position: number): number {
  const at = skipSpace(text, position);
  if (at >= text.length) throw new SyntaxError('JSON ends early');
  return text[at] === ',' ? skipSpace(text, at + 1) : at;
}

function skipSpace(text: string, position: number): number {
  let at = position;
  while (isSpace(text.charCodeAt(at))) at += 1;
  return at;
}

function isSpace(code: number): boolean {
  return code === 0x20 || code === 0x09 || code === 0x0a || code === 0x0d;
}
