// Moments and rows of the time line, in words.
import { expect, test } from 'vitest';
import type { Commit } from '../../server/studio/src/past/answers.ts';
import { inOrder, rowParts, timeOfMoment } from '../../server/studio/src/past/words.ts';

const commit = (bookmark: string, time: string): Commit => ({
  bookmark,
  time,
  number: 1,
  kind: 'commit',
  writer: null,
  pages: 1,
  page_size: 4096,
});
const early = commit('0000abcd-000000000001', '2026-11-28T10:00:00.000Z');
const late = commit('0000abcd-000000000002', '2026-11-28T10:00:00.000Z');

test('the earlier one of two moments comes first, whether it is a bookmark, a time or now', () => {
  const known = [late, early];
  const ordered: readonly (readonly [string, string])[] = [
    [early.bookmark, late.bookmark],
    [early.bookmark, 'now'],
    ['2026-11-28T09:00:00Z', early.bookmark],
    [early.bookmark, '2026-11-28T10:00:00.001Z'],
    ['2026-11-28T09:00:00Z', '2026-11-28T09:00:01Z'],
    ['2026-11-28T09:00:00Z', 'now'],
  ];
  for (const [one, other] of ordered) {
    expect(inOrder(one, other, known)).toEqual([one, other]);
    expect(inOrder(other, one, known)).toEqual([one, other]);
  }
  expect(timeOfMoment('0000abcd-000000000009', known)).toBeNaN();
});

test('a row that changed shows its key and the columns that differ; one that came or went shows all', () => {
  const from = { id: 1, name: 'Ada', age: null };
  const to = { id: 1, name: 'Eve', age: null };
  expect(rowParts({ op: 'changed', key: { id: 1 }, from, to })).toEqual({
    key: 'id 1',
    cells: [{ name: 'name', from: 'Ada', to: 'Eve' }],
  });
  expect(rowParts({ op: 'added', key: { id: 1 }, from: null, to }).cells).toEqual([
    { name: 'name', from: undefined, to: 'Eve' },
    { name: 'age', from: undefined, to: null },
  ]);
});
