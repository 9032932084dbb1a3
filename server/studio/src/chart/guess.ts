// Which chart suits a result, and the text that keeps the choice in the URL. Pure.
import type { StudioValue } from '../../../messages/studio/values.ts';

export const chartKinds = ['line', 'bar', 'scatter', 'histogram'] as const;
export type ChartKind = (typeof chartKinds)[number];

export interface Chart {
  readonly kind: ChartKind;
  /** Column of the horizontal axis; of a histogram the column that is counted. */
  readonly x: string;
  /** Columns of the vertical axis; none of a histogram. */
  readonly y: readonly string[];
}

export type ColumnKind = 'number' | 'time' | 'text' | 'empty';

/** What a column holds, by all of its values. NULL says nothing. */
export function kindOfColumn(values: readonly (StudioValue | undefined)[]): ColumnKind {
  const kinds = new Set(values.flatMap((value) => (value === null || value === undefined ? [] : [kindOf(value)])));
  if (kinds.size === 0) return 'empty';
  const [only = 'text'] = kinds;
  return kinds.size === 1 ? only : 'text';
}

function kindOf(value: Exclude<StudioValue, null>): Exclude<ColumnKind, 'empty'> {
  if (typeof value === 'string') return timeOf(value) === null ? 'text' : 'time';
  return 'int' in value || 'real' in value ? 'number' : 'text';
}

const isoTime = /^\d{4}-\d\d(?:-\d\d(?:[T ]\d\d:\d\d(?::\d\d(?:\.\d+)?)?(?:Z|[+-]\d\d:?\d\d)?)?)?$/;

/** Unix seconds of a date as SQLite writes it (UTC unless it says otherwise), or null. */
export function timeOf(text: string): number | null {
  if (!isoTime.test(text)) return null;
  const hasZone = /(?:Z|[+-]\d\d:?\d\d)$/.test(text.slice(10));
  const normal = text.length <= 7 ? `${text}-01` : text.replace(' ', 'T');
  const ms = Date.parse(hasZone || normal.length <= 10 ? normal : `${normal}Z`);
  return Number.isNaN(ms) ? null : ms / 1000;
}

/** The number that an axis shows, or null for NULL and what is no number. */
export function numberOf(value: StudioValue | undefined): number | null {
  if (value === null || value === undefined) return null;
  if (typeof value === 'string') return timeOf(value);
  const text = 'int' in value ? value.int : 'real' in value ? value.real : 'NaN';
  const number = Number(text);
  return Number.isFinite(number) ? number : null;
}

/** Null: nothing in the result can be drawn. */
export function guessChart(columns: readonly string[], rows: readonly (readonly StudioValue[])[]): Chart | null {
  const kinds = columns.map((_, place) => kindOfColumn(rows.map((row) => row[place])));
  const named = (wanted: ColumnKind) => columns.filter((_, place) => kinds[place] === wanted);
  const numbers = named('number');
  const [time] = named('time');
  const [text] = named('text');
  if (time !== undefined && numbers.length > 0) return { kind: 'line', x: time, y: numbers.slice(0, 3) };
  if (text !== undefined && numbers.length > 0) {
    const values = numbers.filter((name) => !/(^|_)id$/i.test(name));
    const sorted = values.find((name) => isSorted(rows, columns.indexOf(name)));
    return { kind: 'bar', x: text, y: [sorted ?? values[0] ?? numbers[0] ?? text] };
  }
  const [first, second] = numbers;
  if (first === undefined) return null;
  if (second === undefined) return { kind: 'histogram', x: first, y: [] };
  return { kind: isRising(rows, columns.indexOf(first)) ? 'line' : 'scatter', x: first, y: [second] };
}

function isRising(rows: readonly (readonly StudioValue[])[], place: number): boolean {
  let before = Number.NEGATIVE_INFINITY;
  for (const row of rows) {
    const number = numberOf(row[place]);
    if (number === null || number <= before) return false;
    before = number;
  }
  return true;
}

/** The rows go up or down by this column: it is what their reader has asked for. */
function isSorted(rows: readonly (readonly StudioValue[])[], place: number): boolean {
  const values = rows.map((row) => numberOf(row[place]));
  if (values.some((value) => value === null) || values[0] === values.at(-1)) return false;
  const steps = values.slice(1).map((value, at) => (value ?? 0) - (values[at] ?? 0));
  return steps.every((step) => step >= 0) || steps.every((step) => step <= 0);
}

/** `line:month:sales,costs`, each name percent-encoded. */
export function formatChart({ kind, x, y }: Chart): string {
  return [kind, encodeURIComponent(x), y.map(encodeURIComponent).join(',')].join(':');
}

/** Null for what formatChart never writes, and for columns that the result does not have. */
export function parseChart(text: string, columns: readonly string[]): Chart | null {
  const [kindText, xText = '', yText = ''] = text.split(':');
  const kind = chartKinds.find((known) => known === kindText);
  try {
    const x = decodeURIComponent(xText);
    const y = yText === '' ? [] : yText.split(',').map(decodeURIComponent);
    const known = [x, ...y].every((name) => columns.includes(name));
    return kind === undefined || !known || (kind !== 'histogram' && y.length === 0) ? null : { kind, x, y };
  } catch {
    return null; // not percent-encoding
  }
}
