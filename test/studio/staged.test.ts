// Staged edits build on each other, and go back to nothing when a cell gets its first value back.
import { expect, test } from 'vitest';
import type { StudioColumn } from '../../server/messages/studio/schema.ts';
import type { StudioRowKey } from '../../server/messages/studio/values.ts';
import {
  addInsert,
  changeOf,
  changesFor,
  copyOfRow,
  insertsOf,
  readStaged,
  rebase,
  removeInsert,
  restoreRow,
  setCell,
  setInserted,
  stageDelete,
} from '../../server/studio/src/tables/staged.ts';

const key: StudioRowKey = [{ int: '9007199254740993' }];

test('the value first read is expected, however often the cell is edited', () => {
  const once = setCell([], 't', key, 'name', 'one', 'first');
  const twice = setCell(once, 't', key, 'name', 'two', 'one');
  expect(changesFor(twice)).toEqual([
    { kind: 'update', table: 't', key, set: { name: 'two' }, expect: { name: 'first' } },
  ]);
});

test('a cell that gets its first value back is no longer staged', () => {
  const once = setCell([], 't', key, 'name', 'one', null);
  expect(setCell(once, 't', key, 'name', null, null)).toEqual([]);
  const two = setCell(once, 't', key, 'age', { int: '1' }, { int: '2' });
  expect(changeOf(setCell(two, 't', key, 'name', null, null), 't', key)).toMatchObject({ set: { age: { int: '1' } } });
});

test("NULL, '' and 'NULL' are three values", () => {
  expect(setCell([], 't', key, 'name', '', null)).toHaveLength(1);
  expect(setCell([], 't', key, 'name', 'NULL', null)).toHaveLength(1);
  expect(setCell([], 't', key, 'name', '', '')).toHaveLength(0);
});

test('a deletion takes the place of an update, expects what was read first, and can be taken back', () => {
  const updated = setCell([], 't', key, 'name', 'new', 'first');
  const row = {
    name: 'first',
    big: { text: '\u{1f600}'.repeat(500), bytes: 9000 },
    raw: { blob: 'AAAA'.repeat(500), bytes: 9000 },
  };
  const deleted = stageDelete(updated, 't', key, row);
  const big = { text: '\u{1f600}'.repeat(100), bytes: 9000 };
  const expected = { name: 'first', big, raw: { blob: 'AAAA'.repeat(25), bytes: 9000 } };
  expect(deleted).toEqual([{ kind: 'delete', table: 't', key, expect: expected }]);
  expect(restoreRow(deleted, 't', key)).toEqual([]);
});

test('a new row has what was set, and leaves the rest to the defaults', () => {
  const added = addInsert([], 't', 'new-1', {});
  const filled = setInserted(setInserted(added, 'new-1', 'a', 'x'), 'new-1', 'b', { int: '1' });
  expect(changesFor(setInserted(filled, 'new-1', 'b', undefined))).toEqual([
    { kind: 'insert', table: 't', set: { a: 'x' } },
  ]);
  expect(insertsOf(filled, 'other')).toEqual([]);
  expect(removeInsert(filled, 'new-1')).toEqual([]);
});

test('a copy of a row has neither its key nor what SQLite computes', () => {
  const column = (name: string, primaryKey: number, generated: StudioColumn['generated']): StudioColumn => ({
    name,
    type: '',
    notNull: false,
    defaultSql: null,
    primaryKey,
    generated,
  });
  const columns = [column('id', 1, null), column('a', 0, null), column('sum', 0, 'stored')];
  expect(copyOfRow(columns, [{ int: '1' }, 'x', { int: '3' }])).toEqual({ a: 'x' });
});

test('after a conflict the edit stands over what is there now', () => {
  const [change] = setCell([], 't', key, 'name', 'mine', 'first');
  if (change === undefined) throw new Error('nothing was staged');
  expect(rebase(change, { name: 'theirs', other: '1' })).toMatchObject({
    set: { name: 'mine' },
    expect: { name: 'theirs' },
  });
  expect(rebase(change, undefined)).toBeNull();
});

test('what was saved is read back, and anything else is dropped', () => {
  const staged = addInsert(setCell([], 't', key, 'name', 'x', null), 't', 'new-1', { a: null });
  expect(readStaged(JSON.parse(JSON.stringify(staged)))).toEqual(staged);
  for (const broken of [null, {}, [1], [{ kind: 'update', table: 't' }], [{ kind: 'insert', table: 1 }]]) {
    expect(readStaged(broken)).toBeUndefined();
  }
});
