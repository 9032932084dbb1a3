// The operations on counters and lists on a database file, without HTTP.
import { afterEach, beforeEach, expect, test } from 'vitest';
import { kvIncrement, kvPop, kvPush, kvRemove } from '../../../../server/executor/kv/store/atomic.ts';
import { kvEntry, kvSet } from '../../../../server/executor/kv/store/store.ts';
import { body, TestStore, table } from '../../../helpers/kv-store.ts';

let store: TestStore;
beforeEach(() => {
  store = new TestStore();
});
afterEach(() => store.close());

const code = (value: string) => expect.objectContaining({ code: value });

const increment = (key: string, delta: bigint, more: object = {}) =>
  store.run(kvIncrement, { ...store.write(key, { op: 'INCR' as const, delta }), ...more });
const push = (key: string, value: unknown, more: object = {}) =>
  store.run(kvPush, { ...store.write(key, { ...body(value), isRaw: false }), ...more }).json;
const remove = (key: string, value: unknown) => store.run(kvRemove, store.write(key, body(value))).json;

test('counters are exact 64-bit integers and refuse to overflow', () => {
  expect(increment('c', 5n).json.value).toBe(5);
  expect(store.run(kvEntry, { table, key: 'c' }).json.content_type).toBe('text/plain');
  expect(store.run(kvIncrement, store.write('c', { op: 'DECR' as const, delta: 7n })).json.value).toBe(-2);
  store.set('big', '9223372036854775806');
  expect(increment('big', 1n).text).toContain('"value":9223372036854775807');
  expect(() => increment('big', 1n)).toThrow(code('INVALID_PARAMETERS'));
  expect(store.get('big')).toBe('9223372036854775807');
  store.set('text', 'abc');
  expect(() => increment('text', 1n)).toThrow(code('INVALID_PARAMETERS'));
  store.set('float', '1.5');
  expect(() => increment('float', 1n)).toThrow(code('INVALID_PARAMETERS'));
  expect(increment('doc', 3n, { path: 'stats.views' }).json).toMatchObject({ value: 3, path: 'stats.views' });
  expect(store.get('doc')).toBe('{"stats":{"views":3}}');
});

test('push unwraps {"value": x}, and raw=true does not', () => {
  expect(push('l', { value: 'a' }).length).toBe(1);
  expect(push('l', 'b').length).toBe(2);
  expect(push('l', { value: 'c', more: 1 }).length).toBe(3);
  expect(push('l', { value: 'd' }, { isRaw: true }).length).toBe(4);
  expect(store.get('l')).toBe('["a","b",{"value":"c","more":1},{"value":"d"}]');
  store.set('o', '{}');
  expect(() => push('o', 1)).toThrow(code('INVALID_PARAMETERS'));
  expect(push('o', 1, { path: 'list' })).toMatchObject({ length: 1, path: 'list' });
});

test('pop takes the last element; an empty array or a missing key is 404', () => {
  store.set('l', '["y","z"]');
  const pop = (key: string) => store.run(kvPop, store.write(key, {})).json;
  expect(pop('l')).toMatchObject({ value: 'z', length: 1 });
  expect(pop('l')).toMatchObject({ value: 'y', length: 0 });
  expect(() => pop('l')).toThrow(code('KEY_NOT_FOUND'));
  expect(() => pop('none')).toThrow(code('KEY_NOT_FOUND'));
  store.set('o', '{}');
  expect(() => pop('o')).toThrow(code('INVALID_PARAMETERS'));
});

test('remove finds the first equal element, else the first that has the given members', () => {
  store.set('cart', '[{"id":"a","n":1},{"id":"b","n":2},{"id":"b","n":3},null,"x"]');
  expect(remove('cart', { value: { id: 'b' } })).toMatchObject({ removed: { id: 'b', n: 2 }, length: 4 });
  expect(remove('cart', { value: { n: 3, id: 'b' } })).toMatchObject({ removed: { id: 'b', n: 3 }, length: 3 });
  expect(remove('cart', { value: null })).toMatchObject({ removed: null, length: 2 });
  expect(store.run(kvRemove, store.write('cart', { body: Buffer.alloc(0), index: -1 })).json.removed).toBe('x');
  expect(() => remove('cart', { value: {} })).toThrow(code('KEY_NOT_FOUND'));
  expect(() => remove('cart', { other: 1 })).toThrow(code('INVALID_PARAMETERS'));
  expect(() => store.run(kvRemove, store.write('cart', { body: Buffer.alloc(0) }))).toThrow(code('INVALID_PARAMETERS'));
});

test('what an operation does not address keeps its bytes', () => {
  const [before, after] = [
    '{ "10": 1.0, "2": 1e400,\n "a": "\\u0041", "n": 12345678901234567890123, "l": ',
    ' , "a": -0 }',
  ];
  const text = () => (store.get('doc') ?? '').slice(before.length, -after.length);
  const expectKept = () => {
    expect(store.get('doc')?.startsWith(before)).toBe(true);
    expect(store.get('doc')?.endsWith(after)).toBe(true);
  };
  const at = { path: 'l' };
  store.set('doc', `${before}[ 1.0 , 2 ]${after}`, { contentType: 'application/json' });
  const raw = (json: string) =>
    store.run(kvPush, { ...store.write('doc', { body: Buffer.from(json), isRaw: false }), ...at });
  expect(raw('{ "value": 1E400 }').json.length).toBe(3);
  expect(text()).toBe('[ 1.0 , 2,1E400 ]');
  expectKept();
  expect(store.run(kvPop, store.write('doc', at)).text).toContain('"value":1E400,');
  expect(text()).toBe('[ 1.0 , 2 ]');
  raw('{"x": 10000000000000000000001}');
  expect(store.run(kvRemove, store.write('doc', { ...at, body: Buffer.alloc(0), index: 0 })).text).toContain(
    '"removed":1.0,',
  );
  expect(text()).toBe('[ 2,{"x": 10000000000000000000001} ]');
  expect(increment('doc', 1n, { path: 'l[0]' }).json.value).toBe(3);
  expect(text()).toBe('[ 3,{"x": 10000000000000000000001} ]');
  const leaf = { body: Buffer.from(' 1.50\n'), ttlSeconds: 0 };
  store.run(kvSet, store.write('doc', { ...leaf, path: 'l[1].x' }));
  expect(text()).toBe('[ 3,{"x": 1.50} ]');
  expectKept();
});

test('an element beyond what a double holds is not taken for another one', () => {
  store.set('l', '[1e400,1e500]');
  expect(() => store.run(kvRemove, store.write('l', { body: Buffer.from('{"value":1e500}') }))).toThrow(
    code('KEY_NOT_FOUND'),
  );
  expect(store.get('l')).toBe('[1e400,1e500]');
});

test('bytes that are no UTF-8 are not edited as if they were', () => {
  const bytes = Buffer.from('{"a":"\xff","l":[]}', 'latin1');
  store.run(kvSet, store.write('b', { body: bytes, contentType: 'application/octet-stream', ttlSeconds: 0 }));
  expect(() => push('b', 1, { path: 'l' })).toThrow(code('INVALID_PARAMETERS'));
});
