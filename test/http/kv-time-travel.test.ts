// The past over HTTP, row by row.
import { beforeAll, describe, expect, test } from 'vitest';
import { eventually } from '../helpers/eventually.ts';
import { useDaemon } from '../helpers/http.ts';

const api = useDaemon(['--create-on-write']);
const call = (method: string, path: string, body?: string | object, headers = {}) =>
  api().call(method, path, { ...(body === undefined ? {} : { body }), headers });
const json = { 'content-type': 'application/json' };
const nowSeconds = () => Math.floor(Date.now() / 1000);

/** Everything so far lies in an earlier second than what follows; answers that earlier second. */
async function nextSecond(): Promise<number> {
  const before = nowSeconds();
  await eventually(() => expect(nowSeconds()).toBeGreaterThan(before));
  return before;
}

describe('one key', () => {
  beforeAll(async () => {
    await call('PUT', '/kv/cfg?db=one', '{"chat":false}', json);
    await call('PUT', '/kv/cfg?db=one', '{"chat":true}', json);
    await call('POST', '/kv/n/incr?db=one&delta=5');
    await call('POST', '/kv/n/decr?db=one&delta=2');
    await call('PUT', '/kv/n2?db=one&path=a.b', '1');
  });

  test('history tells who changed what, when, from what to what, newest first', async () => {
    const { json: history } = await call('GET', '/kv/cfg/history?db=one');
    expect(history).toMatchObject({ success: true, key: 'cfg', table: 'kv_store', count: 2 });
    expect(history.operations[0]).toMatchObject({
      op_number: 2,
      client_ip: '127.0.0.1',
      client: 'http',
      operation: {
        op: 'SET',
        path: '',
        delta: null,
        content_type: 'application/json',
        raw_old_value: Buffer.from('{"chat":false}').toString('base64'),
        raw_new_value: Buffer.from('{"chat":true}').toString('base64'),
        old_value: { chat: false },
        new_value: { chat: true },
        expire_at: null,
      },
    });
    expect(Math.abs(history.operations[0].timestamp - nowSeconds())).toBeLessThan(60);
    expect(history.operations[1]).toMatchObject({ op_number: 1, operation: { raw_old_value: null, old_value: null } });
    const counter = (await call('GET', '/kv/n/history?db=one')).json.operations;
    expect(counter.map((one: { operation: { op: string; delta: number } }) => one.operation)).toMatchObject([
      { op: 'DECR', delta: -2 },
      { op: 'INCR', delta: 5 },
    ]);
    expect((await call('GET', '/kv/n2/history?db=one')).json.operations[0].operation.path).toBe('a.b');
  });

  test('history pages', async () => {
    expect((await call('GET', '/kv/cfg/history?db=one&limit=1')).json).toMatchObject({ count: 1 });
    expect((await call('GET', '/kv/cfg/history?db=one&limit=0')).json).toMatchObject({ count: 2 });
    expect((await call('GET', '/kv/cfg/history?db=one&limit=-1')).status).toBe(400);
    expect((await call('GET', '/kv/none/history?db=one')).json).toMatchObject({ count: 0, operations: [] });
  });

  test('a snapshot is the value after an operation', async () => {
    const first = await call('GET', '/kv/cfg/snapshot?db=one&op_number=1');
    expect(first.json).toEqual({
      success: true,
      op_number: 1,
      value: { chat: false },
      content_type: 'application/json',
    });
    expect((await call('GET', '/kv/n/snapshot?db=one&op_number=1')).json.value_base64).toBe('NQ==');
    const missing = async (path: string) => {
      const answer = await call('GET', path);
      return [answer.status, answer.json.code];
    };
    expect(await missing('/kv/cfg/snapshot?db=one&op_number=9')).toEqual([404, 'HISTORY_ENTRY_NOT_FOUND']);
    expect(await missing('/kv/none/snapshot?db=one&op_number=1')).toEqual([404, 'KEY_NOT_FOUND']);
    expect(await missing('/kv/cfg/snapshot?db=one&op_number=0')).toEqual([400, 'INVALID_PARAMETERS']);
    expect(await missing('/kv/cfg/snapshot?db=one')).toEqual([400, 'INVALID_PARAMETERS']);
  });

  test('rollback undoes the newest operations and takes them out of the history', async () => {
    for (const value of ['1', '2', '3']) await call('PUT', '/kv/undo?db=one', value);
    await call('DELETE', '/kv/undo?db=one');
    expect((await call('POST', '/kv/undo/rollback?db=one')).json).toEqual({
      success: true,
      key: 'undo',
      rolled_back: 1,
    });
    expect((await call('GET', '/kv/undo?db=one')).text).toBe('3');
    expect((await call('POST', '/kv/undo/rollback?db=one&steps=2')).json.rolled_back).toBe(2);
    expect((await call('GET', '/kv/undo?db=one')).text).toBe('1');
    expect((await call('GET', '/kv/undo/history?db=one')).json.count).toBe(1);
    await call('PUT', '/kv/undo?db=one', '4');
    // Numbers of undone operations are not used again.
    const numbers = (await call('GET', '/kv/undo/history?db=one')).json.operations;
    expect(numbers[0].op_number).toBeGreaterThan(4);
    expect((await call('POST', '/kv/undo/rollback?db=one&steps=100')).json.rolled_back).toBe(2);
    expect((await call('GET', '/kv/undo?db=one')).status).toBe(404);
    const again = await call('POST', '/kv/undo/rollback?db=one');
    expect(again).toMatchObject({ status: 404, json: { code: 'HISTORY_ENTRY_NOT_FOUND' } });
  });

  test('rollback refuses conditions and bad steps', async () => {
    for (const steps of ['0', '50001', 'x']) {
      expect((await call('POST', `/kv/cfg/rollback?db=one&steps=${steps}`)).status).toBe(400);
    }
    expect((await call('POST', '/kv/cfg/rollback?db=one', undefined, { 'if-match': '*' })).status).toBe(400);
  });

  test('history=false leaves a marker that nothing reads across', async () => {
    await call('PUT', '/kv/gap?db=one', '"known"');
    await call('PUT', '/kv/gap?db=one&history=false', '"secret"');
    await call('PUT', '/kv/gap?db=one', '"later"');
    const { operations } = (await call('GET', '/kv/gap/history?db=one')).json;
    expect(operations.map((one: { operation: { op: string } }) => one.operation.op)).toEqual([
      'SET',
      'UNRECORDED',
      'SET',
    ]);
    expect(operations[1].operation).toMatchObject({ raw_new_value: null, unrecorded_until: operations[1].timestamp });
    expect(JSON.stringify(operations)).not.toContain(Buffer.from('"secret"').toString('base64'));
    expect((await call('GET', '/kv/gap/snapshot?db=one&op_number=1')).json.value).toBe('known');
    const marker = await call('GET', '/kv/gap/snapshot?db=one&op_number=2');
    expect(marker).toMatchObject({ status: 409, json: { code: 'TIME_TRAVEL_CHAIN_GAP' } });
    const rollback = await call('POST', '/kv/gap/rollback?db=one&steps=1');
    expect(rollback.status).toBe(409);
    expect(rollback.json.error).toMatch(/^TIME_TRAVEL_CHAIN_GAP: /);
    expect((await call('GET', '/kv/gap?db=one')).text).toBe('"later"');
  });
});

describe('a time', () => {
  let before: number;
  let between: number;

  beforeAll(async () => {
    await call('PUT', '/kv/a?db=time', '{"v":1}', json);
    await call('PUT', '/kv/b?db=time', '"b1"', json);
    await call('PUT', '/kv/same?db=time', '1', json);
    before = nowSeconds() - 5;
    between = await nextSecond();
    await call('PUT', '/kv/a?db=time', '{"v":2}', json);
    await call('DELETE', '/kv/b?db=time');
    await call('PUT', '/kv/c?db=time', 'bytes');
    await nextSecond();
  });

  test('a value at a time', async () => {
    const at = (key: string, seconds: number, headers = json as object) =>
      call('GET', `/kv/${key}?db=time&at_timestamp=${seconds}`, undefined, headers);
    expect((await at('a', between)).json).toMatchObject({
      success: true,
      key: 'a',
      value: { v: 1 },
      content_type: 'application/json',
      timestamp: between,
      op_number: 1,
    });
    expect((await at('b', between)).json.value).toBe('b1');
    expect(await at('b', nowSeconds())).toMatchObject({ status: 404, json: { code: 'KEY_NOT_FOUND' } });
    expect(await at('a', before)).toMatchObject({ status: 404, json: { code: 'KEY_NOT_FOUND' } });
    expect((await at('a', nowSeconds() + 100)).status).toBe(400);
    expect((await at('a', Date.now())).status).toBe(400);
    expect((await at('a', between, { 'if-none-match': '"x"' })).status).toBe(400);
    expect((await call('GET', '/kv/a?db=time&at_timestamp=0')).text).toBe('{"v":2}');
  });

  test('a list and a snapshot of the table at a time', async () => {
    const list = (await call('GET', `/kv?db=time&at_timestamp=${between}`)).json;
    expect(list).toMatchObject({
      success: true,
      timestamp: between,
      count: 3,
      offset: 0,
      has_gaps: false,
      gap_keys: null,
    });
    expect(list.items[0]).toMatchObject({ key: 'a', op_number: 1, existed_at_timestamp: true, size_estimate: 7 });
    const snapshot = (await call('GET', `/kv/snapshot?db=time&timestamp=${between}`)).json;
    expect(snapshot).toMatchObject({ count: 3, total_keys_at_snapshot: 3, candidate_truncated: false });
    expect(snapshot.keys.map(({ key, value }: { key: string; value: unknown }) => [key, value])).toEqual([
      ['a', { v: 1 }],
      ['b', 'b1'],
      ['same', 1],
    ]);
    expect(snapshot.snapshot_time).toBe(new Date(between * 1000).toISOString());
    expect((await call('GET', `/kv/snapshot?db=time&timestamp=${between}&prefix=b&limit=1`)).json.count).toBe(1);
    expect((await call('GET', `/kv/snapshot?db=time&timestamp=${before}`)).json).toMatchObject({
      keys: null,
      count: 0,
    });
    expect((await call('GET', '/kv/snapshot?db=time')).status).toBe(400);
    expect((await call('GET', '/kv/snapshot?db=time&timestamp=0')).status).toBe(400);
  });

  test('a diff of two times', async () => {
    const diff = (await call('GET', `/kv/diff?db=time&from=${between}&to=${nowSeconds()}`)).json;
    expect(diff.stats).toEqual({ created: 1, modified: 1, deleted: 1, unchanged: 1, total_changes: 3 });
    const byKey = Object.fromEntries(diff.changes.map((change: { key: string }) => [change.key, change]));
    expect(byKey.a).toMatchObject({ change_type: 'modified', from_value: { v: 1 }, to_value: { v: 2 } });
    expect(byKey.a.operations_between).toMatchObject([{ op_number: 2, operation: 'SET', path: '', delta: null }]);
    expect(byKey.b).toMatchObject({ change_type: 'deleted', from_value: 'b1', from_content_type: 'application/json' });
    expect(byKey.c).toMatchObject({ change_type: 'created', to_value_base64: Buffer.from('bytes').toString('base64') });
    const some = (await call('GET', `/kv/diff?db=time&from=${between}&to=${nowSeconds()}&keys=a,same`)).json;
    expect(some.stats).toMatchObject({ modified: 1, unchanged: 1, total_changes: 1 });
    expect((await call('GET', `/kv/diff?db=time&from=${between}&to=${between}`)).status).toBe(400);
    expect((await call('GET', `/kv/diff?db=time&from=1&to=${nowSeconds() + 99}`)).status).toBe(400);
  });

  test('a table rollback shows first, does it with confirm=yes, and can be undone itself', async () => {
    const path = `/kv/rollback?db=time&to_timestamp=${between}`;
    const preview = (await call('POST', path)).json;
    expect(preview).toMatchObject({
      success: true,
      dry_run: true,
      to_timestamp: between,
      preview: { total_keys: 3, keys_to_rollback: 1, keys_to_delete: 1, keys_to_restore: 1, operations_to_reverse: 3 },
    });
    const actions = preview.preview.changes.map(
      ({ key, action }: { key: string; action: string }) => `${action} ${key}`,
    );
    expect(actions.sort()).toEqual(['delete c', 'restore b', 'rollback a']);
    expect((await call('POST', `${path}&confirm=yes&dry_run=true`)).json.dry_run).toBe(true);
    expect((await call('POST', `${path}&confirm=maybe`)).status).toBe(400);
    expect((await call('GET', '/kv/a?db=time')).text).toBe('{"v":2}');

    const beforeRollback = await nextSecond();
    for (const name of ['keys', 'exclude_keys']) {
      const refused = await call('POST', `${path}&confirm=yes`, { [name]: ['a', '\ud800'] });
      expect([refused.status, refused.json.error]).toEqual([400, expect.stringContaining(`${name}[1] is not valid`)]);
    }
    const only = await call('POST', `${path}&confirm=yes`, { keys: ['a', 'c'], exclude_keys: ['c'] });
    expect(only.json).toMatchObject({ rolled_back: 1, deleted: 0, restored: 0, total_operations_reversed: 1 });
    const all = (await call('POST', `${path}&confirm=yes`)).json;
    expect(all).toMatchObject({
      success: true,
      to_timestamp: between,
      rolled_back: 0,
      deleted: 1,
      restored: 1,
      untouched_keys: [],
    });
    expect((await call('GET', '/kv/a?db=time')).text).toBe('{"v":1}');
    expect((await call('GET', '/kv/b?db=time')).text).toBe('"b1"');
    expect((await call('GET', '/kv/c?db=time')).status).toBe(404);

    const undo = await call('POST', `/kv/rollback?db=time&to_timestamp=${beforeRollback}&confirm=yes`);
    expect(undo.json).toMatchObject({ rolled_back: 1, deleted: 1, restored: 1 });
    expect((await call('GET', '/kv/a?db=time')).text).toBe('{"v":2}');
    expect((await call('GET', '/kv/b?db=time')).status).toBe(404);
    expect((await call('GET', '/kv/c?db=time')).text).toBe('bytes');
  });

  test('a rollback over a gap is refused as a whole', async () => {
    await call('PUT', '/kv/x?db=gaps', '1');
    await call('PUT', '/kv/y?db=gaps&history=false', '1');
    const time = await nextSecond();
    for (const key of ['x', 'y']) await call('PUT', `/kv/${key}?db=gaps`, '2');
    const answer = await call('POST', `/kv/rollback?db=gaps&to_timestamp=${time}&confirm=yes`);
    expect(answer).toMatchObject({
      status: 409,
      json: { error: 'TIME_TRAVEL_CHAIN_GAP', code: 'TIME_TRAVEL_CHAIN_GAP' },
    });
    expect(answer.json.message).toContain('"y"');
    expect((await call('GET', '/kv/x?db=gaps')).text).toBe('2');
    const tooMany = { keys: Array.from({ length: 10_001 }, (_, n) => `k${n}`) };
    expect((await call('POST', `/kv/rollback?db=gaps&to_timestamp=${time}`, tooMany)).status).toBe(413);
  });
});

test('a key whose time is over keeps its history', async () => {
  await call('PUT', '/kv/session?db=ttl&ttl=1', '"here"', json);
  const alive = nowSeconds();
  await eventually(async () => expect((await call('GET', '/kv/session?db=ttl')).status).toBe(404));
  await eventually(async () => {
    const rows = await api().sql('ttl', { query: 'SELECT count(*) AS n FROM kv_store' });
    expect(rows.json.results[0].resultSet).toEqual([{ n: 0 }]);
  });
  const { operations } = (await call('GET', '/kv/session/history?db=ttl')).json;
  expect(operations).toMatchObject([{ operation: { op: 'SET', new_value: 'here' } }]);
  expect((await call('GET', `/kv/session?db=ttl&at_timestamp=${alive}`, undefined, json)).json.value).toBe('here');
  const over = await call('GET', `/kv/session?db=ttl&at_timestamp=${nowSeconds()}`, undefined, json);
  expect(over).toMatchObject({ status: 404, json: { code: 'KEY_EXPIRED' } });
});

test('db/stats tells what values, history and feed take', async () => {
  await call('PUT', '/kv/big?db=stats', 'x'.repeat(5000));
  await call('PUT', '/kv/big?db=stats', 'y'.repeat(4000));
  const stats = (await call('GET', '/db/stats?db=stats')).json;
  expect(stats).toMatchObject({ success: true, value_bytes: 4000, history_bytes: 5000 });
  expect(stats.tables).toMatchObject([{ table: 'kv_store', keys: 1, operations: 2 }]);
  expect(stats.size_bytes).toBeGreaterThan(9000);
});

test('reset_changes ends every cursor and every ETag', async () => {
  const { etag } = (await call('PUT', '/kv/a?db=reset', '1')).json;
  const { cursor } = (await call('GET', '/changes?db=reset')).json;
  expect((await call('POST', '/maintenance?db=reset', { op: 'reset_changes' })).json).toEqual({
    op: 'reset_changes',
    result: 'ok',
  });
  expect((await call('GET', `/changes?db=reset&since=${cursor}`)).status).toBe(410);
  expect((await call('PUT', '/kv/a?db=reset', '2', { 'if-match': etag })).status).toBe(412);
});
