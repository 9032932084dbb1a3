// SQL of the studio over a real daemon and mount: cancelling, waiting for a lock, and what a read token may run.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { withDaemon } from '../helpers/daemon.ts';
import { eventually } from '../helpers/eventually.ts';
import { apiOf, useDaemon } from '../helpers/http.ts';
import { start } from '../helpers/process.ts';

const api = useDaemon();
const endless = 'WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n)';

/** Cancels as soon as the request is known. @returns how long its answer took from then on */
async function cancelSoon(id: string, answer: Promise<{ json: { code: string } }>): Promise<[string, number]> {
  const { call } = api();
  await eventually(async () => expect((await call('DELETE', `/studio/sql/${id}`)).status).toBe(204));
  const sinceMs = performance.now();
  return [(await answer).json.code, performance.now() - sinceMs];
}

test('what runs is cancelled by its id: a read, a write before its COMMIT, and a wait for a lock', async () => {
  const { call, sql, daemon } = api();
  await sql('cancel', { statement: 'CREATE TABLE t (i)' }, { statement: 'INSERT INTO t VALUES (1)' });
  const run = (id: string, text: string) => call('POST', '/studio/sql?db=cancel', { body: { id, sql: text } });

  const read = await cancelSoon('read', run('read', `${endless} SELECT count(*) FROM n`));
  expect(read).toEqual(['CANCELLED', expect.toSatisfy((ms: number) => ms < 10_000)]);
  const write = await cancelSoon('write', run('write', `DELETE FROM t; INSERT INTO t ${endless} SELECT i FROM n`));
  expect(write).toEqual(['CANCELLED', expect.toSatisfy((ms: number) => ms < 10_000)]);
  expect((await run('after', 'SELECT count(*) FROM t')).json.results[0].rows).toEqual([[{ int: '1' }]]);

  const script = `import sqlite3, sys
c = sqlite3.connect('${daemon.mount}/cancel.db', isolation_level=None)
c.execute('BEGIN IMMEDIATE')
print('locked', flush=True)
sys.stdin.read()`;
  const python = start('python3', ['-c', script]);
  try {
    await eventually(() => expect(python.stdout()).toContain('locked'));
    const waiting = run('waiting', 'INSERT INTO t VALUES (2)');
    await eventually(async () => {
      const { json } = await call('GET', '/locks?db=cancel');
      expect(json.databases[0]?.waiters.length ?? 0).toBeGreaterThan(0);
    });
    expect(await cancelSoon('waiting', waiting)).toEqual(['CANCELLED', expect.toSatisfy((ms: number) => ms < 10_000)]);

    const late = await call('POST', '/studio/sql?db=cancel&timeout=3', { body: { sql: 'INSERT INTO t VALUES (3)' } });
    expect(late.json).toMatchObject({ code: 'DATABASE_BUSY', holder: { command: 'python3', pid: python.pid } });
    expect(late.json.waitedMs).toBeGreaterThan(1_000);
  } finally {
    python.process.kill('SIGKILL');
    await python.finished;
  }
  expect((await call('DELETE', '/studio/sql/nothing')).json.code).toBe('NOT_FOUND');
  expect((await run('bad id', 'SELECT 1')).json.code).toBe('INVALID_PARAMETERS');
});

test('results, errors with their place, plans and parameters are answered as described', async () => {
  const { call } = api();
  const post = (path: string, body: object) => call('POST', path, { body });
  const made = await post('/studio/sql?db=cancel', { sql: 'CREATE TABLE made (x); SELECT * FROM made' });
  expect(made.json.results.map(({ kind }: { kind: string }) => kind)).toEqual(['schema', 'rows']);
  expect((await call('GET', '/studio/schema?db=cancel')).json.version).toBe(made.json.schemaVersion);
  const wrong = await post('/studio/sql?db=cancel', { sql: 'SELECT 1; SELECT wrong FROM made' });
  expect(wrong.json).toMatchObject({ code: 'SQL_ERROR', offset: 17, length: 5 });
  expect((await post('/studio/explain?db=cancel', { sql: 'SELECT * FROM made' })).json.nodes).toHaveLength(1);
  expect((await post('/studio/parameters', { sql: 'SELECT :a, ?' })).json).toEqual({ names: ['a', '2'] });
  const long = await post('/studio/parameters', { sql: '?,'.repeat(100_000) });
  expect(long.json.code).toBe('PAYLOAD_TOO_LARGE');
  const history = (await call('GET', '/history?db=cancel')).json.history;
  expect(history.map(({ sql }: { sql: string }) => sql)).toContain('CREATE TABLE made (x)');
});

test('a read token runs what reads, and nothing that writes', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'hoody-tokens-'));
  writeFileSync(join(folder, 'tokens'), 'full secret\nread peek\n', { mode: 0o600 });
  try {
    await withDaemon(
      ['--no-mount', '--create-on-write', '--auth-token-file', join(folder, 'tokens')],
      async (daemon) => {
        const { call } = apiOf(daemon);
        const run = (token: string, sql: string) =>
          call('POST', '/studio/sql?db=a', {
            body: { sql, readOnly: false },
            headers: { authorization: `Bearer ${token}` },
          });
        await call('POST', '/db/create?path=a', { headers: { authorization: 'Bearer secret' } });
        expect((await run('secret', 'CREATE TABLE t (x); INSERT INTO t VALUES (1)')).status).toBe(200);
        expect((await run('peek', 'SELECT * FROM t')).json.results[0].rows).toEqual([[{ int: '1' }]]);
        expect((await run('peek', 'DELETE FROM t RETURNING x')).json.code).toBe('FORBIDDEN');
        expect((await run('peek', 'DROP TABLE t')).status).toBeGreaterThanOrEqual(400);
        expect((await run('secret', 'SELECT * FROM t')).json.results[0].rows).toHaveLength(1);
      },
    );
  } finally {
    rmSync(folder, { recursive: true });
  }
});
