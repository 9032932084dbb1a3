// Patterns as Redis matches them: the cases are those of Redis's own stringmatchlen.
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { cursorOf, keyOfCursor } from '../../../../../server/executor/kv/redis/cursor.ts';
import { globOf } from '../../../../../server/executor/kv/redis/glob.ts';

test.each([
  ['*', '', true],
  ['*', 'anything', true],
  ['', '', true],
  ['', 'a', false],
  ['h?llo', 'hello', true],
  ['h?llo', 'hllo', false],
  ['h*llo', 'heeeello', true],
  ['h[ae]llo', 'hallo', true],
  ['h[ae]llo', 'hillo', false],
  ['h[^e]llo', 'hello', false],
  ['h[a-b]llo', 'hbllo', true],
  ['h[b-a]llo', 'hallo', true],
  ['a\\*b', 'a*b', true],
  ['a\\*b', 'axb', false],
  ['a[\\]]b', 'a]b', true],
  ['a[bc', 'ab', true],
  ['a[bc', 'ad', false],
  ['a[', 'a', false],
  ['a\\', 'a\\', true],
  ['caf?', 'caf\u00e9', false],
  ['caf??', 'caf\u00e9', true],
  ['*a*b', 'xxaxxbxxb', true],
  ['[^a]', 'b', true],
  // A range of signed bytes, as in Redis.
  ['[*-\u00e9]', '-', false],
  ['[*-\u00e9]', '!', true],
  ['[]a', 'a', false],
] as const)('%j matches %j: %j', (pattern, key, expected) => {
  expect(globOf(pattern).matches(key)).toBe(expected);
});

test('a pattern of many stars takes no longer than its length times that of the key', () => {
  expect(globOf(`${'*a'.repeat(2000)}b`).matches('a'.repeat(8000))).toBe(false);
});

test('whatever matches begins with the prefix', () => {
  const pattern = fc
    .array(fc.constantFrom('a', 'b', '*', '?', '[ab]', '[^a]', '\\', '\u00e9', '['))
    .map((parts) => parts.join(''));
  const key = fc.array(fc.constantFrom('a', 'b', '*', '\u00e9', '\\')).map((parts) => parts.join(''));
  fc.assert(
    fc.property(pattern, key, (text, name) => {
      const { prefix, matches } = globOf(text);
      if (matches(name)) expect(name.startsWith(prefix)).toBe(true);
    }),
  );
  expect(globOf('user:\\*:[0-9]*').prefix).toBe('user:*:');
});

test('every key has a cursor of its own, and what is no cursor is none', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (key) => {
      const isText = Buffer.from(key).toString() === key;
      if (isText && key !== '') expect(keyOfCursor(cursorOf(key))).toBe(key);
    }),
  );
  fc.assert(fc.property(fc.bigInt(), (value) => void keyOfCursor(String(value))));
});
