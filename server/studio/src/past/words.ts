// Commits in words. Pure.
import type { Commit, RowChange, TableChange } from './answers.ts';

export function writerText({ kind, writer, rewound_to: to }: Commit): string {
  if (to !== undefined) return 'rewind';
  if (kind === 'base') return 'the history begins';
  if (kind === 'resync') return 'gap: seen as one change';
  if (writer === null) return 'unknown program';
  if (writer.command === 'hoody-sqlite') return 'a client over HTTP';
  return writer.command;
}

export function placeText({ writer }: Commit): string {
  if (writer === null || writer.command === 'hoody-sqlite') return '';
  return `pid ${writer.pid} ${writer.container === 'host' ? 'on the host' : `in container ${writer.container}`}`;
}

export function changeText({ change, rows_added, rows_removed, rows_changed }: TableChange): string {
  const parts = [
    change === 'changed' || change === undefined ? '' : change,
    rows_added ? `+${rows_added}` : '',
    rows_removed ? `-${rows_removed}` : '',
    rows_changed ? `${rows_changed} changed` : '',
  ].filter((part) => part !== '');
  return parts.join(', ') || 'same rows';
}

export function cellText(value: unknown): string {
  if (value === null || value === undefined) return 'NULL';
  return typeof value === 'string' ? value : JSON.stringify(value);
}

export function quoted(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

/** Tables that the key-value store keeps for itself, and indexes that SQLite does. */
export function isOwnTable(name: string): boolean {
  return /^(hoody:|sqlite_autoindex_)/.test(name);
}

export function changedTables({ tables = [] }: Commit): readonly string[] {
  return tables.filter((name) => !isOwnTable(name));
}

/**
 * Milliseconds since 1970 of `now` (later than all), a time in RFC 3339 or the bookmark of a commit. NaN for one that
 * is not among them.
 */
export function timeOfMoment(moment: string, commits: readonly Commit[]): number {
  if (moment === 'now') return Number.POSITIVE_INFINITY;
  const commit = commits.find(({ bookmark }) => bookmark === moment);
  return Date.parse(commit?.time ?? (moment.includes(':') ? moment : ''));
}

/** The earlier one first. Bookmarks sort by time. */
export function inOrder(one: string, other: string, commits: readonly Commit[]): readonly [string, string] {
  const [oneMs, otherMs] = [timeOfMoment(one, commits), timeOfMoment(other, commits)];
  const areBookmarks = ![one, other].some((moment) => moment === 'now' || moment.includes(':'));
  return (areBookmarks ? one > other : oneMs > otherMs) ? [other, one] : [one, other];
}

export interface CellChange {
  readonly name: string;
  /** Absent: there was no row, or no such column. */
  readonly from?: unknown;
  readonly to?: unknown;
}

/** The key of a row in words, and those of its other columns that differ. */
export function rowParts({ key, from, to }: RowChange): {
  readonly key: string;
  readonly cells: readonly CellChange[];
} {
  const names = Object.keys({ ...from, ...to }).filter((name) => !(name in key));
  const differs = (name: string) => JSON.stringify(from?.[name]) !== JSON.stringify(to?.[name]);
  return {
    key: Object.entries(key)
      .map(([name, value]) => `${name} ${cellText(value)}`)
      .join(', '),
    cells: names.filter(differs).map((name) => ({ name, from: from?.[name], to: to?.[name] })),
  };
}
