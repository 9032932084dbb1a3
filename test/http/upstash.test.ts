// The Redis door on a real mount, through @upstash/redis as it is: auto-pipelining, pipelines, transactions, SCAN,
// base64; and by hand: tokens, path form, errors, odd bodies.
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { Redis } from '@upstash/redis';
import fc from 'fast-check';
import { beforeAll, describe, expect, test } from 'vitest';
import { redisCommands } from '../../server/messages/redis-commands.ts';
import { eventually } from '../helpers/eventually.ts';
import { type CallOptions, request, useDaemon } from '../helpers/http.ts';

const api = useDaemon();
const url = (path: string) => `${api().daemon.url}/upstash/${path}`;
const post = (path: string, body: CallOptions['body'], headers = {}) =>
  request(url(path), 'POST', body === undefined ? { headers } : { body, headers });
const client = (more = {}) =>
  new Redis({ url: url('app'), token: 'unused', enableTelemetry: false, retry: false, ...more });

beforeAll(async () => {
  await api().call('POST', '/db/create?path=app');
  await api().call('POST', '/db/create?path=fuzz');
});

describe('@upstash/redis', () => {
  test('reads what it writes, objects, numbers and texts that base64 is made for', async () => {
    const redis = client();
    for (const value of [{ a: [1, 'x'] }, 'text', 12, 'OK', 'caf\u00e9 \u{1f600}', '', true, null]) {
      await redis.set('value', value);
      expect(await redis.get('value')).toEqual(value);
    }
    await redis.set('expiring', 'x', { px: 60_000, nx: true });
    expect(await redis.pttl('expiring')).toBeGreaterThan(50_000);
    expect(await redis.set('expiring', 'y', { nx: true })).toBe(null);
    expect(await redis.get('nothing')).toBe(null);
    expect(await redis.ping()).toBe('PONG');
    expect(await redis.echo('hello')).toBe('hello');
    await expect(redis.incr('value')).rejects.toThrow('ERR value is not an integer or out of range');
    await expect(redis.zadd('z', { score: 1, member: 'a' })).rejects.toThrow("ERR unknown command 'zadd'");
  });

  test('pipelines by itself what is asked for at once', async () => {
    const redis = client({ enableAutoPipelining: true });
    const written = [
      redis.set('n', 1),
      redis.incr('n'),
      redis.hset('h', { name: 'Alice', age: 30 }),
      redis.rpush<unknown>('l', 'a', 'b', { c: 1 }),
      redis.sadd('s', 'x', 'y'),
    ];
    expect(await Promise.all(written)).toEqual(['OK', 2, 2, 3, 2]);
    const read = [
      redis.get('n'),
      redis.hgetall('h'),
      redis.lrange('l', 0, -1),
      redis.smembers('s'),
      redis.keys('?'),
      redis.hmget('h', 'name', 'nothing'),
    ];
    expect(await Promise.all(read)).toEqual([
      2,
      { name: 'Alice', age: 30 },
      ['a', 'b', { c: 1 }],
      ['x', 'y'],
      ['h', 'l', 'n', 's'],
      { name: 'Alice', nothing: null },
    ]);
  });

  test('a pipeline and a transaction answer each command for itself', async () => {
    const redis = client();
    const pipeline = redis.pipeline().set('p', 'text').lpush('p', 'x').get('p');
    const answers = await pipeline.exec({ keepErrors: true });
    expect(answers[0]?.result).toBe('OK');
    expect(answers[1]?.error).toMatch(/^WRONGTYPE/);
    expect(answers[2]?.result).toBe('text');
    expect(await redis.multi().set('m', 1).incrby('m', 4).get('m').exec()).toEqual(['OK', 5, 5]);
  });

  test('SCAN walks all keys, HSCAN and SSCAN one value', async () => {
    const redis = client();
    await redis.mset(Object.fromEntries(Array.from({ length: 60 }, (_, at) => [`scan:${at}`, at])));
    const found = new Set<string>();
    let cursor: string | number = '0';
    do {
      const [next, keys]: [string, string[]] = await redis.scan(cursor, { match: 'scan:*', count: 7 });
      for (const key of keys) found.add(key);
      cursor = next;
    } while (cursor !== '0');
    expect(found.size).toBe(60);
    await redis.hset('scanned', { one: 1, two: { a: 2 } });
    await redis.sadd('scanned-set', 'x', 'y');
    expect(await redis.hscan('scanned', 0, { match: 't*' })).toEqual(['0', ['two', { a: 2 }]]);
    expect(await redis.sscan('scanned-set', 0, { count: 1 })).toEqual(['0', ['x', 'y']]);
  });

  test('a hundred writers at once end at the exact number', async () => {
    const redis = client({ enableAutoPipelining: true });
    await Promise.all(Array.from({ length: 100 }, () => redis.incr('counted')));
    await Promise.all(Array.from({ length: 20 }, () => client().incr('counted')));
    expect(await redis.get('counted')).toBe(120);
  });

  test('FLUSHDB empties the database, however many keys there are', async () => {
    await api().call('POST', '/db/create?path=flushed');
    const redis = new Redis({ url: url('flushed'), token: 'unused', retry: false });
    for (let at = 0; at < 3; at += 1) {
      await redis.mset(Object.fromEntries(Array.from({ length: 400 }, (_, key) => [`${at}:${key}`, key])));
    }
    expect(await redis.dbsize()).toBe(1200);
    expect(await redis.flushdb()).toBe('OK');
    expect(await redis.dbsize()).toBe(0);
  });
});

describe('one store behind all doors', () => {
  test('a value reads the same through each of them, with one history that names the clients', async () => {
    await post('app', ['SET', 'shared', '{"n":1}']);
    expect((await api().call('GET', '/kv/shared?db=app')).text).toBe('{"n":1}');
    await api().call('PUT', '/kv/shared?db=app', { body: 'from KV', headers: { 'content-type': 'text/plain' } });
    expect((await post('app', ['GET', 'shared'])).json).toEqual({ result: 'from KV' });
    const path = join(api().daemon.mount, 'app.db');
    const native = `import sqlite3; c = sqlite3.connect(${JSON.stringify(path)}, timeout=30)
c.execute("UPDATE kv_store SET value = 'from python' WHERE key = 'shared'"); c.commit()
print(c.execute("SELECT value FROM kv_store WHERE key = 'h'").fetchone()[0])`;
    const hash = execFileSync('python3', ['-c', native], { encoding: 'utf8' }).trim();
    expect(JSON.parse(hash)).toEqual({ name: 'Alice', age: '30' });
    expect((await post('app', ['GET', 'shared'])).json).toEqual({ result: 'from python' });
    await post('app', ['DEL', 'shared']);
    const { json } = await api().call('GET', '/kv/shared/history?db=app');
    const entries = json.operations.map(({ client, operation }: { client: string; operation: { op: string } }) => [
      operation.op,
      client.split(/[:[]/)[0],
    ]);
    expect(entries).toEqual([
      ['DELETE', 'http'],
      ['SET', 'native'],
      ['SET', 'http'],
      ['SET', 'http'],
    ]);
  });

  test('a list is JSON with a content type that says list', async () => {
    const answer = await api().call('GET', '/kv/l?db=app');
    expect(answer.headers['content-type']).toBe('application/json; type=list');
    expect(answer.json).toEqual(['a', 'b', '{"c":1}']);
    await api().call('PUT', '/kv/made?db=app', {
      body: '["x"]',
      headers: { 'content-type': 'application/json; type=list' },
    });
    expect((await post('app', ['RPUSH', 'made', 'y'])).json).toEqual({ result: 2 });
  });

  test('milliseconds end a key for each of them', async () => {
    await post('app', ['SET', 'brief', 'x', 'PX', 700]);
    expect((await api().call('GET', '/kv/brief?db=app')).text).toBe('x');
    await eventually(async () => {
      const { json } = await post('app', ['PTTL', 'brief']);
      expect(json).toEqual({ result: -2 });
      expect((await api().call('GET', '/kv/brief?db=app')).status).toBe(404);
    });
  });
});

describe('the protocol', () => {
  test('a transaction is all or nothing', async () => {
    await post('app', ['SET', 'tx', '1']);
    const refused = await post('app/multi-exec', [
      ['INCR', 'tx'],
      ['NOSUCH', 'a', 'b'],
    ]);
    expect(refused.status).toBe(400);
    expect(refused.json.error).toMatch(
      /^EXECABORT Transaction discarded because of previous errors: ERR unknown command 'NOSUCH', with args beginning with: 'a' 'b'/,
    );
    expect((await post('app', ['GET', 'tx'])).json).toEqual({ result: '1' });
    // As with EXEC, a command that fails at work leaves the others as they are.
    expect(
      (
        await post('app/multi-exec', [
          ['INCR', 'tx'],
          ['HGET', 'tx', 'a'],
          ['INCR', 'tx'],
        ])
      ).json,
    ).toEqual([
      { result: 2 },
      { error: 'WRONGTYPE Operation against a key holding the wrong kind of value' },
      { result: 3 },
    ]);
  });

  test('nobody sees a part of a transaction', async () => {
    await post('app', ['MSET', 'left', '0', 'right', '0']);
    const writes = Array.from({ length: 40 }, () =>
      post('app/multi-exec', [
        ['INCR', 'left'],
        ['INCR', 'right'],
      ]),
    );
    const reads = Array.from({ length: 40 }, () => post('app', ['MGET', 'left', 'right']));
    for (const { json } of await Promise.all(reads)) expect(json.result[0]).toBe(json.result[1]);
    await Promise.all(writes);
    expect((await post('app', ['MGET', 'left', 'right'])).json.result).toEqual(['40', '40']);
  });

  test('every string but OK is base64 where that is asked for', async () => {
    const headers = { 'Upstash-Encoding': 'base64' };
    expect((await post('app', ['SET', 'b', 'caf\u00e9'], headers)).json).toEqual({ result: 'OK' });
    const encoded = Buffer.from('caf\u00e9').toString('base64');
    expect((await post('app', ['GET', 'b'], headers)).json).toEqual({ result: encoded });
    expect((await post('app', ['MGET', 'b', 'x'], headers)).json).toEqual({ result: [encoded, null] });
    await api().call('PUT', '/kv/bytes?db=app', { body: Buffer.from([0xff, 0, 1]) });
    expect((await post('app', ['GET', 'bytes'], headers)).json).toEqual({ result: '/wAB' });
  });

  test('a command may stand in the path; GET only reads', async () => {
    expect((await request(url('app/set/path%2Fkey/value?EX=100'), 'POST')).json).toEqual({ result: 'OK' });
    expect((await request(url('app/get/path%2Fkey'), 'GET')).json).toEqual({ result: 'value' });
    expect((await request(url('app/ttl/path%2Fkey'), 'GET')).json).toEqual({ result: 100 });
    expect((await post('app/set/from-body', 'the body')).json).toEqual({ result: 'OK' });
    expect((await request(url('app/get/from-body'), 'GET')).json).toEqual({ result: 'the body' });
    expect((await request(url('app/set/from-get/x'), 'GET')).status).toBe(400);
    expect((await request(url('app/get/pipeline'), 'POST')).json).toEqual({ result: null });
    expect((await request(url('app'), 'GET')).status).toBe(400);
  });

  test('errors are those of Redis, or say what to do', async () => {
    for (const [command, error] of [
      [['get'], "ERR wrong number of arguments for 'get' command"],
      [['nope', 'x'], "ERR unknown command 'nope', with args beginning with: 'x' "],
      [['expire', 'a', 'x'], 'ERR value is not an integer or out of range'],
      [[], 'ERR a command must be a JSON array of its words, such as ["SET", "key", "value"]'],
      [['get', ['a']], 'ERR a word of a command must be a text, a number or a boolean'],
      [['set', '\ud800', 'x'], /^ERR a word of the command is not valid Unicode/],
      [['set', ' ', 'x'], /^ERR a key must be a text that is not blank/],
    ] as const) {
      const { status, json } = await post('app', JSON.stringify(command));
      expect(status).toBe(400);
      if (typeof error === 'string') expect(json.error).toBe(error);
      else expect(json.error).toMatch(error);
    }
    expect((await post('app', '{')).json.error).toMatch(/^ERR the body is not valid JSON/);
    const beyond = await post('app', '["SET","beyond-double",1E400]');
    expect([beyond.status, beyond.json.error]).toEqual([400, expect.stringContaining('beyond what a double holds')]);
    const bytes = await post('app/set/torn-text', Buffer.from([0x61, 0xff]));
    expect([bytes.status, bytes.json.error]).toEqual([400, expect.stringContaining('not valid UTF-8')]);
    expect((await post('app', ['EXISTS', 'beyond-double', 'torn-text'])).json).toEqual({ result: 0 });
    const missing = await post('no-such-database', ['SET', 'a', 'b']);
    expect([missing.status, missing.json.code]).toEqual([400, 'DATABASE_NOT_FOUND']);
    expect((await post('no-such-database?create_db_if_missing=true', ['SET', 'a', 'b'])).json).toEqual({
      result: 'OK',
    });
    expect((await post('..%2Fetc%2Fpasswd', ['GET', 'a'])).json.code).toBe('INVALID_DB_PATH');
    const table = await post('app?table=sqlite_master', ['GET', 'a']);
    expect(table.status).toBe(400);
    const many = Array.from({ length: 10_001 }, () => ['PING']);
    expect((await post('app/pipeline', many)).status).toBe(413);
    expect((await post('app/pipeline', many.slice(1))).json.length).toBe(10_000);
  });

  test('whatever is sent, no answer is a 500', async () => {
    const name = fc.constantFrom(...Object.keys(redisCommands).filter((command) => command !== 'flushdb'), 'nope');
    const word = fc.oneof(
      fc.constantFrom(
        'a',
        'b',
        'l',
        'h',
        '0',
        '-1',
        '1',
        'EX',
        'PX',
        'NX',
        'MATCH',
        'COUNT',
        '*',
        '9223372036854775807',
      ),
      fc.string({ unit: 'binary' }),
      fc.integer(),
      fc.double(),
    );
    const command = fc.tuple(name, fc.array(word, { maxLength: 5 })).map(([first, words]) => [first, ...words]);
    const body = fc.oneof(
      fc.array(fc.oneof({ weight: 8, arbitrary: command }, { weight: 1, arbitrary: fc.jsonValue() })),
      fc.jsonValue(),
    );
    const path = fc.constantFrom('fuzz', 'fuzz/pipeline', 'fuzz/multi-exec', 'fuzz/get/x', 'fuzz/%2F', '%00');
    await fc.assert(
      fc.asyncProperty(path, body, async (where, value) => {
        const { status, json } = await post(where, JSON.stringify(value));
        expect(status).toBeLessThan(500);
        expect(typeof json.error === 'string' || 'result' in json || Array.isArray(json)).toBe(true);
      }),
      { numRuns: 300 },
    );
  });
});
