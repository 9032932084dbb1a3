// The grid without a page: which rows and columns are shown, how keys move, what is copied.
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { copyAs, copyPlain, parsePasted } from '../../server/studio/src/grid/clipboard.ts';
import { guessWidth, layOut, scrollShowing, visibleColumns } from '../../server/studio/src/grid/columns.ts';
import { contains, type Extent, moveBy, rectangleOf, selectAt } from '../../server/studio/src/grid/selection.ts';
import {
  moveTop,
  scaleOf,
  scrollOfTop,
  topOfScroll,
  topShowing,
  visibleRows,
} from '../../server/studio/src/grid/viewport.ts';

const extent: Extent = { rows: 1_000_000, columns: 500, pageRows: 20 };

test('the scroll bar reaches the first and the last of 100 million rows, on an element that browsers can make', () => {
  const scale = scaleOf(100_000_000, 30, 600);
  expect(scale.shownPx).toBeLessThan(17_000_000);
  expect(topOfScroll(0, scale)).toBe(0);
  const last = visibleRows(topOfScroll(scale.shownPx - 600, scale), 100_000_000, scale).last;
  expect(last).toBe(99_999_999);
});

test('small movements go pixel by pixel, also on a long table', () => {
  const scale = scaleOf(100_000_000, 30, 600);
  const top = 1_500_000_000;
  const scroll = scrollOfTop(top, scale);
  expect(moveTop(top, scroll, scroll + 30, scale)).toBe(top + 30);
  expect(moveTop(top, scroll, scroll + 300_000, scale)).toBeGreaterThan(top + 1_000_000);
});

test('any place of the scroll bar and the rows it shows agree', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 50_000_000 }), fc.double({ min: 0, max: 1, noNaN: true }), (rows, part) => {
      const scale = scaleOf(rows, 30, 600);
      const top = part * Math.max(0, scale.realPx - 600);
      expect(topOfScroll(scrollOfTop(top, scale), scale)).toBeCloseTo(top, 3);
    }),
  );
});

test('a row is shown with as little movement as possible', () => {
  const scale = scaleOf(1000, 30, 600);
  expect(topShowing(5, 90, scale)).toBe(90);
  expect(topShowing(0, 90, scale)).toBe(0);
  expect(topShowing(30, 0, scale)).toBe(330);
});

test('of 500 columns only those on the screen are drawn, pinned ones always', () => {
  const columns = Array.from({ length: 500 }, (_, at) => ({ name: `c${at}`, type: '' }));
  const choices = { c7: { isPinned: true }, c8: { isHidden: true }, c9: { width: 300 } };
  const layout = layOut(
    columns,
    columns.map(() => 100),
    choices,
    50,
  );
  expect(layout.placed).toHaveLength(499);
  expect(layout.placed[0]?.column.name).toBe('c7');
  expect(layout.placed.map(({ place }) => place)).toEqual(Array.from({ length: 499 }, (_, at) => at));
  const shown = visibleColumns(layout, 20_000, 1000);
  expect(shown.length).toBeLessThan(14);
  const target = layout.placed[250];
  if (target === undefined) throw new Error('no column');
  const left = scrollShowing(target, layout, 0, 1000);
  expect(visibleColumns(layout, left, 1000)).toContain(target);
});

test('a width fits the name, and has a limit', () => {
  const column = { name: 'a_rather_long_name', type: 'TEXT' };
  expect(guessWidth(column, 0, [])).toBeGreaterThan(150);
  expect(guessWidth(column, 0, [['x'.repeat(5000)]])).toBeLessThan(400);
});

test('keys move as the APG grid pattern says, and stay within the table', () => {
  const at = (row: number, column: number) => selectAt({ row, column });
  const cursor = (key: string, from = at(5, 5)) => moveBy(key, from, extent)?.cursor;
  expect(cursor('ArrowDown')).toEqual({ row: 6, column: 5 });
  expect(cursor('ArrowUp', at(0, 5))).toEqual({ row: -1, column: 5 });
  expect(cursor('ArrowLeft', at(5, 0))).toEqual({ row: 5, column: -1 });
  expect(cursor('Home')).toEqual({ row: 5, column: 0 });
  expect(cursor('End')).toEqual({ row: 5, column: 499 });
  expect(cursor('Ctrl+End')).toEqual({ row: 999_999, column: 499 });
  expect(cursor('Ctrl+Home')).toEqual({ row: 0, column: 0 });
  expect(cursor('PageDown', at(999_995, 5))).toEqual({ row: 999_999, column: 5 });
  expect(cursor('PageUp', at(3, 5))).toEqual({ row: 0, column: 5 });
  expect(moveBy('x', at(0, 0), extent)).toBeUndefined();
});

test('Shift extends a rectangle; a row number stands for its whole row, a head for its whole column', () => {
  const down = moveBy('Shift+ArrowDown', selectAt({ row: 5, column: 5 }), extent);
  const right = moveBy('Shift+ArrowRight', down ?? selectAt({ row: 0, column: 0 }), extent);
  if (right === undefined) throw new Error('no move');
  const rectangle = rectangleOf(right, extent);
  expect(rectangle).toEqual({ top: 5, bottom: 6, left: 5, right: 6 });
  expect(contains(rectangle, 6, 6)).toBe(true);
  expect(rectangleOf(selectAt({ row: 3, column: -1 }), extent)).toEqual({ top: 3, bottom: 3, left: 0, right: 499 });
  expect(rectangleOf(selectAt({ row: -1, column: 2 }), extent)).toEqual({ top: 0, bottom: 999_999, left: 2, right: 2 });
});

test('one cell is copied as it is; several so that a spreadsheet keeps the cells', () => {
  const columns = ['a', 'b'];
  expect(copyPlain({ columns: ['a'], rows: [['line 1\nline 2']] })).toBe('line 1\nline 2');
  expect(copyPlain({ columns, rows: [['a\tb', { int: '1' }]] })).toBe('"a\tb"\t1');
});

test('whatever is copied as tab-separated text is pasted as the same cells', () => {
  const cell = fc.string({ unit: fc.constantFrom('a', '"', '\t', '\n', ' ', '\u00e9') });
  fc.assert(
    fc.property(fc.array(fc.array(cell, { minLength: 2, maxLength: 2 }), { minLength: 1, maxLength: 4 }), (rows) => {
      expect(parsePasted(copyAs('tsv', { columns: ['a', 'b'], rows }))).toEqual(rows);
    }),
  );
});

test('each format writes NULL, texts and exact integers in its own way', () => {
  const cells = {
    columns: ['id', 'a"b'],
    rows: [
      [{ int: '9007199254740993' }, "it's"],
      [{ int: '2' }, null],
      [{ int: '3' }, ''],
    ],
    table: 'select',
  };
  expect(copyAs('csv', cells)).toBe('id,"a""b"\r\n9007199254740993,it\'s\r\n2,\r\n3,""\r\n');
  expect(copyAs('json', cells)).toContain('{"id": 9007199254740993, "a\\"b": "it\'s"}');
  expect(copyAs('insert', cells).split('\n')[0]).toBe(
    `INSERT INTO "select" ("id", "a""b") VALUES (9007199254740993, 'it''s');`,
  );
  expect(copyAs('in list', { columns: ['id'], rows: [['a'], ['a'], [null]] })).toBe("('a')");
});
