// Which cells of a page of rows have changed since it was read before.
import { expect, test } from 'vitest';
import type { StudioRow } from '../../server/messages/studio/rows.ts';
import type { StudioValue } from '../../server/messages/studio/values.ts';
import { changedCells, rowId } from '../../server/studio/src/live/changed-cells.ts';

const row = (id: string, ...values: StudioValue[]): StudioRow => ({
  key: [{ int: id }],
  at: id,
  values: [{ int: id }, ...values],
});

test('values that differ are changed, a moved row is not, a new row is changed as a whole', () => {
  const before = [row('1', 'a', null), row('2', 'b', { blob: 'AA==', bytes: 1 })];
  const after = [row('2', 'b', { blob: 'AA==', bytes: 1 }), row('3', 'x', null), row('1', 'a', '')];
  const changed = changedCells(before, after);
  expect([...changed.keys()]).toEqual(after.slice(1).map(rowId));
  expect(changed.get(rowId(row('1')))).toEqual(new Set([2]));
  expect(changed.get(rowId(row('3')))).toEqual(new Set([0, 1, 2]));
});

test('rows without a key are known by their values', () => {
  const keyless = (text: string): StudioRow => ({ key: null, at: '0', values: [text] });
  expect(changedCells([keyless('a')], [keyless('a')]).size).toBe(0);
  expect(changedCells([keyless('a')], [keyless('b')]).size).toBe(1);
});
