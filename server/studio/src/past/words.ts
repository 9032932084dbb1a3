// Commits in words. Pure.
import type { Commit, TableChange } from './requests.ts';

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
