// The operations on single values on a database file, without HTTP.
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { kvIncrement } from '../../../../server/executor/kv/store/atomic.ts';
import { kvBatchGet } from '../../../../server/executor/kv/store/batch.ts';
import { kvEntry, kvExpire, kvGet, kvHead, kvSet } from '../../../../server/executor/kv/store/store.ts';
import { body, TestStore, table } from '../../../helpers/kv-store.ts';

let store: TestStore;
beforeEach(() => {
  store = new TestStore();
});
afterEach(() => store.close());

const code = (value: string) => expect.objectContaining({ code: value });

describe('get, set, delete', () => {
  test('a value comes back byte for byte with its content type', () => {
    store.set('a', '{"x": 1.0}', { contentType: 'application/json' });
    const bytes = Buffer.from([0, 255, 1, 254]);
    store.run(kvSet, store.write('b', { body: bytes, contentType: 'image/png', ttlSeconds: 0 }));
    expect(store.get('a')).toBe('{"x": 1.0}');
    const answer = store.call(kvGet, { table, key: 'b' });
    expect(Buffer.from(answer.body ?? '')).toEqual(bytes);
    expect(answer.contentType).toBe('image/png');
  });

  test('a read never creates a table', () => {
    expect(store.get('a')).toBeNull();
    expect(store.list().items).toBeNull();
    expect(store.run(kvBatchGet, { table, ...body({ keys: ['a'] }) }).json.results).toEqual({ a: null });
    expect(store.native.prepare('SELECT count(*) FROM sqlite_master').pluck().get()).toBe(0);
  });

  test('a key that is no key of a JavaScript object is a key like any other', () => {
    for (const key of ['__proto__', 'constructor', 'a/b', 'ключ', '😀', ' padded '])
      store.set(key, JSON.stringify(key));
    for (const key of ['__proto__', 'constructor', 'a/b', 'ключ', '😀', ' padded ']) {
      expect(store.get(key)).toBe(JSON.stringify(key));
    }
    const text = store.run(kvBatchGet, { table, ...body({ keys: ['__proto__'] }) }).text;
    expect(text).toContain('"__proto__":{"content_type"');
  });

  test('delete of a missing key is 404', () => {
    expect(() => store.delete('a')).toThrow(code('KEY_NOT_FOUND'));
    store.set('a', '1');
    expect(store.delete('a').json).toEqual({ success: true, deleted: true });
    expect(() => store.delete('a')).toThrow(code('KEY_NOT_FOUND'));
  });

  test('JSON content must be one JSON document', () => {
    expect(() => store.set('a', '{"x":', { contentType: 'application/json' })).toThrow(code('INVALID_JSON_VALUE'));
    expect(() => store.set('a', '1 2', { contentType: 'application/vnd.x+json' })).toThrow(code('INVALID_JSON_VALUE'));
    expect(() => store.set('a', '', { contentType: 'application/json' })).toThrow(code('INVALID_JSON_VALUE'));
  });

  test.each([
    [undefined, '{"a":1}', 'application/json'],
    [undefined, 'plain', 'application/octet-stream'],
    ['text/plain;charset=UTF-8', '{"a":1}', 'application/json'],
    ['text/plain;charset=UTF-8', 'hello', 'text/plain;charset=UTF-8'],
    ['text/plain', '{"a":1}', 'text/plain'],
    ['application/x-www-form-urlencoded', '[1]', 'application/json'],
    ['application/octet-stream', '[1]', 'application/octet-stream'],
  ])('content type %s with body %s is recorded as %s', (contentType, value, expected) => {
    store.set('a', value, contentType === undefined ? {} : { contentType });
    expect(store.run(kvEntry, { table, key: 'a' }).json.content_type).toBe(expected);
  });

  test('integers beyond 2^53 survive in answers and in edits', () => {
    store.set('a', '{"n":9223372036854775807,"m":1}');
    expect(store.run(kvEntry, { table, key: 'a' }).text).toContain('"n":9223372036854775807');
    store.run(kvSet, store.write('a', { ...body(2), path: 'm', ttlSeconds: 0 }));
    expect(store.get('a')).toBe('{"n":9223372036854775807,"m":2}');
  });

  test('a path reads and writes a part of a value', () => {
    store.set('u', '{"prefs":{"theme":"dark"},"tags":["x","y"]}');
    const get = (path: string) => store.run(kvGet, { table, key: 'u', path });
    expect(get('prefs.theme').json).toBe('dark');
    expect(get('.prefs.theme').headers['x-json-path']).toBe('.prefs.theme');
    expect(get('tags[1]').json).toBe('y');
    expect(get('tags[-2]').json).toBe('x');
    expect(() => get('prefs.none')).toThrow(code('KEY_NOT_FOUND'));
    expect(() => get('a[')).toThrow(code('INVALID_PARAMETERS'));
    store.run(kvSet, store.write('u', { ...body('new'), path: 'profile."e.mail"', ttlSeconds: 0 }));
    expect(get('profile["e.mail"]').json).toBe('new');
    expect(() => store.run(kvSet, store.write('u', { ...body(1), path: 'tags[7]', ttlSeconds: 0 }))).toThrow(
      code('INVALID_PARAMETERS'),
    );
    store.run(kvSet, store.write('fresh', { ...body(5), path: 'a.b', ttlSeconds: 0 }));
    expect(store.get('fresh')).toBe('{"a":{"b":5}}');
  });
});

describe('time to live', () => {
  test('a key is gone after its last second, for every reader, before its row is removed', () => {
    store.set('s', '1', { ttlSeconds: 10 });
    store.advance(10);
    expect(store.get('s')).toBe('1');
    expect(store.list().items).toHaveLength(1);
    store.advance(1);
    expect(store.get('s')).toBeNull();
    expect(store.list().items).toBeNull();
    expect(() => store.run(kvEntry, { table, key: 's' })).toThrow(code('KEY_NOT_FOUND'));
    expect(() => store.run(kvHead, { table, key: 's' })).toThrow(code('KEY_EXPIRED'));
    expect(() => store.delete('s')).toThrow(code('KEY_NOT_FOUND'));
  });

  test('a write to an expired key starts anew', () => {
    store.set('c', '41', { ttlSeconds: 5 });
    store.advance(6);
    const increment = store.write('c', { op: 'INCR' as const, delta: 1n });
    expect(store.run(kvIncrement, increment).json.value).toBe(1);
    expect(store.run(kvEntry, { table, key: 'c' }).json.expire_at).toBeNull();
  });

  test('expire and persist change the ETag but neither value nor updated_at', () => {
    store.set('s', '1');
    const before = store.run(kvEntry, { table, key: 's' }).json;
    store.advance(3);
    const expire = store.run(kvExpire, store.write('s', { ttlSeconds: 60 })).json;
    expect(expire.expire_at).toBe(store.now + 60);
    expect(expire.etag).not.toBe(before.etag);
    const persist = store.run(kvExpire, store.write('s', { ttlSeconds: null })).json;
    expect(persist.expire_at).toBeNull();
    expect(persist.etag).not.toBe(expire.etag);
    expect(store.run(kvExpire, store.write('s', { ttlSeconds: null })).json.etag).toBe(persist.etag);
    expect(store.run(kvEntry, { table, key: 's' }).json).toMatchObject({ value: 1, updated_at: before.updated_at });
  });

  test('a PUT without ttl ends the time to live, counters and parts keep it', () => {
    store.set('s', '1', { ttlSeconds: 60 });
    store.run(kvIncrement, store.write('s', { op: 'INCR' as const, delta: 1n }));
    expect(store.run(kvEntry, { table, key: 's' }).json.expire_at).toBe(store.now + 60);
    store.set('s', '2');
    expect(store.run(kvEntry, { table, key: 's' }).json.expire_at).toBeNull();
  });
});

describe('list', () => {
  test('pages by prefix in byte order', () => {
    for (const key of ['b', 'a:2', 'a:1', 'a:10', 'a;']) store.set(key, '1');
    const first = store.list({ prefix: 'a:', limit: 2 });
    expect(first).toMatchObject({ count: 2, limit: 2, has_more: true, next_after: 'a:10' });
    expect(first.items.map((item: { key: string }) => item.key)).toEqual(['a:1', 'a:10']);
    const second = store.list({ prefix: 'a:', limit: 2, after: 'a:10' });
    expect(second).toMatchObject({ count: 1, has_more: false, next_after: null });
    expect(store.list({ limit: 0 })).toMatchObject({ items: null, count: 0, has_more: false });
    expect(store.list({ offset: 4 }).items.map((item: { key: string }) => item.key)).toEqual(['b']);
    expect(first.items[0]).toMatchObject({ size: 1, content_type: 'application/json', etag: store.etag('a:1') });
  });

  test('an expired key does not shorten a page', () => {
    store.set('a', '1', { ttlSeconds: 1 });
    store.set('b', '1');
    store.set('c', '1');
    store.advance(2);
    expect(store.list({ limit: 2 }).items).toHaveLength(2);
  });
});
