// Edits of JSON texts against the same edits of what JSON.parse makes of them, on texts written in every way that JSON
// allows.
import { inspect, isDeepStrictEqual } from 'node:util';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { isObject, type Json } from '../../../server/messages/json.ts';
import { append, findAt, isArray, isNull, removeElement, setAt } from '../../../server/messages/json-edit.ts';
import { arrayIndex, type JsonPath } from '../../../server/messages/json-path.ts';
import { compactJson, elementsOf, textOf } from '../../../server/messages/json-text.ts';

const space = fc.constantFrom('', '', ' ', '\n\t', '\r\n  ');
const scalar = fc.oneof(
  fc.constantFrom('1.0', '1e400', '-0', '1E+2', '1234567890123456789012', '0.10', 'true', 'false', 'null'),
  fc.constantFrom('"\\u0041"', '"a\\/b"', '"\\ud800"', '""', '"]"', '"{\\"a\\":[1,"', '"\\\\"', '"\\\\\\""', '" , "'),
  fc.string({ unit: 'grapheme' }).map((text) => JSON.stringify(text)),
);
/** Some name the same member, in other words. */
const name = fc.constantFrom('"a"', '"\\u0061"', '"b"', '"2"', '"1"', '"__proto__"', '"constructor"', '""', '"a\\"b"');

const { document } = fc.letrec<{ document: string; array: string; object: string }>((tie) => ({
  document: fc
    .tuple(space, fc.oneof({ maxDepth: 4 }, scalar, tie('array'), tie('object')), space)
    .map(([before, value, after]) => before + value + after),
  array: fc
    .tuple(space, fc.array(tie('document'), { maxLength: 4 }))
    .map(([inside, items]) => (items.length === 0 ? `[${inside}]` : `[${items.join(',')}]`)),
  object: fc
    .tuple(space, fc.array(fc.tuple(space, name, space, tie('document')), { maxLength: 4 }))
    .map(([inside, members]) => {
      const texts = members.map(([before, text, after, value]) => `${before}${text}${after}:${value}`);
      return members.length === 0 ? `{${inside}}` : `{${texts.join(',')}}`;
    }),
}));
const path = fc.array(
  fc.oneof(fc.constantFrom('a', 'b', '1', '2', '0', '-1', '__proto__', '', 'a"b'), fc.integer({ min: -3, max: 4 })),
  { maxLength: 4 },
);
const runs = { numRuns: 3_000 };

const isIndex = (segment: string | number) => /^-?\d+$/.test(String(segment));

function partOf(value: Json | undefined, segment: string | number): Json | undefined {
  if (Array.isArray(value)) return isIndex(segment) ? value[arrayIndex(value, Number(segment))] : undefined;
  if (value === undefined || !isObject(value)) return undefined;
  return Object.hasOwn(value, String(segment)) ? value[String(segment)] : undefined;
}

/** The value with the leaf, or undefined where it cannot stand there. */
function edited(value: Json | undefined, [segment, ...rest]: JsonPath, leaf: Json): Json | undefined {
  if (segment === undefined) return leaf;
  const parent = value ?? (typeof segment === 'number' ? [] : {});
  const inner = edited(partOf(parent, segment), rest, leaf);
  if (inner === undefined) return undefined;
  if (Array.isArray(parent)) {
    const index = arrayIndex(parent, Number(segment));
    if (!isIndex(segment) || index < 0 || index > parent.length) return undefined;
    return Object.assign([...parent], { [index]: inner });
  }
  if (!isObject(parent) || typeof segment === 'number') return undefined;
  const copy = Object.defineProperties({}, Object.getOwnPropertyDescriptors(parent)) as typeof parent;
  return Object.defineProperty(copy, segment, { value: inner, enumerable: true, writable: true, configurable: true });
}

/** How much of a text is left at its two ends in another. */
function keptChars(text: string, other: string): number {
  const most = Math.min(text.length, other.length);
  let front = 0;
  while (front < most && text[front] === other[front]) front += 1;
  let back = 0;
  while (back < most - front && text.at(-1 - back) === other.at(-1 - back)) back += 1;
  return front + back;
}

/** Not vitest's own: it takes a member named `constructor` for a class. */
function expectSame(left: unknown, right: unknown): void {
  if (!isDeepStrictEqual(left, right)) throw new Error(`${inspect(left)} is not ${inspect(right)}`);
}

describe('at any path of any text', () => {
  test('what is found is what JSON.parse finds', () => {
    fc.assert(
      fc.property(document, path, (text, at) => {
        const found = findAt(text, at);
        const expected = at.reduce<Json | undefined>(partOf, JSON.parse(text));
        expectSame(found === undefined ? undefined : JSON.parse(textOf(text, found)), expected);
      }),
      runs,
    );
  });

  test('a leaf is set as in the parsed value, and all that is not addressed keeps its bytes', () => {
    fc.assert(
      fc.property(document, path, scalar, (text, at, leaf) => {
        const expected = edited(JSON.parse(text), at, JSON.parse(leaf));
        if (expected === undefined) {
          expect(() => setAt(text, at, leaf)).toThrow(expect.objectContaining({ code: 'INVALID_PARAMETERS' }));
          return;
        }
        const result = setAt(text, at, leaf);
        expectSame(JSON.parse(result), expected);
        const found = findAt(text, at);
        if (found !== undefined) expect(result).toBe(text.slice(0, found.start) + leaf + text.slice(found.end));
        // A parent that is null makes room for a new one.
        else expect(keptChars(text, result)).toBeGreaterThanOrEqual(text.length - 'null'.length);
      }),
      runs,
    );
  });

  test('an array gains and loses elements as the parsed one, and all others keep their bytes', () => {
    fc.assert(
      fc.property(document, path, scalar, fc.nat(4), (text, at, element, index) => {
        const found = findAt(text, at);
        if (found === undefined || !isArray(text, found)) return;
        const list = elementsOf(text, found);
        const parsed = JSON.parse(textOf(text, found)) as Json[];
        const longer = append(text, found, list, element);
        const leaf = (value: string) => JSON.parse(textOf(value, findAt(value, at) ?? { start: 0, end: 0 }));
        expectSame(leaf(longer), [...parsed, JSON.parse(element)]);
        expect(keptChars(text, longer)).toBe(text.length);
        const removed = list[index];
        if (removed === undefined) return;
        const shorter = removeElement(text, list, index);
        expectSame(leaf(shorter), parsed.toSpliced(index, 1));
        const others = list.filter((other) => other !== removed).map((other) => textOf(text, other));
        expect(elementsOf(shorter, findAt(shorter, at) ?? found).map((other) => textOf(shorter, other))).toEqual(
          others,
        );
        expect(shorter.startsWith(text.slice(0, found.start))).toBe(true);
        expect(shorter.endsWith(text.slice(found.end))).toBe(true);
      }),
      runs,
    );
  });

  test('white space goes and nothing else', () => {
    fc.assert(
      fc.property(document, (text) => {
        const compact = compactJson(text);
        expectSame(JSON.parse(compact), JSON.parse(text));
        expect(compactJson(compact)).toBe(compact);
        expect(compact.replace(/[ \n\r\t]/g, '')).toBe(text.replace(/[ \n\r\t]/g, ''));
        expect(compact.replace(/"(\\.|[^"\\])*"/g, '')).not.toMatch(/[ \n\r\t]/);
      }),
      runs,
    );
  });
});

test('a document that would be nested too deeply is refused', () => {
  const deep = '['.repeat(900) + ']'.repeat(900);
  const at = Array.from({ length: 200 }, () => 'a');
  expect(() => setAt('{}', at, deep)).toThrow(/nested deeper than 1000/);
  expect(isNull(setAt('{}', ['a'], 'null'), { start: 5, end: 9 })).toBe(true);
});
