// The commands of Redis on a store: what each answers, how the types stand in the table, milliseconds, errors.
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { kvHistory } from '../../../../../server/executor/kv/past/history.ts';
import { redisRead, redisScan, redisWrite } from '../../../../../server/executor/kv/redis/commands.ts';
import { kvEntry, kvGet } from '../../../../../server/executor/kv/store/store.ts';
import { redisCommand } from '../../../../../server/messages/redis-commands.ts';
import { TestStore, table } from '../../../../helpers/kv-store.ts';

let store: TestStore;
beforeEach(() => {
  store = new TestStore();
});
afterEach(() => store.close());

/** The items of several commands as one request. */
// biome-ignore lint/suspicious/noExplicitAny: answers of every shape.
function run(...commands: (string | number)[][]): any[] {
  const words = commands.map((command) => command.map(String));
  const kinds = words.map(([name = '']) => redisCommand(name)?.kind);
  const operation = kinds.includes('write') ? redisWrite : kinds.includes('scan') ? redisScan : redisRead;
  const args = { table, clientIp: '10.0.0.7', commands: words, isBase64: false };
  const { text } = store.run(operation, args);
  return JSON.parse(`[${text}]`);
}

/** The result of one command, or its error. */
function redis(...command: (string | number)[]) {
  const [item] = run(command);
  return item.error ?? item.result;
}

/** Sets the clock to a part of a second. */
function atMs(ms: number): void {
  store.setClock(1_700_000_000 + Math.floor(ms / 1000));
  store.connection.prepareFor(1_700_000_000_000 + ms, 5000, () => {});
}

const wrongType = 'WRONGTYPE Operation against a key holding the wrong kind of value';

describe('strings', () => {
  test('are values as PUT would store them', () => {
    for (const [value, type] of [
      ['{"a": 1}', 'application/json'],
      ['12', 'application/json'],
      ['plain text', 'text/plain'],
    ] as const) {
      expect(redis('set', 'k', value)).toBe('OK');
      expect(store.get('k')).toBe(value);
      expect(store.run(kvEntry, { table, key: 'k' }).json.content_type).toBe(type);
      expect(redis('get', 'k')).toBe(value);
    }
    store.set('put', 'héllo', { contentType: 'text/html' });
    expect([redis('get', 'put'), redis('strlen', 'put'), redis('type', 'put')]).toEqual(['héllo', 6, 'string']);
    expect(redis('append', 'put', '!')).toBe(7);
    expect(store.run(kvEntry, { table, key: 'put' }).json.content_type).toBe('text/html');
  });

  test('SET has conditions, answers the old value, and keeps or ends the time to live', () => {
    expect(redis('set', 'k', 'a', 'XX')).toBe(null);
    expect(redis('set', 'k', 'a', 'nx', 'ex', 100)).toBe('OK');
    expect(redis('set', 'k', 'b', 'nx')).toBe(null);
    expect(redis('set', 'k', 'b', 'xx', 'keepttl', 'get')).toBe('a');
    expect(redis('ttl', 'k')).toBe(100);
    expect(redis('set', 'k', 'c')).toBe('OK');
    expect(redis('ttl', 'k')).toBe(-1);
    expect(redis('set', 'k', 'c', 'ex', 5, 'px', 5)).toBe('ERR syntax error');
    expect(redis('set', 'k', 'c', 'ex', 0)).toBe("ERR invalid expire time in 'set' command");
    expect(redis('set', 'k', 'c', 'ex', 'x')).toBe('ERR value is not an integer or out of range');
    expect(redis('set', 'k', 'c', 'ex', '9223372036854775807')).toBe("ERR invalid expire time in 'set' command");
    expect(redis('set', 'k', 'c', 'exat', 1)).toBe('OK');
    expect(redis('exists', 'k', 'k')).toBe(0);
    redis('rpush', 'l', 'x');
    expect(redis('set', 'l', 'x', 'get')).toBe(wrongType);
    expect(redis('lrange', 'l', 0, -1)).toEqual(['x']);
  });

  test('counters are exact, and refuse what is no 64-bit integer', () => {
    expect(redis('incr', 'n')).toBe(1);
    expect(redis('incrby', 'n', 41)).toBe(42);
    expect(redis('decrby', 'n', 2)).toBe(40);
    expect(redis('decr', 'n')).toBe(39);
    redis('set', 'n', '9223372036854775807');
    expect(redis('incr', 'n')).toBe('ERR increment or decrement would overflow');
    expect(redis('decrby', 'n', '-9223372036854775808')).toBe('ERR decrement would overflow');
    for (const odd of ['1.0', ' 1', '+1', '01', '-0', '9223372036854775808', '']) {
      redis('set', 'n', odd);
      expect([odd, redis('incr', 'n')]).toEqual([odd, 'ERR value is not an integer or out of range']);
    }
    redis('set', 'f', '0.1');
    expect(redis('incrbyfloat', 'f', '0.2')).toBe('0.3');
    expect(redis('incrbyfloat', 'f', '-5.0e3')).toBe('-4999.7');
    expect(redis('incrbyfloat', 'f', '4999.7')).toBe('0');
    expect(redis('incrbyfloat', 'f', '1e-20')).toBe('0');
    expect(redis('incrbyfloat', 'f', '1e999')).toBe('ERR value is not a valid float');
    expect(redis('incrbyfloat', 'f', 'x')).toBe('ERR value is not a valid float');
  });

  test('many at once', () => {
    expect(redis('mset', 'a', 1, 'b', 2)).toBe('OK');
    expect(redis('msetnx', 'b', 3, 'c', 3)).toBe(0);
    expect(redis('mget', 'a', 'b', 'c')).toEqual(['1', '2', null]);
    expect(redis('mset', 'a')).toBe("ERR wrong number of arguments for 'mset' command");
    expect(redis('getdel', 'a')).toBe('1');
    expect(redis('getset', 'b', 'x')).toBe('2');
    expect(redis('getrange', 'b', -5, -1)).toBe('x');
    expect(redis('getrange', 'b', 1, 0)).toBe('');
    expect(redis('setnx', 'b', 'y')).toBe(0);
    expect(redis('del', 'a', 'b', 'b')).toBe(1);
    expect(redis('rename', 'nothing', 'x')).toBe('ERR no such key');
    redis('set', 'from', 'v', 'ex', 50);
    expect([redis('rename', 'from', 'to'), redis('get', 'to'), redis('ttl', 'to')]).toEqual(['OK', 'v', 50]);
    redis('set', 'other', 'w');
    expect([redis('renamenx', 'to', 'other'), redis('renamenx', 'to', 'new')]).toEqual([0, 1]);
  });
});

describe('a time to live', () => {
  test('of milliseconds is kept as such, by every door', () => {
    atMs(300);
    redis('set', 'k', 'v', 'px', 250);
    expect(redis('pttl', 'k')).toBe(250);
    expect(store.run(kvGet, { table, key: 'k' }).headers['x-expire-at']).toBe('1700000000');
    expect(store.list().items[0].expire_at).toBe(1_700_000_000);
    atMs(549);
    expect([redis('pttl', 'k'), store.get('k')]).toEqual([1, 'v']);
    atMs(550);
    expect([redis('pttl', 'k'), redis('get', 'k'), store.get('k'), store.list().items]).toEqual([-2, null, null, null]);
    // The next write says that the key expired; nobody deleted it.
    expect(redis('setnx', 'k', 'w')).toBe(1);
    const { operations } = store.run(kvHistory, { table, key: 'k', limit: 10 }).json;
    expect(operations.map((entry: { operation: { op: string } }) => entry.operation.op)).toEqual(['SET', 'SET']);
  });

  test('that ends with a second ends there, not one later', () => {
    atMs(0);
    redis('psetex', 'k', 2000, 'v');
    atMs(1999);
    expect(redis('get', 'k')).toBe('v');
    atMs(2000);
    expect(redis('get', 'k')).toBe(null);
  });

  test('of whole seconds counts as PUT counts it', () => {
    store.set('k', 'v', { ttlSeconds: 60 });
    expect([redis('ttl', 'k'), redis('pttl', 'k')]).toEqual([60, 60_000]);
    store.advance(60);
    expect([redis('ttl', 'k'), redis('get', 'k')]).toEqual([0, 'v']);
    store.advance(1);
    expect(redis('ttl', 'k')).toBe(-2);
  });

  test('EXPIRE has conditions, and a moment that has passed ends the key', () => {
    expect(redis('expire', 'k', 10)).toBe(0);
    redis('set', 'k', 'v');
    expect(redis('expire', 'k', 10, 'xx')).toBe(0);
    expect(redis('expire', 'k', 10, 'gt')).toBe(0);
    expect(redis('expire', 'k', 10, 'nx')).toBe(1);
    expect(redis('pexpire', 'k', 9_000, 'gt')).toBe(0);
    expect(redis('pexpire', 'k', 9_000, 'lt')).toBe(1);
    expect(redis('expire', 'k', 10, 'foo')).toBe('ERR Unsupported option foo');
    expect(redis('expire', 'k', 10, 'nx', 'xx')).toMatch(/^ERR NX and XX/);
    expect(redis('pexpireat', 'k', 1_700_000_020_000)).toBe(1);
    expect(redis('ttl', 'k')).toBe(20);
    expect([redis('persist', 'k'), redis('persist', 'k'), redis('ttl', 'k')]).toEqual([1, 0, -1]);
    expect([redis('getex', 'k', 'ex', 5), redis('ttl', 'k')]).toEqual(['v', 5]);
    expect([redis('getex', 'k', 'persist'), redis('ttl', 'k')]).toEqual(['v', -1]);
    expect(redis('getex', 'k', 'ex')).toBe('ERR syntax error');
    expect([redis('expire', 'k', -1), redis('exists', 'k')]).toEqual([1, 0]);
  });

  test('is kept by a change of the value, and by KV', () => {
    redis('set', 'k', '1', 'px', 90_500);
    redis('incr', 'k');
    redis('append', 'k', '0');
    expect([redis('get', 'k'), redis('pttl', 'k')]).toEqual(['20', 90_500]);
  });

  test('is whole seconds in a STRICT table', () => {
    store.native.exec(`CREATE TABLE kv_store (key TEXT PRIMARY KEY, value ANY, content_type TEXT, created_at INTEGER,
      updated_at INTEGER, expire_at INTEGER) STRICT`);
    atMs(300);
    expect(redis('set', 'k', 'v', 'px', 250)).toBe('OK');
    atMs(999);
    expect(redis('get', 'k')).toBe('v');
    atMs(1000);
    expect(redis('get', 'k')).toBe(null);
  });
});

describe('types', () => {
  test('lists are JSON arrays that say so', () => {
    expect(redis('rpush', 'l', 'a', 'b')).toBe(2);
    expect(redis('lpush', 'l', 'x', 'y')).toBe(4);
    expect(redis('lrange', 'l', 0, -1)).toEqual(['y', 'x', 'a', 'b']);
    const { text, headers } = store.run(kvGet, { table, key: 'l' });
    expect(text).toBe('["y","x","a","b"]');
    expect(store.run(kvEntry, { table, key: 'l' }).json.content_type).toBe('application/json; type=list');
    expect(headers.etag).toMatch(/^"/);
    expect([redis('llen', 'l'), redis('lindex', 'l', -1), redis('lindex', 'l', 9)]).toEqual([4, 'b', null]);
    expect([redis('lset', 'l', 0, 'z'), redis('lset', 'l', 9, 'z')]).toEqual(['OK', 'ERR index out of range']);
    expect([redis('lpop', 'l'), redis('rpop', 'l', 2)]).toEqual(['z', ['b', 'a']]);
    expect([redis('rpop', 'l', 5), redis('type', 'l'), redis('rpop', 'l'), redis('lpop', 'l', 2)]).toEqual([
      ['x'],
      'none',
      null,
      null,
    ]);
    expect([redis('lpushx', 'l', 'a'), redis('lset', 'l', 0, 'a')]).toEqual([0, 'ERR no such key']);
    redis('rpush', 'l', 'a', 'b', 'a', 'c', 'a');
    expect([redis('lrem', 'l', -2, 'a'), redis('lrange', 'l', 0, -1)]).toEqual([2, ['a', 'b', 'c']]);
    expect([redis('ltrim', 'l', 1, 1), redis('lrange', 'l', 0, 99)]).toEqual(['OK', ['b']]);
    expect([redis('ltrim', 'l', 5, 9), redis('exists', 'l')]).toEqual(['OK', 0]);
    expect(redis('lpop', 'l', -1)).toBe('ERR value is out of range, must be positive');
  });

  test('hashes are JSON objects, in the order in which their fields came', () => {
    expect(redis('hset', 'h', '9', 'nine', '__proto__', 'p', '1', 'one')).toBe(3);
    expect(store.get('h')).toBe('{"9":"nine","__proto__":"p","1":"one"}');
    expect(redis('hgetall', 'h')).toEqual(['9', 'nine', '__proto__', 'p', '1', 'one']);
    expect(redis('hset', 'h', '1', '1')).toBe(0);
    expect([redis('hincrby', 'h', '1', 4), redis('hincrbyfloat', 'h', '1', '.5')]).toEqual([5, '5.5']);
    expect(redis('hincrby', 'h', '9', 1)).toBe('ERR hash value is not an integer');
    expect(redis('hmget', 'h', '9', 'x', '__proto__')).toEqual(['nine', null, 'p']);
    expect([redis('hexists', 'h', '9'), redis('hlen', 'h'), redis('hkeys', 'h')]).toEqual([
      1,
      3,
      ['9', '__proto__', '1'],
    ]);
    expect([redis('hdel', 'h', '9', 'x', '1', '__proto__'), redis('type', 'h')]).toEqual([3, 'none']);
    expect(redis('hset', 'h', 'a')).toBe("ERR wrong number of arguments for 'hset' command");
  });

  test('sets hold each member once', () => {
    expect([redis('sadd', 's', 'a', 'b', 'a'), redis('sadd', 's', 'a')]).toEqual([2, 0]);
    expect(store.get('s')).toBe('["a","b"]');
    expect([redis('smismember', 's', 'a', 'x'), redis('scard', 's'), redis('type', 's')]).toEqual([[1, 0], 2, 'set']);
    expect([redis('srem', 's', 'a', 'x'), redis('smembers', 's'), redis('srem', 's', 'b')]).toEqual([1, ['b'], 1]);
    expect(redis('exists', 's')).toBe(0);
  });

  test('are told apart, and a key keeps its own', () => {
    redis('set', 'str', '["a"]');
    redis('rpush', 'list', 'a');
    redis('hset', 'hash', 'a', 'b');
    redis('sadd', 'set', 'a');
    expect(['str', 'list', 'hash', 'set'].map((key) => redis('type', key))).toEqual(['string', 'list', 'hash', 'set']);
    for (const command of [
      ['lpush', 'str', 'a'],
      ['get', 'list'],
      ['incr', 'hash'],
      ['sadd', 'list', 'a'],
      ['hget', 'set', 'a'],
      ['append', 'set', 'a'],
      ['getdel', 'list'],
    ]) {
      expect([command, redis(...command)]).toEqual([command, wrongType]);
    }
    expect(redis('mget', 'str', 'list')).toEqual(['["a"]', null]);
  });

  test('what another door puts into a document is shown as JSON and kept', () => {
    store.set('l', '["a", {"b": [1, 2]}, 12345678901234567890]', { contentType: 'application/json; type=list' });
    expect(redis('lrange', 'l', 0, -1)).toEqual(['a', '{"b":[1,2]}', '12345678901234567890']);
    redis('rpush', 'l', 'z');
    expect(store.get('l')).toBe('["a",{"b": [1, 2]},12345678901234567890,"z"]');
    store.set('odd', '{"a":1}', { contentType: 'application/json; type=list' });
    expect([redis('type', 'odd'), redis('lrange', 'odd', 0, -1)]).toEqual(['string', wrongType]);
    store.native.exec(`INSERT INTO kv_store (key, value, content_type)
      VALUES ('broken', '[1,', 'application/json; type=list')`);
    expect(redis('lrange', 'broken', 0, -1)).toBe(wrongType);
  });
});

describe('keys', () => {
  test('SCAN finds every key once, with a decimal cursor and bounded steps', () => {
    const names = Array.from({ length: 57 }, (_, at) => `user:${at}`);
    run(...names.map((name) => ['set', name, '1']), ['set', 'z\u{1f600}', '1'], ['rpush', 'user:list', 'x']);
    const walk = (...options: (string | number)[]) => {
      const found: string[] = [];
      let cursor = '0';
      do {
        const [next, keys] = redis('scan', cursor, ...options);
        expect(next).toMatch(/^\d+$/);
        expect(keys.length).toBeLessThanOrEqual(10);
        found.push(...keys);
        cursor = next;
      } while (cursor !== '0');
      return found.sort();
    };
    expect(walk()).toEqual([...names, 'user:list', 'z\u{1f600}'].sort());
    expect(walk('match', 'user:*', 'count', 7)).toEqual([...names, 'user:list'].sort());
    expect(walk('match', 'user:1?')).toEqual(names.filter((name) => /^user:1.$/.test(name)));
    expect(walk('type', 'list')).toEqual(['user:list']);
    expect(redis('keys', 'user:[4-5][^0-8]')).toEqual(['user:49']);
    expect(redis('dbsize')).toBe(59);
    for (const cursor of ['x', '-1', '2', '99999']) expect(redis('scan', cursor)).toBe('ERR invalid cursor');
    expect(redis('scan', '0', 'count', '0')).toBe('ERR syntax error');
    expect([redis('flushdb'), redis('dbsize')]).toEqual(['OK', 0]);
  });

  test('HSCAN and SSCAN answer a whole value at once, and only what matches', () => {
    redis('hset', 'h', 'aa', '1', 'ab', '2', 'b', '3');
    redis('sadd', 's', 'aa', 'ab', 'b');
    expect(redis('hscan', 'h', '0')).toEqual(['0', ['aa', '1', 'ab', '2', 'b', '3']]);
    expect(redis('hscan', 'h', '0', 'match', 'a*', 'count', '1')).toEqual(['0', ['aa', '1', 'ab', '2']]);
    expect(redis('hscan', 'h', '0', 'NoValues', 'MATCH', '?')).toEqual(['0', ['b']]);
    expect(redis('sscan', 's', '0')).toEqual(['0', ['aa', 'ab', 'b']]);
    expect(redis('sscan', 's', '7', 'MATCH', 'a[b]')).toEqual(['0', ['ab']]);
    expect([redis('sscan', 'none', '0'), redis('hscan', 'none', '0')]).toEqual([
      ['0', []],
      ['0', []],
    ]);
    expect([redis('sscan', 'h', '0'), redis('hscan', 's', '0')]).toEqual([wrongType, wrongType]);
    for (const name of ['sscan', 'hscan'] as const) {
      for (const cursor of ['x', '-1', '']) expect(redis(name, 'none', cursor)).toBe('ERR invalid cursor');
      for (const options of [['count', '0'], ['match'], ['type', 'set'], ['x', 'y']]) {
        expect(redis(name, 'none', '0', ...options)).toBe('ERR syntax error');
      }
    }
    expect(redis('sscan', 's', '0', 'NOVALUES')).toBe('ERR syntax error');
    expect(redis('scan', '0', 'NOVALUES')).toBe('ERR syntax error');
  });

  test('a key that no store could hold is refused before anything is written', () => {
    const [first, second] = run(['mset', 'good', '1', 'a\0b', '2'], ['get', 'good']);
    expect(first.error).toMatch(/^ERR a key holds no NUL/);
    expect(second.result).toBe(null);
  });
});

test('a command that fails changes nothing, and the others stand', () => {
  expect(run(['set', 'a', '1'], ['lpush', 'a', 'x'], ['incr', 'a'], ['get', 'a'])).toEqual([
    { result: 'OK' },
    { error: wrongType },
    { result: 2 },
    { result: '2' },
  ]);
});

test('every write is in the history of its key, with its client and what it was', () => {
  run(['set', 'n', '5'], ['incrby', 'n', 3], ['decr', 'n'], ['expire', 'n', 5], ['persist', 'n'], ['del', 'n']);
  const { operations } = store.run(kvHistory, { table, key: 'n', limit: 10 }).json;
  expect(operations.map((entry: { client_ip: string }) => entry.client_ip)).toEqual(Array(6).fill('10.0.0.7'));
  expect(
    operations.map(({ operation }: { operation: { op: string; delta: number } }) => [operation.op, operation.delta]),
  ).toEqual([
    ['DELETE', null],
    ['PERSIST', null],
    ['EXPIRE', null],
    ['DECR', -1],
    ['INCR', 3],
    ['SET', null],
  ]);
});
