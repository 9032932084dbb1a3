// How many statements key-value work runs: what it costs, without a clock. SQLite is asked to tell each one.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { Connection } from '../../../../server/executor/connection.ts';
import type { Implementation } from '../../../../server/executor/implementation.ts';
import { kvIncrement } from '../../../../server/executor/kv/store/atomic.ts';
import { kvBatchDelete, kvBatchSet } from '../../../../server/executor/kv/store/batch.ts';
import { kvDelete, kvGet, kvSet } from '../../../../server/executor/kv/store/store.ts';
import { type Job, runReads, runWrites } from '../../../../server/executor/run-group.ts';

const rules = { root: '/', dataDir: '/', allowAnyAbsoluteDbPath: false };
const write = { table: 'kv_store', history: true, clientIp: '10.0.0.1', conditions: {} };

let directory: string;
let connection: Connection;
let ran: string[] = [];

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'hoody-sqlite-statements-'));
  const verbose = (text: unknown) => ran.push(String(text));
  const database = new Database(join(directory, 'store.db'), { verbose });
  database.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = OFF');
  connection = new Connection(database, join(directory, 'store.db'), '');
  connection.prepareFor(Date.now(), 5000, () => {});
  // The table is made, and what is known of it is remembered.
  for (let round = 0; round < 2; round += 1) runWrites(connection, [put('k')], () => {});
  ran = [];
});
afterEach(() => {
  connection.close();
  rmSync(directory, { recursive: true });
});

const job = <Args>(operation: Implementation<Args, unknown>, args: Args): Job => ({
  run: (open) => operation.run(open, args, rules),
});
const put = (key: string) =>
  job(kvSet, { ...write, key, body: Buffer.from(`value of ${Math.random()}`), ttlSeconds: 0 });
const batchOf = (keys: readonly string[]) =>
  Buffer.from(JSON.stringify({ batch: keys.map((key) => ({ key, value: Math.random() })) }));
const keys = (count: number) => Array.from({ length: count }, (_, index) => `key ${index}`);

/** What was run, without what triggers did: `{insert: 2, ...}` by the first words. */
function statements(jobs: readonly Job[], run: 'writes' | 'reads' = 'writes'): Record<string, number> {
  ran = [];
  const { outcomes } = run === 'writes' ? runWrites(connection, jobs, () => {}) : runReads(connection, jobs);
  expect(outcomes.map(({ error }) => error)).toEqual(jobs.map(() => undefined));
  const counts: Record<string, number> = {};
  for (const text of ran) {
    const word = /^\s*(\w+)/.exec(text)?.[1];
    if (word !== undefined) counts[word] = (counts[word] ?? 0) + 1;
  }
  return counts;
}

const increment = job(kvIncrement, { ...write, key: 'count', op: 'INCR', delta: 1n });
const get = job(kvGet, { table: 'kv_store', key: 'k' });
const setBatch = (count: number) => job(kvBatchSet, { ...write, body: batchOf(keys(count)) });
const deleteBatch = (count: number) =>
  job(kvBatchDelete, { ...write, body: Buffer.from(JSON.stringify({ keys: keys(count) })) });

/** BEGIN and COMMIT of a group, and one look for each job: at the schema, at what its neighbours have written. */
const group = (jobs: number) => ({ BEGIN: 1, COMMIT: 1, PRAGMA: jobs });

describe('a group of writes', () => {
  test('a put is an update of the row and one of the log', () => {
    expect(statements([put('k')])).toEqual({ ...group(1), SELECT: 2, UPDATE: 2 });
    expect(statements(Array.from({ length: 64 }, () => put('k')))).toEqual({ ...group(64), SELECT: 128, UPDATE: 128 });
  });

  test('a put of a new key looks once whether its time is over', () => {
    expect(statements([put('new')])).toEqual({ ...group(1), SELECT: 3, UPDATE: 2, INSERT: 1 });
  });

  test('an increment reads the row once', () => {
    expect(statements([increment])).toEqual({ ...group(1), SELECT: 3, INSERT: 1, UPDATE: 1 });
    expect(statements([increment])).toEqual({ ...group(1), SELECT: 3, UPDATE: 2 });
  });

  test('a delete reads the row once', () => {
    expect(statements([job(kvDelete, { ...write, key: 'k' })])).toEqual({
      ...group(1),
      SELECT: 3,
      DELETE: 1,
      UPDATE: 1,
    });
  });

  test('a batch is one statement for each key, and few for all', () => {
    expect(statements([setBatch(100)])).toEqual({ ...group(1), SELECT: 103, UPDATE: 101, INSERT: 100 });
    expect(statements([setBatch(100)])).toEqual({ ...group(1), SELECT: 3, UPDATE: 101 });
    expect(statements([deleteBatch(100)])).toEqual({ ...group(1), SELECT: 3, DELETE: 100, UPDATE: 1 });
  });

  test('tells the server once that it commits', () => {
    const phases: string[] = [];
    connection.prepareFor(Date.now(), 5000, (phase) => phases.push(phase));
    statements([put('k'), increment, setBatch(10)]);
    expect(phases).toEqual(['committing']);
  });

  test('copies no page before its first change: neither savepoints nor statements that can be undone', () => {
    statements([put('k'), put('new'), increment, setBatch(10)]);
    expect(ran.filter((text) => /SAVEPOINT/.test(text))).toEqual([]);
    const changes = ran.filter((text) => /^(INSERT|UPDATE) .*"kv_store"/.test(text));
    expect(changes.filter((text) => !/^(INSERT OR FAIL|UPDATE OR FAIL)/.test(text))).toEqual([]);
    expect(changes).not.toEqual([]);
  });
});

test('a group of gets reads each row by one statement', () => {
  expect(statements([get], 'reads')).toEqual({ BEGIN: 1, COMMIT: 1, PRAGMA: 2, SELECT: 1 });
  expect(statements([get, get, get], 'reads')).toEqual({ BEGIN: 1, COMMIT: 1, PRAGMA: 4, SELECT: 3 });
});
