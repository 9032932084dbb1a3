// The difference of two versions of a value.
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type DiffLine, difference, folded, sideBySide } from '../../server/studio/src/kv/difference.ts';

const textOf = ({ parts }: DiffLine) => parts.map(({ text }) => text).join('');
const shown = (before: string, after: string) =>
  difference(before, after).lines.map((line) => `${{ same: ' ', removed: '-', added: '+' }[line.kind]}${textOf(line)}`);

test('a changed line is shown as what went and what came, with the words that differ marked', () => {
  const { lines, added, removed } = difference('{\n  "mode": "light"\n}', '{\n  "mode": "dark"\n}');
  expect(lines.map(({ kind, before, after }) => [kind, before, after])).toEqual([
    ['same', 1, 1],
    ['removed', 2, null],
    ['added', null, 2],
    ['same', 3, 3],
  ]);
  expect([added, removed]).toEqual([1, 1]);
  expect(lines[1]?.parts.filter(({ changed }) => changed).map(({ text }) => text)).toEqual(['light']);
  expect(lines[2]?.parts.filter(({ changed }) => changed).map(({ text }) => text)).toEqual(['dark']);
});

test('both texts can be read out of the lines, whatever they are', () => {
  const text = fc
    .array(fc.constantFrom('a', 'b', 'a b c', '', ' x'), { maxLength: 12 })
    .map((lines) => lines.join('\n'));
  fc.assert(
    fc.property(text, text, (before, after) => {
      const { lines, added, removed } = difference(before, after);
      const side = (number: 'before' | 'after') => lines.filter((line) => line[number] !== null);
      expect(side('before').map(textOf).join('\n')).toBe(before);
      expect(side('after').map(textOf).join('\n')).toBe(after);
      expect(side('after').map(({ after: number }) => number)).toEqual(side('after').map((_, index) => index + 1));
      expect(lines.filter(({ kind }) => kind === 'added')).toHaveLength(added);
      expect(lines.filter(({ kind }) => kind === 'removed')).toHaveLength(removed);
    }),
  );
});

test('a line break at the end is a difference', () => {
  expect(shown('a', 'a\n')).toEqual([' a', '+']);
  expect(shown('a', 'a')).toEqual([' a']);
});

test('texts with nothing in common are replaced as a whole, in a bounded time', () => {
  const text = (letter: string) => Array.from({ length: 20_000 }, (_, line) => `${letter}${line}`).join('\n');
  const startedMs = performance.now();
  const { added, removed } = difference(text('a'), text('b'));
  expect([added, removed]).toEqual([20_000, 20_000]);
  expect(performance.now() - startedMs).toBeLessThan(20_000);
});

test('side by side, what went stands left of what came', () => {
  const rows = sideBySide(difference('a\nb\nc\nd', 'a\nB\nd').lines);
  expect(rows.map(({ left, right }) => [left && textOf(left), right && textOf(right)])).toEqual([
    ['a', 'a'],
    ['b', 'B'],
    ['c', null],
    ['d', 'd'],
  ]);
});

test('equal lines far from a change are folded; no line is lost', () => {
  const before = Array.from({ length: 30 }, (_, line) => `line ${line}`);
  const after = before.with(15, 'changed');
  const { lines } = difference(before.join('\n'), after.join('\n'));
  const sections = folded(lines, ({ kind }) => kind === 'same');
  expect(sections.map((section) => [section.folded, section.rows.length])).toEqual([
    [true, 12],
    [false, 8],
    [true, 11],
  ]);
  expect(sections.flatMap(({ rows }) => rows)).toEqual(lines);
  expect(folded([], () => true)).toEqual([]);
});
