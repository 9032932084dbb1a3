// Which chart a result gets, and what its URL and its bins hold.
import { describe, expect, test } from 'vitest';
import type { StudioValue } from '../../server/messages/studio/values.ts';
import { formatChart, guessChart, numberOf, parseChart, timeOf } from '../../server/studio/src/chart/guess.ts';
import { histogram } from '../../server/studio/src/chart/histogram.ts';
import { labelPlan } from '../../server/studio/src/chart/label-axis.ts';

const int = (value: number): StudioValue => ({ int: String(value) });

describe('the first guess', () => {
  test('time and numbers make a line', () => {
    expect(
      guessChart(
        ['day', 'n'],
        [
          ['2026-01-01', int(3)],
          ['2026-01-02', null],
        ],
      ),
    ).toEqual({
      kind: 'line',
      x: 'day',
      y: ['n'],
    });
  });

  test('names and a number make bars, and an id is not what they show', () => {
    expect(guessChart(['id', 'name', 'total'], [[int(1), 'Ada', int(5)]])).toEqual({
      kind: 'bar',
      x: 'name',
      y: ['total'],
    });
  });

  test('of several numbers the bars show the one that the rows are sorted by', () => {
    const rows = [
      ['Ada', int(86), int(900)],
      ['Grace', int(87), int(800)],
      ['Alan', int(85), int(800)],
    ];
    expect(guessChart(['name', 'orders', 'spent'], rows)?.y).toEqual(['spent']);
  });

  test('one number is counted in a histogram, two make points or a rising line', () => {
    expect(guessChart(['n'], [[int(1)]])?.kind).toBe('histogram');
    expect(
      guessChart(
        ['a', 'b'],
        [
          [int(1), int(1)],
          [int(2), int(1)],
        ],
      )?.kind,
    ).toBe('line');
    expect(
      guessChart(
        ['a', 'b'],
        [
          [int(2), int(1)],
          [int(1), int(1)],
        ],
      )?.kind,
    ).toBe('scatter');
  });

  test('text alone cannot be drawn', () => {
    expect(guessChart(['a'], [['x'], [null]])).toBeNull();
    expect(guessChart([], [])).toBeNull();
  });
});

test('times are UTC unless they say otherwise, and words are no times', () => {
  expect(timeOf('1970-01-02')).toBe(86_400);
  expect(timeOf('1970-01-01 00:00:10')).toBe(10);
  expect(timeOf('1970-01-01T01:00:00+01:00')).toBe(0);
  expect(timeOf('1970-02')).toBe(31 * 86_400);
  expect(timeOf('2026')).toBeNull();
  expect(numberOf({ real: 'Inf' })).toBeNull();
});

test('a choice survives its URL with any column name; a wrong one is no choice', () => {
  const chart = { kind: 'line', x: 'a:b,c', y: ['%', ''] } as const;
  expect(parseChart(formatChart(chart), ['a:b,c', '%', ''])).toEqual(chart);
  for (const wrong of ['', 'pie:a:b', 'line:a', 'line:%:b', 'bar:nowhere:b']) {
    expect(parseChart(wrong, ['a', 'b'])).toBeNull();
  }
});

describe('bins', () => {
  test('every number is in one of them', () => {
    const numbers = Array.from({ length: 1000 }, (_, n) => Math.sin(n) * 37 - 4);
    const bins = histogram(numbers);
    expect(bins.reduce((sum, { count }) => sum + count, 0)).toBe(1000);
    expect(bins.length).toBeLessThan(45);
    for (const { from, to, count } of bins) {
      expect(numbers.filter((n) => n >= from && n < to).length).toBe(count);
    }
  });

  test('equal numbers and none', () => {
    expect(histogram([5, 5])).toEqual([{ from: 5, to: 5, count: 2 }]);
    expect(histogram([])).toEqual([]);
  });
});

describe('the names below bars', () => {
  const ten = Array.from({ length: 10 }, (_, at) => `Customer number ${at}`);

  test('stand side by side where all have room, and are turned where they have not, on a phone say', () => {
    expect(labelPlan(ten, 1300)).toMatchObject({ turn: 0, space: 0 });
    const turned = labelPlan(ten, 294);
    expect(turned).toMatchObject({ turn: 45 });
    expect(ten.map(turned.shown)).toEqual(ten);
    // Each of the ten is shown, and they take no more than half of the least height of a chart.
    expect(turned.space).toBeLessThanOrEqual(294 / 10);
    expect(turned.height).toBeLessThan(120);
  });

  test('that are very long are cut, and very many leave some out', () => {
    const { shown, height } = labelPlan(['x'.repeat(1000), 'y'], 100);
    expect([shown('x'.repeat(1000)).length, shown('y')]).toEqual([18, 'y']);
    expect(height).toBeLessThan(120);
    expect(labelPlan(Array(500).fill('name'), 1300).space).toBeGreaterThan(1300 / 500);
    expect(labelPlan([], 1300).turn).toBe(0);
  });
});
