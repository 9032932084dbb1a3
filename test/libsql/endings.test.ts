// Transactions that go on between requests, beside those who work on their database or on the server: each client is
// told what became of its transaction, and no lock stays.
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { eventually } from '../helpers/eventually.ts';
import { killServer, useDaemon } from '../helpers/http.ts';
import { codes, rows, streamsOf } from './streams.ts';

const api = useDaemon(['--create-on-write']);
const { send, make } = streamsOf(api);

interface Holder {
  readonly lock: string;
  readonly pid: number;
}

/** Of a database in WAL mode, but for the locks of connections that only keep it open. */
async function transactionsOn(db: string): Promise<readonly Holder[]> {
  const { databases } = (await api().call('GET', '/locks')).json;
  const holders: readonly Holder[] = databases.find((one: { db: string }) => one.db === `${db}.db`)?.holders ?? [];
  return holders.filter(({ lock }) => lock !== 'SHARED' && lock !== 'DMS');
}

/** Once the upkeep of the server is done with the database. */
const expectNoLocks = (db: string) => eventually(async () => expect(await transactionsOn(db)).toEqual([]));

describe.concurrent('a transaction ends', () => {
  test('when its database is deleted, and its client hears of it', async () => {
    await make('deleted');
    const begun = await send('deleted', null, 'BEGIN', 'INSERT INTO t VALUES (1)');
    expect((await api().call('DELETE', '/db?db=deleted')).status).toBe(200);
    const told = await send('deleted', begun.baton, 'COMMIT');
    expect([told.code, told.message]).toEqual(['STREAM_EXPIRED', expect.stringContaining('deleted')]);
  });

  test('when its executor dies, without a lock that stays, and its client hears of it', async () => {
    await make('dead');
    const begun = await send('dead', null, 'BEGIN IMMEDIATE', 'INSERT INTO t VALUES (1)');
    const [writer] = (await transactionsOn('dead')).filter(({ lock }) => lock === 'WRITE');
    expect(writer?.pid).toBeGreaterThan(0);
    process.kill(Number(writer?.pid), 'SIGKILL');
    expect(codes(await send('dead', null, 'INSERT INTO t VALUES (2)'))).toEqual(['ok']);
    // The lock is free as soon as the process is gone. The server may hear of that a moment later.
    const told = await send('dead', begun.baton, 'COMMIT');
    expect(['STREAM_EXPIRED', 'SERVICE_UNAVAILABLE']).toContain(told.code);
    expect((await send('dead', begun.baton, 'COMMIT')).code).toBe('STREAM_EXPIRED');
    expect(rows(await send('dead', null, 'SELECT a FROM t'))).toEqual([['2']]);
  });

  test('when its database is rewound while it writes; one that reads goes on with what it has seen', async () => {
    await make('rewound');
    await send('rewound', null, 'INSERT INTO t VALUES (1)');
    const bookmark = await eventually(async () => {
      const { status, json } = await api().call('GET', '/db/history?db=rewound&limit=1');
      expect([status, json.commits?.length]).toEqual([200, 1]);
      return json.commits[0].bookmark as string;
    });
    await send('rewound', null, 'INSERT INTO t VALUES (2)');
    const reader = await send('rewound', null, 'BEGIN TRANSACTION READONLY', 'SELECT count(*) FROM t');
    const writer = await send('rewound', null, 'BEGIN IMMEDIATE', 'INSERT INTO t VALUES (3)');
    const rewound = await api().call('POST', `/db/rewind?db=rewound&at=${bookmark}&confirm=yes`);
    expect([rewound.status, rewound.json.code]).toEqual([200, undefined]);
    const told = await send('rewound', writer.baton, 'COMMIT');
    expect([told.code, told.message]).toEqual(['TRANSACTION_TIMEOUT', expect.stringContaining('rolled back')]);
    const again = await send('rewound', reader.baton, 'SELECT count(*) FROM t');
    // On a slow machine the reader may have been silent for too long.
    if (again.status === 200) expect(rows(again)).toEqual([['2']]);
    else expect(again.code).toBe('TRANSACTION_TIMEOUT');
    if (again.baton !== null) await send('rewound', again.baton, 'COMMIT');
    expect(rows(await send('rewound', null, 'SELECT group_concat(a) FROM t'))).toEqual([['1']]);
    await expectNoLocks('rewound');
  });

  test('when its database is restored, which waits for it as any program does', async () => {
    await make('restored');
    await send('restored', null, 'INSERT INTO t VALUES (1)');
    const saved = join(api().daemon.folder, 'saved.db');
    expect(await api().daemon.command('backup', 'restored', saved)).toMatchObject({ code: 0 });
    const begun = await send('restored', null, 'BEGIN IMMEDIATE', 'INSERT INTO t VALUES (2)');
    expect(await api().daemon.command('restore', saved, 'restored', '--force')).toMatchObject({ code: 0 });
    const told = await send('restored', begun.baton, 'COMMIT');
    expect([told.code, told.message]).toEqual(['TRANSACTION_TIMEOUT', expect.stringContaining('rolled back')]);
    expect(rows(await send('restored', null, 'SELECT group_concat(a) FROM t'))).toEqual([['1']]);
    await expectNoLocks('restored');
  });
});

test('a transaction ends when the server is reloaded, or dies', async () => {
  await make('reloaded');
  const begin = () => send('reloaded', null, 'BEGIN IMMEDIATE', 'INSERT INTO t VALUES (1)');
  const reload = async () => expect(await api().daemon.command('reload')).toMatchObject({ code: 0 });
  const kill = async () => {
    await killServer(api());
  };
  for (const end of [reload, kill]) {
    const begun = await begin();
    await end();
    const told = await send('reloaded', begun.baton, 'COMMIT');
    expect([told.code, told.message]).toEqual(['STREAM_EXPIRED', expect.stringMatching(/restarted/)]);
    expect(codes(await send('reloaded', null, 'INSERT INTO t VALUES (2)'))).toEqual(['ok']);
  }
  expect(rows(await send('reloaded', null, 'SELECT group_concat(a) FROM t'))).toEqual([['2,2']]);
  await expectNoLocks('reloaded');
});
