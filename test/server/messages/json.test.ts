import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type Json, parseJson, parseJsonBody, parseJsonTyped, stringifyJson } from '../../../server/messages/json.ts';

test('an integer beyond 2^53 survives reading and writing', () => {
  const text = '{"least":-9223372036854775808,"most":9223372036854775807,"safe":9007199254740991,"real":0.1}';
  expect(stringifyJson(parseJson(text))).toBe(text);
  expect(parseJson('9007199254740993')).toBe(9007199254740993n);
  expect(parseJson('[1,9007199254740991]')).toEqual([1, 9007199254740991]);
});

test('typed reading tells integers from reals', () => {
  expect(parseJsonTyped('[1, 1.0, 1e0, -0, "1"]')).toEqual([1n, 1, 1, 0n, '1']);
});

test('typed reading is the same with a real in the document and without one', () => {
  const integers = (_name: string, value: unknown) => (typeof value === 'number' ? Math.trunc(value % 1e9) : value);
  const values = fc.jsonValue().map((value) => JSON.stringify(value, integers));
  fc.assert(
    fc.property(values, (text) => {
      const [first, real] = parseJsonTyped(`[${text},0.5]`) as Json[];
      expect([first, real]).toStrictEqual([parseJsonTyped(text), 0.5]);
    }),
  );
  expect(parseJsonTyped('[-0, 999999999999999, 12345678901234567]')).toEqual([
    0n,
    999999999999999n,
    12345678901234567n,
  ]);
});

test('a document with long digits is read as JSON.parse reads it, but for the integers', () => {
  fc.assert(
    fc.property(fc.json(), (text) => {
      const padded = `{"digits":"0000000000000000","value":${text}}`;
      expect(JSON.parse(stringifyJson(parseJson(padded)))).toEqual(JSON.parse(padded));
    }),
  );
});

test.each([
  '',
  ' ',
  '{',
  '[1,]',
  '{"a":1,}',
  '{a:1}',
  '01',
  '1.',
  '.5',
  '+1',
  '"\t"',
  '"\\x"',
  '"\\u12g4"',
  'nul',
  '[1] 2',
  "'a'",
  '-',
  '1e',
])('%j is refused', (text) => {
  expect(() => parseJsonTyped(text)).toThrow(SyntaxError);
  expect(() => JSON.parse(text)).toThrow(SyntaxError);
});

test('a member named __proto__ is data', () => {
  const value = parseJsonTyped('{"__proto__":{"polluted":1}}');
  expect(Object.keys(value as object)).toEqual(['__proto__']);
  expect(({} as { polluted?: unknown }).polluted).toBeUndefined();
});

test('deep nesting is refused, not a crash', () => {
  expect(() => parseJsonTyped('['.repeat(1_000_000))).toThrow(/nested deeper/);
});

test('a body without bytes is told from one that is not JSON', () => {
  const read = (text: string) => () => parseJsonBody(Buffer.from(text), 'INVALID_PARAMETERS');
  expect(read('')).toThrow('a JSON body is required');
  expect(read(' ')).toThrow(/^the body is not valid JSON/);
});
