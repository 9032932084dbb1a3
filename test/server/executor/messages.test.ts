// What the work of clients costs without a clock: how many statements reach SQLite, and how many messages an executor
// sends for a group. One comes from the server and one, `done`, goes back; each phase that is announced is one more.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { type CommitPhase, Connection } from '../../../server/executor/connection.ts';
import { operations } from '../../../server/executor/operations.ts';
import { type GroupOutcome, type Job, runReads, runWrites } from '../../../server/executor/run-group.ts';
import { runShared } from '../../../server/executor/run-shared.ts';
import type { Lane } from '../../../server/messages/operation.ts';

let directory: string;
let connection: Connection;
let ran: string[] = [];
let phases: CommitPhase[] = [];

beforeEach(() => {
  // A group of SQL ends where it takes long, however few statements it has run.
  vi.spyOn(performance, 'now').mockReturnValue(0);
  directory = mkdtempSync(join(tmpdir(), 'hoody-sqlite-messages-'));
  const verbose = (text: unknown) => ran.push(String(text));
  const database = new Database(join(directory, 'store.db'), { verbose });
  database.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = OFF; CREATE TABLE rows(id INTEGER PRIMARY KEY, text)');
  connection = new Connection(database, join(directory, 'store.db'), '');
});
afterEach(() => {
  vi.restoreAllMocks();
  connection.close();
  rmSync(directory, { recursive: true });
});

function jobOf(operation: string, args: object): Job {
  const row = operations.get(operation);
  if (row === undefined) throw new Error(`no operation ${operation}`);
  const rules = { root: directory, dataDir: directory, allowAnyAbsoluteDbPath: false };
  return { run: (open) => row.run(open, args, rules), share: (open) => row.share?.(open, args) ?? null };
}

const write = { table: 'kv_store', history: true, clientIp: '10.0.0.1', conditions: {} };
const json = (value: unknown) => Buffer.from(JSON.stringify(value));
const sqlJob = (operation: string, item: object) =>
  jobOf(operation, { body: json({ transaction: [item] }), clientIp: '10.0.0.1' });

const get = () => jobOf('kv.get', { table: 'kv_store', key: 'key 1' });
const put = () => jobOf('kv.set', { ...write, key: 'key 1', body: json(Math.random()), ttlSeconds: 0 });
const batch = () => {
  const entries = Array.from({ length: 100 }, (_, index) => ({ key: `key ${index}`, value: Math.random() }));
  return jobOf('kv.batchSet', { ...write, body: json({ batch: entries }) });
};
const insert = () => sqlJob('sql.transaction', { statement: 'INSERT INTO rows(text) VALUES (?)', values: ['a'] });
const select = () => sqlJob('sql.readingTransaction', { query: 'SELECT * FROM rows WHERE id = ?', values: [1] });

function run(lane: Lane, jobs: readonly Job[]): GroupOutcome {
  if (lane === 'kv-read') return runReads(connection, jobs);
  if (lane === 'kv-write') return runWrites(connection, jobs, () => phases.push('committed'));
  return runShared(connection, jobs, lane === 'sql');
}

test.each<[string, Lane, () => Job, number, { statements: number; announced: readonly CommitPhase[] }]>([
  ['a get', 'kv-read', get, 1, { statements: 5, announced: [] }],
  ['64 gets', 'kv-read', get, 64, { statements: 3 + 2 * 64, announced: [] }],
  ['a put', 'kv-write', put, 1, { statements: 7, announced: ['committing'] }],
  ['64 puts', 'kv-write', put, 64, { statements: 2 + 5 * 64, announced: ['committing'] }],
  ['a batch of 100', 'kv-write', batch, 1, { statements: 7 + 100, announced: ['committing'] }],
  ['a SELECT', 'sql-read', select, 1, { statements: 4, announced: [] }],
  ['64 SELECTs', 'sql-read', select, 64, { statements: 3 + 64, announced: ['reading'] }],
  ['an INSERT', 'sql', insert, 1, { statements: 8, announced: ['writing', 'committing', 'committed'] }],
  ['64 INSERTs', 'sql', insert, 64, { statements: 3 + 7 * 64, announced: ['writing', 'committing'] }],
])('%s: so many statements, so many messages', (_name, lane, job, count, { statements, announced }) => {
  // Tables are made, statements are prepared, and what is known of the schema is remembered.
  connection.prepareFor(Date.now(), 5_000, () => {});
  run('kv-write', [batch()]);
  for (let round = 0; round < 2; round += 1) run(lane, [job()]);
  connection.prepareFor(Date.now(), 5_000, (phase) => phases.push(phase));
  const jobs = Array.from({ length: count }, job);
  [ran, phases] = [[], []];
  const { outcomes } = run(lane, jobs);
  expect(outcomes.map(({ error }) => error)).toEqual(jobs.map(() => undefined));
  expect({ statements: ran.length, announced: phases }, ran.slice(0, 20).join('\n')).toEqual({ statements, announced });
});
