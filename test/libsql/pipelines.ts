// Requests of libSQL clients outside of transactions, and the parts that they are made of.
import { expect } from 'vitest';
import type { Api } from '../helpers/http.ts';
import type { Result } from './streams.ts';

/** Runs requests as one pipeline of a stream that ends with it. */
export function pipelineOf(api: () => Api) {
  return async (db: string, ...requests: readonly object[]): Promise<readonly Result[]> => {
    const answer = await api().call('POST', `//libsql/${db}/v2/pipeline`, { body: { requests } });
    expect(answer.text).toContain('"baton":null');
    expect(answer.status).toBe(200);
    return answer.json.results;
  };
}

export const execute = (sql: string, stmt: object = {}) => ({ type: 'execute', stmt: { sql, ...stmt } });
export const step = (sql: string, condition?: object) => ({ stmt: { sql }, condition });
export const text = (value: string) => ({ type: 'text', value });
export const integer = (value: string) => ({ type: 'integer', value });
export const float = (value: number) => ({ type: 'float', value });
