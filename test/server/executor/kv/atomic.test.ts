// The operations on counters and lists on a database file, without HTTP.
import { afterEach, beforeEach, expect, test } from 'vitest';
import { kvIncrement, kvPop, kvPush, kvRemove } from '../../../../server/executor/kv/store/atomic.ts';
import { kvEntry } from '../../../../server/executor/kv/store/store.ts';
import { TestStore } from '../../../helpers/kv-store.ts';

let store: TestStore;
beforeEach(() => {
  store = new TestStore();
});
afterEach(() => store.close());

const table = 'kv_store';
const body = (value: unknown) => ({ body: Buffer.from(JSON.stringify(value)) });
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
