// What the page asks about the past of a database: the routes of docs/time-machine.md.
import { get, post, request } from '../api/client.ts';
import type { CommitPage, Difference, RewindPreview } from './answers.ts';

const pageCommits = 50;

export const commitsOf = (db: string, table: string, before: string | null, signal?: AbortSignal) =>
  get<CommitPage>('db/history', { db, limit: pageCommits, tables: true, table: table || null, before }, signal);

export const differenceOf = (db: string, from: string, to: string, table: string | null, rows: number) =>
  exactly<Difference>('db/diff', { db, from, to, table, rows });

/** Numbers that a JavaScript number cannot hold stay the text that was sent. */
async function exactly<T>(path: string, query: Readonly<Record<string, string | number | null>>): Promise<T> {
  const text = await (await request('GET', path, { query })).text();
  return JSON.parse(text, (_key, value, { source }: { source?: string } = {}) =>
    typeof value === 'number' && !Number.isSafeInteger(value) ? (source ?? value) : value,
  ) as T;
}

/** Rows of a state, as text: that state has its own tables and columns. */
export async function rowsAt(
  db: string,
  at: string,
  sql: string,
): Promise<readonly Readonly<Record<string, unknown>>[]> {
  const answer = await exactly<{ readonly resultSet: readonly Readonly<Record<string, unknown>>[] | null }>('query', {
    db,
    at,
    sql,
  });
  return answer.resultSet ?? [];
}

/** Absent `at`: the state before the last rewind. */
export const previewRewind = (db: string, at: string) => post<RewindPreview>('db/rewind', { db, at }, undefined);
export const rewind = (db: string, at: string) =>
  post<{ readonly changed: boolean }>('db/rewind', { db, at, confirm: 'yes' }, undefined);
export const undoRewind = (db: string) => post('db/undo', { db, confirm: 'yes' }, undefined);
export const fork = (db: string, at: string, to: string) => post('db/fork', { db, at, to }, undefined);
