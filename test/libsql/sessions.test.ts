// Transactions that go on between requests: who waits for whom, what a silent or dead client costs the others, and what
// it is told when it comes back.
// Runs alone: it measures how long requests take.
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { eventually } from '../helpers/eventually.ts';
import { useDaemon } from '../helpers/http.ts';
import { withClients } from '../helpers/sqlite-client.ts';
import { codes, rows, streamsOf } from './streams.ts';

const api = useDaemon(['--create-on-write']);
/** Ten times the 2 s after which a silent client gives way. */
const givesWayMs = 20_000;

const { send, make } = streamsOf(api);

describe('a transaction', () => {
  test('goes on with the baton, is seen by nobody else, and has none after COMMIT', async () => {
    await make('goes-on');
    const first = await send('goes-on', null, 'BEGIN IMMEDIATE', 'INSERT INTO t VALUES (1)');
    expect([codes(first), typeof first.baton]).toEqual([['ok', 'ok'], 'string']);
    const second = await send('goes-on', first.baton, 'SELECT a FROM t', { type: 'get_autocommit' });
    expect(second.results[0]?.response.result.rows).toHaveLength(1);
    expect(second.results[1]?.response.is_autocommit).toBe(false);
    expect(second.baton).not.toBe(first.baton);
    expect(rows(await send('goes-on', null, 'SELECT count(*) FROM t'))).toEqual([['0']]);
    const third = await send('goes-on', second.baton, 'COMMIT');
    expect([codes(third), third.baton]).toEqual([['ok'], null]);
    expect(rows(await send('goes-on', null, 'SELECT count(*) FROM t'))).toEqual([['1']]);
  });

  test('is over after ROLLBACK and after close; stored SQL lasts until the stream is closed', async () => {
    await make('over');
    const first = await send('over', null, 'BEGIN', { type: 'store_sql', sql_id: 1, sql: 'INSERT INTO t VALUES (1)' });
    const second = await send('over', first.baton, { type: 'execute', stmt: { sql_id: 1 } });
    expect(codes(second)).toEqual(['ok']);
    const third = await send('over', second.baton, 'ROLLBACK');
    expect([third.baton, rows(await send('over', null, 'SELECT count(*) FROM t'))]).toEqual([
      expect.any(String),
      [['0']],
    ]);
    const fourth = await send('over', third.baton, { type: 'execute', stmt: { sql_id: 1 } });
    expect(codes(fourth)).toEqual(['ok']);
    expect((await send('over', third.baton, 'SELECT 1')).code).toBe('STREAM_EXPIRED');
    expect((await send('over', fourth.baton, 'DELETE FROM t', { type: 'close' })).baton).toBe(null);
    const other = await send('over', null, 'SAVEPOINT a', 'INSERT INTO t VALUES (2)');
    expect((await send('over', other.baton, { type: 'close' })).baton).toBe(null);
    expect(rows(await send('over', null, 'SELECT count(*) FROM t'))).toEqual([['0']]);
  });

  test('an error of a statement leaves it open; a failed COMMIT too', async () => {
    await make('errors');
    await send('errors', null, 'CREATE TABLE u (a UNIQUE)', 'INSERT INTO u VALUES (1)');
    const first = await send('errors', null, 'BEGIN', 'INSERT INTO t VALUES (1)');
    const second = await send('errors', first.baton, 'INSERT INTO u VALUES (1)');
    expect([codes(second), typeof second.baton]).toEqual([['SQLITE_CONSTRAINT'], 'string']);
    const third = await send('errors', second.baton, 'BEGIN');
    expect(codes(third)).toEqual(['SQLITE_ERROR']);
    expect(codes(await send('errors', third.baton, 'COMMIT'))).toEqual(['ok']);
    expect(rows(await send('errors', null, 'SELECT count(*) FROM t'))).toEqual([['1']]);
  });

  test('READONLY sees one state while others write, and cannot write', async () => {
    await make('readonly');
    const first = await send('readonly', null, 'BEGIN TRANSACTION READONLY', 'SELECT count(*) FROM t');
    expect(rows(first)).toEqual([['0']]);
    await send('readonly', null, 'INSERT INTO t VALUES (1)');
    const second = await send('readonly', first.baton, 'SELECT count(*) FROM t');
    expect(rows(second)).toEqual([['0']]);
    const third = await send('readonly', second.baton, 'INSERT INTO t VALUES (2)');
    expect([codes(third), typeof third.baton]).toEqual([['SQLITE_READONLY'], 'string']);
    expect((await send('readonly', third.baton, 'COMMIT')).baton).toBe(null);
    expect(rows(await send('readonly', null, 'SELECT count(*) FROM t'))).toEqual([['1']]);
  });

  test('DEFERRED waits for its turn when it begins by writing, and is refused when it has read before', async () => {
    await make('deferred');
    const reader = await send('deferred', null, 'BEGIN DEFERRED', 'SELECT count(*) FROM t');
    expect(rows(reader)).toEqual([['0']]);
    const writer = await send('deferred', null, 'BEGIN IMMEDIATE', 'INSERT INTO t VALUES (1)');
    const fresh = await send('deferred', null, 'BEGIN DEFERRED');
    const refused = await send('deferred', reader.baton, 'INSERT INTO t VALUES (2)');
    expect(codes(refused)).toEqual(['SQLITE_BUSY']);
    await send('deferred', refused.baton, 'ROLLBACK');
    const waiting = send('deferred', fresh.baton, 'INSERT INTO t VALUES (3)', 'COMMIT');
    // On a slow machine the writer may have been silent for too long.
    const committed = (await send('deferred', writer.baton, 'COMMIT')).status === 200 ? 1 : 0;
    expect(codes(await waiting)).toEqual(['ok', 'ok']);
    expect(rows(await send('deferred', null, 'SELECT count(*) FROM t'))).toEqual([[String(committed + 1)]]);
  });
});

describe('a baton', () => {
  test('is good once, for its database, and is none where it was made up', async () => {
    await make('batons');
    await make('batons-2');
    const first = await send('batons', null, 'BEGIN', 'SELECT 1');
    const second = await send('batons', first.baton, 'SELECT 2');
    for (const [db, baton] of [
      ['batons', first.baton],
      ['batons-2', second.baton],
      ['batons', `${second.baton}x`],
      ['batons', 'a.1.1.b'],
    ] as const) {
      const answer = await send(db, baton, 'SELECT 3');
      expect([answer.status, answer.code]).toEqual([400, 'STREAM_EXPIRED']);
    }
    expect(codes(await send('batons', second.baton, 'COMMIT'))).toEqual(['ok']);
    expect((await send('batons', second.baton, 'COMMIT')).code).toBe('STREAM_EXPIRED');
  });
});

describe('a silent client', () => {
  test('loses its transaction to another one, to a request, and to a native program; it hears of it', async () => {
    await make('silent');
    const path = join(api().daemon.root, 'silent.db');
    const others: readonly (readonly [string, () => Promise<unknown>])[] = [
      [
        'a session',
        async () => {
          const begun = await send('silent', null, 'BEGIN IMMEDIATE', 'INSERT INTO t VALUES (2)');
          expect(codes(await send('silent', begun.baton, 'COMMIT'))).toEqual(['ok']);
        },
      ],
      ['a request', async () => expect(codes(await send('silent', null, 'INSERT INTO t VALUES (2)'))).toEqual(['ok'])],
      [
        'a program',
        () =>
          withClients(async (start) => {
            const client = start();
            await client.open(path);
            expect((await client.run(['INSERT INTO t VALUES (2)'])).error).toBe(null);
          }),
      ],
    ];
    for (const [what, other] of others) {
      const begun = await send('silent', null, 'BEGIN IMMEDIATE', 'INSERT INTO t VALUES (1)');
      const beganMs = performance.now();
      await other();
      expect(performance.now() - beganMs, what).toBeLessThan(givesWayMs);
      const told = await send('silent', begun.baton, 'COMMIT');
      expect([what, told.status, told.code]).toEqual([what, 400, 'TRANSACTION_TIMEOUT']);
    }
    expect(rows(await send('silent', null, 'SELECT group_concat(a) FROM t'))).toEqual([['2,2,2']]);
  });

  test('keeps it for a while where nobody waits', async () => {
    await make('alone');
    const begun = await send('alone', null, 'BEGIN IMMEDIATE', 'INSERT INTO t VALUES (1)');
    const beganMs = performance.now();
    await eventually(() => expect(performance.now() - beganMs).toBeGreaterThan(3_000), { timeoutMs: 10_000 });
    expect(codes(await send('alone', begun.baton, 'COMMIT'))).toEqual(['ok']);
  });
});
