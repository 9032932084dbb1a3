// A result as the numbers that a chart draws. Pure.
import type { StudioValue } from '../../../messages/studio/values.ts';
import { type Chart, kindOfColumn, numberOf } from './guess.ts';
import { histogram } from './histogram.ts';

export interface Series {
  /** Ascending, as uPlot wants it: numbers, Unix seconds, or 0, 1, 2 ... for `labels`. */
  readonly x: readonly number[];
  readonly y: readonly { readonly name: string; readonly values: readonly (number | null)[] }[];
  readonly axis: 'number' | 'time' | 'labels';
  /** Names of the places of a `labels` axis. */
  readonly labels: readonly string[];
  /** Rows left out: no number on the horizontal axis, or more bars than fit. */
  readonly left: number;
}

/** More bars are thinner than a pixel. */
const mostBars = 500;

export function seriesOf(chart: Chart, columns: readonly string[], rows: readonly (readonly StudioValue[])[]): Series {
  const place = columns.indexOf(chart.x);
  const places = chart.y.map((name) => ({ name, place: columns.indexOf(name) }));
  if (chart.kind === 'histogram')
    return countsOf(
      chart.x,
      rows.map((row) => numberOf(row[place])),
    );
  const kind = kindOfColumn(rows.map((row) => row[place]));
  if (kind === 'text' || chart.kind === 'bar') {
    const shown = rows.slice(0, mostBars);
    return {
      x: shown.map((_, index) => index),
      y: places.map(({ name, place: at }) => ({ name, values: shown.map((row) => numberOf(row[at])) })),
      axis: 'labels',
      labels: shown.map((row) => labelOf(row[place])),
      left: rows.length - shown.length,
    };
  }
  const known = rows
    .flatMap((row) => {
      const x = numberOf(row[place]);
      return x === null ? [] : [{ x, row }];
    })
    .sort((one, other) => one.x - other.x);
  return {
    x: known.map(({ x }) => x),
    y: places.map(({ name, place: at }) => ({ name, values: known.map(({ row }) => numberOf(row[at])) })),
    axis: kind === 'time' ? 'time' : 'number',
    labels: [],
    left: rows.length - known.length,
  };
}

function countsOf(name: string, values: readonly (number | null)[]): Series {
  const numbers = values.filter((value) => value !== null);
  const bins = histogram(numbers);
  return {
    x: bins.map((_, index) => index),
    y: [{ name: `rows by ${name}`, values: bins.map(({ count }) => count) }],
    axis: 'labels',
    labels: bins.map(({ from, to }) => (from === to ? String(from) : `${from} to ${to}`)),
    left: values.length - numbers.length,
  };
}

const longestLabel = 24;

function labelOf(value: StudioValue | undefined): string {
  if (value === null || value === undefined) return 'NULL';
  const text = typeof value === 'string' ? value : 'int' in value ? value.int : 'real' in value ? value.real : 'BLOB';
  return text.length > longestLabel ? `${text.slice(0, longestLabel - 1)}\u2026` : text;
}
