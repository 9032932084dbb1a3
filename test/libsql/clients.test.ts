// The public clients of libSQL, as they are published, against a real mount: one changed URL is all that they need.
import { createRequire } from 'node:module';
import { createClient } from '@libsql/client';
import * as hrana from '@libsql/hrana-client';
import { connect as connectServerless } from '@tursodatabase/serverless';
import { libsqlBatch, libsqlExecute } from 'libsql-stateless';
import { describe, expect, test } from 'vitest';
import { useDaemon } from '../helpers/http.ts';

const api = useDaemon(['--create-on-write']);
const require = createRequire(import.meta.url);

const url = (db: string, scheme = 'http') => `${api().daemon.url.replace('http', scheme)}/libsql/${db}/`;

const schemes = ['http', 'ws'] as const;

describe.each(schemes)('@libsql/client by %s', (scheme) => {
  const open = (db: string) => createClient({ url: url(`${db}-${scheme}`, scheme), intMode: 'bigint' });

  test('executes, batches, migrates and runs scripts', async () => {
    const client = open('client');
    try {
      await client.executeMultiple('CREATE TABLE t (id INTEGER PRIMARY KEY, v TEXT UNIQUE); CREATE TABLE u (x);');
      const inserted = await client.execute({ sql: 'INSERT INTO t (v) VALUES (:v)', args: { v: 'one' } });
      expect([inserted.rowsAffected, inserted.lastInsertRowid]).toEqual([1, 1n]);
      const results = await client.batch(
        [{ sql: 'INSERT INTO t (v) VALUES (?)', args: ['two'] }, 'SELECT id, v FROM t ORDER BY id LIMIT 5'],
        'write',
      );
      expect(results[1]?.rows.map(({ id, v }) => [id, v])).toEqual([
        [1n, 'one'],
        [2n, 'two'],
      ]);
      await expect(
        client.batch(["INSERT INTO t (v) VALUES ('three')", "INSERT INTO t (v) VALUES ('two')"]),
      ).rejects.toMatchObject({ code: 'SQLITE_CONSTRAINT' });
      const read = await client.batch(['SELECT count(*) AS n FROM t'], 'read');
      expect(read[0]?.rows[0]?.n).toBe(2n);
      await client.migrate(['ALTER TABLE t ADD COLUMN w', "UPDATE t SET w = x'0102'"]);
      const blob = (await client.execute({ sql: 'SELECT w FROM t LIMIT ?', args: [1] })).rows[0]?.w;
      expect(new Uint8Array(blob as ArrayBuffer)).toEqual(new Uint8Array([1, 2]));
      await expect(client.batch(['INSERT INTO u VALUES (1)'], 'read')).rejects.toMatchObject({
        code: 'SQLITE_READONLY',
      });
    } finally {
      client.close();
    }
  });
});

describe.each(schemes)('transactions of @libsql/client by %s', (scheme) => {
  test('write, read, and are rolled back', async () => {
    const db = `transactions-${scheme}`;
    const client = createClient({ url: url(db, scheme) });
    try {
      await client.executeMultiple('PRAGMA journal_mode=wal; CREATE TABLE t (a UNIQUE)');
      const write = await client.transaction('write');
      await write.execute({ sql: 'INSERT INTO t VALUES (?)', args: ['a'] });
      await write.batch(["INSERT INTO t VALUES ('b')", 'SELECT 1']);
      await expect(write.execute("INSERT INTO t VALUES ('a')")).rejects.toMatchObject({ code: 'SQLITE_CONSTRAINT' });
      await write.executeMultiple("INSERT INTO t VALUES ('c'); INSERT INTO t VALUES ('d')");
      const read = await client.transaction('read');
      expect((await read.execute('SELECT count(*) AS n FROM t')).rows[0]?.n).toBe(0);
      await write.commit();
      expect((await read.execute('SELECT count(*) AS n FROM t')).rows[0]?.n).toBe(0);
      await expect(read.execute("INSERT INTO t VALUES ('e')")).rejects.toMatchObject({ code: 'SQLITE_READONLY' });
      read.close();
      const deferred = await client.transaction('deferred');
      await deferred.execute("INSERT INTO t VALUES ('f')");
      await deferred.rollback();
      const closed = await client.transaction('deferred');
      expect((await closed.execute('SELECT count(*) AS n FROM t')).rows[0]?.n).toBe(4);
      closed.close();
      expect((await client.execute('SELECT count(*) AS n FROM t')).rows[0]?.n).toBe(4);
    } finally {
      client.close();
    }
  });
});

test('@libsql/client says why where the URL has lost the name', async () => {
  const client = createClient({ url: url('app').slice(0, -1) });
  await expect(client.execute('SELECT 1')).rejects.toThrow(/end the URL with \//);
  client.close();
});

test('@libsql/hrana-client falls back from protobuf to JSON, and describes', async () => {
  const client = hrana.openHttp(url('hrana'), undefined, undefined, undefined, 3);
  const stream = client.openStream();
  try {
    await stream.sequence('CREATE TABLE t (a INTEGER)');
    const described = await stream.describe('SELECT a FROM t WHERE a = :a');
    expect(described).toMatchObject({ paramNames: [':a'], columns: [{ name: 'a', decltype: 'INTEGER' }] });
    expect(await stream.queryValue('SELECT count(*) FROM t')).toMatchObject({ value: 0 });
  } finally {
    stream.close();
    client.close();
  }
});

test('@libsql/hrana-client names stored SQL in later requests over HTTP, in and outside of transactions', async () => {
  const client = hrana.openHttp(url('hrana-stored'));
  const stream = client.openStream();
  try {
    await stream.run('CREATE TABLE t (a)');
    const [insert, count] = [stream.storeSql('INSERT INTO t VALUES (?)'), stream.storeSql('SELECT count(*) FROM t')];
    await stream.run([insert, [1]]);
    expect((await stream.queryValue(count)).value).toBe(1);
    await stream.run('BEGIN');
    await stream.run([insert, [2]]);
    expect((await stream.queryValue(count)).value).toBe(2);
    await stream.run('ROLLBACK');
    expect((await stream.queryValue(count)).value).toBe(1);
    insert.close();
    expect((await stream.queryValue(count)).value).toBe(1);
  } finally {
    stream.close();
    client.close();
  }
});

test('@libsql/hrana-client keeps streams, stored SQL and cursors on a WebSocket', async () => {
  const client = hrana.openWs(url('hrana-ws', 'ws'), undefined, 3);
  try {
    await client.getVersion();
    const stream = client.openStream();
    const other = client.openStream();
    const select = client.storeSql('SELECT count(*) FROM t');
    await stream.run('CREATE TABLE t (a)');
    await stream.run('BEGIN');
    await stream.run('INSERT INTO t VALUES (1)');
    expect(await stream.getAutocommit()).toBe(false);
    expect((await stream.queryValue(select)).value).toBe(1);
    expect((await other.queryValue(select)).value).toBe(0);
    const batch = stream.batch(true);
    const step = batch.step();
    const rows = step.query(
      'WITH RECURSIVE r(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM r WHERE x < 500) SELECT x FROM r',
    );
    const commit = batch.step().condition(hrana.BatchCond.ok(step)).run('COMMIT');
    await batch.execute();
    expect((await rows)?.rows).toHaveLength(500);
    await commit;
    expect(await stream.getAutocommit()).toBe(true);
    expect((await other.queryValue(select)).value).toBe(1);
    stream.close();
    other.close();
  } finally {
    client.close();
  }
});

test('@tursodatabase/serverless runs statements and batches', async () => {
  const client = connectServerless({ url: url('serverless').slice(0, -1) });
  await client.batch(['CREATE TABLE t (a INTEGER PRIMARY KEY, b)', "INSERT INTO t (b) VALUES ('x'), ('y')"]);
  const statement = await client.prepare('SELECT a, b FROM t WHERE a > ? ORDER BY a');
  expect(await statement.all([0])).toMatchObject([
    { a: 1, b: 'x' },
    { a: 2, b: 'y' },
  ]);
  const insert = await client.prepare('INSERT INTO t (b) VALUES (?)');
  expect(await insert.run(['z'])).toMatchObject({ changes: 1, lastInsertRowid: 3 });
  const add = client.transaction(async (fails: boolean) => {
    await insert.run(['in a transaction']);
    if (fails) throw new Error('on purpose');
  });
  await add(false);
  await expect(add(true)).rejects.toThrow('on purpose');
  expect(await statement.all([3])).toHaveLength(1);
  await client.close();
});

test('native libsql runs statements', async () => {
  const Database = require('libsql/promise') as new (url: string) => NativeDatabase;
  const database = new Database(url('native').slice(0, -1));
  await database.exec('CREATE TABLE t (a INTEGER PRIMARY KEY, b)');
  const insert = await database.prepare('INSERT INTO t (b) VALUES (?)');
  expect(await insert.run('x')).toMatchObject({ changes: 1 });
  const select = await database.prepare('SELECT a, b FROM t WHERE a = ?');
  expect(await select.get(1)).toMatchObject({ a: 1, b: 'x' });
  // A statement that was prepared outside of a transaction closes its stream, whatever is open on it.
  for (const [value, end] of [
    ['y', 'ROLLBACK'],
    ['z', 'COMMIT'],
  ]) {
    await database.exec('BEGIN');
    await (await database.prepare('INSERT INTO t (b) VALUES (?)')).run(value);
    await database.exec(end ?? '');
  }
  expect(await select.get(2)).toMatchObject({ b: 'z' });
  database.close();
});

interface NativeDatabase {
  exec(sql: string): Promise<unknown>;
  prepare(sql: string): Promise<{ run(...args: unknown[]): Promise<object>; get(...args: unknown[]): Promise<object> }>;
  close(): void;
}

test('libsql-stateless executes and batches', async () => {
  const config = { url: url('stateless').slice(0, -1) };
  expect(await libsqlExecute(config, { sql: 'CREATE TABLE t (a)' })).toMatchObject({ isOk: true });
  const batch = await libsqlBatch(config, [
    { stmt: { sql: 'INSERT INTO t VALUES (1)' } },
    { stmt: { sql: 'SELECT a FROM t' }, condition: { type: 'ok', step: 0 } },
  ]);
  expect(batch).toMatchObject({ isOk: true, val: { step_results: [{}, { rows: [[{ value: '1' }]] }] } });
});
