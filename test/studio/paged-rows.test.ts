// Rows page by page over a server that is a function: what is asked, what is kept, how guessed numbers become right.
import { expect, test } from 'vitest';
import type { StudioRow, StudioRows } from '../../server/messages/studio/rows.ts';
import { type FetchPage, type From, PagedRows, pageRows } from '../../server/studio/src/grid/paged-rows.ts';
import { eventually } from '../helpers/eventually.ts';

/**
 * A table of `count` rows with their numbers as keys; cursors are numbers, too. `skew` makes fractions miss by so many
 * rows.
 */
function tableOf(count: { rows: number }, asked: (From | undefined)[], skew = 0): FetchPage {
  const row = (number: number): StudioRow => ({
    key: [{ int: `${number}` }],
    at: `${number}`,
    values: [{ int: `${number}` }],
  });
  return async (from, limit, signal): Promise<StudioRows> => {
    asked.push(from);
    await new Promise((resolve) => setTimeout(resolve, 1));
    signal.throwIfAborted();
    const first = Math.max(0, firstOf(from, count.rows, limit, skew));
    const last = Math.min(count.rows, first + limit);
    return {
      columns: ['id'],
      rows: Array.from({ length: Math.max(0, last - first) }, (_, at) => row(first + at)),
      previous: first === 0 ? null : `${first}`,
      next: last >= count.rows ? null : `${last - 1}`,
      ms: 1,
    };
  };
}

function firstOf(from: From | undefined, rows: number, limit: number, skew: number): number {
  if (from === undefined) return 0;
  if (from === 'end') return rows - limit;
  if ('after' in from) return Number(from.after) + 1;
  if ('before' in from) return Number(from.before) - limit;
  if ('at' in from) return Number(from.at);
  return Math.round(from.fraction * rows) + skew;
}

const valueAt = (rows: PagedRows, index: number) => rows.row(index)?.values[0];

test('a first page, and the next one when the screen comes near its end', async () => {
  const asked: (From | undefined)[] = [];
  const rows = new PagedRows(tableOf({ rows: 1_000_000 }, asked));
  rows.need(0, 30);
  await eventually(() => expect(valueAt(rows, 0)).toEqual({ int: '0' }));
  expect(asked).toEqual([undefined]);
  rows.need(120, 150);
  await eventually(() => expect(valueAt(rows, pageRows + 5)).toEqual({ int: `${pageRows + 5}` }));
  expect(asked).toEqual([undefined, { after: `${pageRows - 1}` }]);
  rows.stop();
});

test('a jump reads by fraction, and numbers are guessed until an end is met', async () => {
  const asked: (From | undefined)[] = [];
  const rows = new PagedRows(tableOf({ rows: 100_000 }, asked, 7));
  rows.need(0, 30);
  await eventually(() => expect(rows.hasAnswer).toBe(true));
  rows.setCount(100_000, true);
  rows.need(50_000, 50_030);
  await eventually(() => expect(rows.row(50_010)).toBeDefined());
  expect(rows.isNumbered).toBe(false);
  let shifted = 0;
  rows.onShift((by) => {
    shifted += by;
  });
  rows.need(99_999, 99_999);
  await eventually(() => expect(valueAt(rows, 99_999)).toEqual({ int: '99999' }));
  expect(rows.isNumbered).toBe(true);
  expect(shifted).toBe(0);
  rows.stop();
});

test('guessed numbers are corrected at the beginning, and the screen is told by how many rows', async () => {
  const rows = new PagedRows(tableOf({ rows: 2000 }, [], 40));
  rows.need(0, 30);
  await eventually(() => expect(rows.hasAnswer).toBe(true));
  rows.setCount(2000, true);
  rows.need(1000, 1030);
  await eventually(() => expect(rows.isNumbered).toBe(false));
  const shifts: number[] = [];
  let first = 1000;
  rows.onShift((by) => {
    shifts.push(by);
    first += by;
  });
  await eventually(() => {
    first = Math.max(0, first - 50);
    rows.need(first, first + 30);
    expect(valueAt(rows, 0)).toEqual({ int: '0' });
    expect(rows.isNumbered).toBe(true);
  });
  expect(valueAt(rows, 100)).toEqual({ int: '100' });
  rows.stop();
});

test('rows that came since the count are reached', async () => {
  const table = { rows: 150 };
  const rows = new PagedRows(tableOf(table, []));
  rows.need(0, 30);
  await eventually(() => expect(rows.isExact).toBe(true));
  expect(rows.count).toBe(150);
  table.rows = 500;
  await rows.reload();
  expect(rows.count).toBeGreaterThan(150);
  await eventually(() => {
    rows.need(rows.count - 20, rows.count - 1);
    expect(rows.count).toBe(500);
  });
  expect(valueAt(rows, 499)).toEqual({ int: '499' });
  rows.stop();
});

test('a page that fails is told, and tried again when it is needed', async () => {
  let isBroken = true;
  const good = tableOf({ rows: 10 }, []);
  const rows = new PagedRows((...args) => (isBroken ? Promise.reject(new Error('away')) : good(...args)));
  rows.need(0, 30);
  await eventually(() => expect(rows.error.value).toBeInstanceOf(Error));
  isBroken = false;
  rows.need(0, 30);
  await eventually(() => expect(rows.error.value).toBeNull());
  expect(rows.count).toBe(10);
  rows.stop();
});

test('cells that others changed are named for a moment after a reload', async () => {
  const good = tableOf({ rows: 3 }, []);
  let value = 'before';
  const rows = new PagedRows(async (...args) => {
    const page = await good(...args);
    return { ...page, rows: page.rows.map((row, at) => (at === 1 ? { ...row, values: [value] } : row)) };
  });
  rows.need(0, 2);
  await eventually(() => expect(rows.hasAnswer).toBe(true));
  value = 'after';
  await rows.reload({ flash: true });
  expect([...rows.changed]).toEqual([['[{"int":"1"}]', new Set([0])]]);
  await eventually(() => expect(rows.changed.size).toBe(0));
  rows.stop();
});

test('an answer that would move a row on the screen is dropped where none may move', async () => {
  const good = tableOf({ rows: 5 }, []);
  let gone = -1;
  const rows = new PagedRows(async (...args) => {
    const page = await good(...args);
    return { ...page, rows: page.rows.filter((_, at) => at !== gone) };
  });
  rows.need(0, 2);
  await eventually(() => expect(rows.hasAnswer).toBe(true));
  gone = 4; // below the screen
  expect(await rows.reload({ mayMove: () => false })).toBe(true);
  gone = 1;
  expect(await rows.reload({ mayMove: () => false })).toBe(false);
  expect(valueAt(rows, 1)).toEqual({ int: '1' });
  expect(await rows.reload()).toBe(true);
  expect(valueAt(rows, 1)).toEqual({ int: '2' });
  rows.stop();
});

test('a table that was left is read where it was left; numbers are guesses until an end is met', async () => {
  const asked: (From | undefined)[] = [];
  const rows = new PagedRows(tableOf({ rows: 5000 }, asked));
  rows.startAt(3000, '3010', 5000); // ten rows have come before it since
  expect(rows.count).toBe(5000);
  rows.need(3000, 3030);
  await eventually(() => expect(valueAt(rows, 3000)).toEqual({ int: '3010' }));
  expect(asked[0]).toEqual({ at: '3010' });
  expect(rows.isNumbered).toBe(false);
  rows.stop();
});

test('a table whose rows from there on are gone is read from its beginning', async () => {
  const asked: (From | undefined)[] = [];
  const rows = new PagedRows(tableOf({ rows: 50 }, asked));
  rows.startAt(3000, '3010', 5000);
  rows.need(3000, 3030);
  await eventually(() => expect(valueAt(rows, 0)).toEqual({ int: '0' }));
  expect(asked).toEqual([{ at: '3010' }, undefined]);
  expect(rows.count).toBe(50);
  rows.stop();
});
