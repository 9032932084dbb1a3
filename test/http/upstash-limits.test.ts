// The Redis door where things get in the way, on a real mount: locks, deadlines, triggers, limits, and what the past
// says of its writes.
import { join } from 'node:path';
import { beforeAll, expect, test } from 'vitest';
import { type CallOptions, request, useDaemon } from '../helpers/http.ts';
import { withClients } from '../helpers/sqlite-client.ts';

const api = useDaemon();
const post = (path: string, body: CallOptions['body']) =>
  request(`${api().daemon.url}/upstash/${path}`, 'POST', { ...(body === undefined ? {} : { body }) });

beforeAll(async () => {
  await api().call('POST', '/db/create?path=app');
});

test('where a program holds the lock, a write is refused at its deadline and what only reads is not', async () => {
  await post('app', ['SET', 'held', '1']);
  await withClients(async (start) => {
    const holder = start();
    await holder.open(join(api().daemon.root, 'app.db'));
    expect((await holder.run(['BEGIN IMMEDIATE', "UPDATE kv_store SET value = '2' WHERE key = 'held'"])).error).toBe(
      null,
    );
    const write = post('app?timeout=2', ['INCR', 'held']);
    const mixed = post('app/pipeline?timeout=2', [['PING'], ['KEYS', 'h*'], ['INCR', 'held'], ['DBSIZE']]);
    expect(
      (
        await post('app/pipeline', [
          ['GET', 'held'],
          ['TTL', 'held'],
          ['SCAN', '0'],
        ])
      ).json,
    ).toEqual([{ result: '1' }, { result: -1 }, { result: ['0', ['held']] }]);
    const refused = await write;
    expect([refused.status, refused.json.code, refused.headers['retry-after']]).toEqual([503, 'DATABASE_BUSY', '1']);
    expect(refused.json.error).toMatch(/^ERR /);
    // What ran before stands; what did not run says so.
    const [ping, keys, incr, size] = (await mixed).json;
    expect([ping, keys]).toEqual([{ result: 'PONG' }, { result: ['held'] }]);
    expect(incr.error).toMatch(/^ERR .*\((DATABASE_BUSY|REQUEST_TIMEOUT)\)$/);
    expect(size.error).toMatch(/^ERR /);
    expect((await holder.run('COMMIT')).error).toBe(null);
  });
  expect((await post('app', ['GET', 'held'])).json).toEqual({ result: '2' });
});

test('a trigger that refuses a write fails its command alone; one that ends the transaction fails all of it', async () => {
  await post('app', ['SET', 'seen', '0']);
  await api().sql('app', {
    statement: `CREATE TRIGGER no_bad BEFORE INSERT ON kv_store WHEN NEW.key = 'bad'
      BEGIN SELECT RAISE(ABORT, 'no bad keys'); END`,
  });
  await api().sql('app', {
    statement: `CREATE TRIGGER no_worse BEFORE INSERT ON kv_store WHEN NEW.key = 'worse'
      BEGIN SELECT RAISE(ROLLBACK, 'no worse keys'); END`,
  });
  const refused = [
    ['INCR', 'seen'],
    ['MSET', 'good', '1', 'bad', '2'],
    ['INCR', 'seen'],
  ];
  for (const form of ['pipeline', 'multi-exec']) {
    const { json } = await post(`app/${form}`, refused);
    expect(json[1].error).toMatch(/^ERR .*no bad keys/);
    expect((await post('app', ['EXISTS', 'good', 'bad'])).json).toEqual({ result: 0 });
  }
  expect((await post('app', ['GET', 'seen'])).json).toEqual({ result: '4' });
  const ended = await post('app/multi-exec', [
    ['INCR', 'seen'],
    ['SET', 'worse', '1'],
    ['INCR', 'seen'],
  ]);
  expect([ended.status, ended.json.code]).toEqual([409, 'CONFLICT']);
  expect((await post('app', ['GET', 'seen'])).json).toEqual({ result: '4' });
});

test('the past knows a time to live of milliseconds, in whole seconds', async () => {
  const cursor = (await api().call('GET', '/changes?db=app')).json.cursor;
  const before = Math.floor(Date.now() / 1000) - 5;
  await post('app', ['SET', 'timed', 'a', 'PX', 500_250]);
  await post('app', ['PEXPIRE', 'timed', 600_750]);
  const calls = [
    '/kv/timed?',
    '/kv/timed/entry?',
    '/kv/timed/history?',
    '/kv?prefix=timed&',
    `/changes?since=${cursor}&include_values=true&`,
    `/kv/snapshot?timestamp=${Math.floor(Date.now() / 1000)}&`,
    `/kv/timed?at_timestamp=${Math.floor(Date.now() / 1000)}&`,
  ];
  // Each answer is held against its description, which has integers for times.
  for (const path of calls) expect([path, (await api().call('GET', `${path}db=app`)).status]).toEqual([path, 200]);
  const { json } = await api().call('GET', '/kv/timed/history?db=app');
  expect(json.operations.map(({ operation }: { operation: { op: string } }) => operation.op)).toEqual([
    'EXPIRE',
    'SET',
  ]);
  const rolled = await api().call('POST', '/kv/timed/rollback?db=app');
  expect(rolled.json.rolled_back).toBe(1);
  const left = (await post('app', ['PTTL', 'timed'])).json.result;
  expect(left).toBeLessThanOrEqual(500_250);
  expect(left).toBeGreaterThan(400_000);
  const diff = await api().call('GET', `/kv/diff?from=${before}&to=${Math.floor(Date.now() / 1000)}&db=app`);
  expect(diff.status).toBe(200);
});

test('what looks at every key may stand in a transaction, within limits', async () => {
  await api().call('POST', '/db/create?path=many');
  for (let at = 0; at < 4; at += 1) {
    const pairs = Array.from({ length: 3000 }, (_, key) => [`k${at}:${key}`, '1']).flat();
    await post('many', ['MSET', ...pairs]);
  }
  const refused = await post('many/multi-exec', [['DBSIZE'], ['FLUSHDB'], ['DBSIZE']]);
  expect(refused.json[1].error).toMatch(/^ERR FLUSHDB of more than 10000 keys/);
  expect([refused.json[0], refused.json[2]]).toEqual([{ result: 12_000 }, { result: 12_000 }]);
  expect((await post('many', ['DEL', ...Array.from({ length: 3000 }, (_, key) => `k3:${key}`)])).json.result).toBe(
    3000,
  );
  const { json } = await post('many/multi-exec', [['KEYS', 'k0:1?'], ['FLUSHDB'], ['SET', 'last', 'x'], ['KEYS', '*']]);
  expect(json[0].result.length).toBe(10);
  expect(json.slice(1)).toEqual([{ result: 'OK' }, { result: 'OK' }, { result: ['last'] }]);
  const large = await post('many', [
    'MSET',
    ...Array.from({ length: 4 }, (_, at) => [`l${at}`, 'x'.repeat(3e6)]).flat(),
  ]);
  expect(large.json).toEqual({ result: 'OK' });
  const answer = await post('many', ['MGET', ...Array.from({ length: 40 }, (_, at) => `l${at % 4}`)]);
  expect([answer.status, answer.json.code]).toEqual([413, 'RESPONSE_TOO_LARGE']);
});
