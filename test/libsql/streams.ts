// Streams of libSQL over HTTP, request by request.
import { expect } from 'vitest';
import type { Api } from '../helpers/http.ts';

export interface Result {
  readonly type: string;
  // biome-ignore lint/suspicious/noExplicitAny: a test looks into answers of every shape.
  readonly response?: any;
  readonly error?: { readonly message: string; readonly code: string };
}

export interface Answered {
  readonly status: number;
  readonly baton: string | null;
  readonly results: readonly Result[];
  readonly code: string | undefined;
  readonly message: string | undefined;
}

export interface Streams {
  send(db: string, baton: string | null, ...sqls: (string | object)[]): Promise<Answered>;
  /** A database in WAL mode with an empty table `t`. */
  make(db: string): Promise<void>;
}

export function streamsOf(api: () => Api): Streams {
  const send: Streams['send'] = async (db, baton, ...sqls) => {
    const requests = sqls.map((sql) => (typeof sql === 'string' ? { type: 'execute', stmt: { sql } } : sql));
    const { status, json } = await api().call('POST', `//libsql/${db}/v3/pipeline`, { body: { baton, requests } });
    const { baton: next = null, results = [], code, message } = json;
    return { status, baton: next, results, code, message };
  };
  const make: Streams['make'] = async (db) => {
    expect(codes(await send(db, null, 'CREATE TABLE t (a)', 'PRAGMA journal_mode=wal'))).toEqual(['ok', 'ok']);
  };
  return { send, make };
}

export const codes = ({ results }: Answered) => results.map(({ error }) => error?.code ?? 'ok');

/** Of the last result. */
export const rows = ({ results }: Answered) =>
  results.at(-1)?.response.result.rows.map((row: { value: string }[]) => row.map(({ value }) => value));
