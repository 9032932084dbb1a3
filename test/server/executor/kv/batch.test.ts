// The operations on many keys at once on a database file, without HTTP.
import { afterEach, beforeEach, expect, test } from 'vitest';
import { kvBatchDelete, kvBatchGet, kvBatchSet } from '../../../../server/executor/kv/store/batch.ts';
import { body, TestStore, table } from '../../../helpers/kv-store.ts';

let store: TestStore;
beforeEach(() => {
  store = new TestStore();
});
afterEach(() => store.close());

const batch = (value: unknown) => ({ table, history: true, clientIp: '10.0.0.1', ...body(value) });
const code = (value: string) => expect.objectContaining({ code: value });

test('both body forms are understood', () => {
  const seed = store.run(
    kvBatchSet,
    batch({
      batch: [
        { key: 'a', value: { n: 1 } },
        { key: 'b', value: 'text' },
      ],
    }),
  );
  expect(seed.json).toMatchObject({ success: true, count: 2, items: [{ key: 'a' }, { key: 'b' }] });
  store.run(
    kvBatchSet,
    batch({
      items: [
        { key: 'c', value: 'raw' },
        { key: 'd', value: [1], ttl: 60 },
      ],
    }),
  );
  const { results } = store.run(kvBatchGet, { table, ...body({ keys: ['a', 'b', 'c', 'd', 'e'] }) }).json;
  expect(results).toMatchObject({
    a: { content_type: 'application/json', value: { n: 1 } },
    b: { content_type: 'application/json', value: 'text' },
    c: { content_type: 'application/octet-stream', value_base64: 'cmF3' },
    d: { value: [1] },
    e: null,
  });
  expect(() => store.run(kvBatchSet, batch({ batch: [], items: [] }))).toThrow(code('INVALID_PARAMETERS'));
});

test.each([
  [kvBatchSet, { key: 'a', value: 'x', if_macth: '"q"' }, 'if_macth'],
  [kvBatchSet, { key: 'a', value: 'x', contentType: 'text/plain' }, 'contentType'],
  [kvBatchDelete, { key: 'a', etag: '"q"' }, 'etag'],
])('an entry with a member that is not known writes nothing (%#)', (operation, entry, name) => {
  store.set('a', '1');
  const run = () => store.run(operation, batch({ items: [{ ...entry, key: 'b', [name]: undefined }, entry] }));
  expect(run).toThrow(
    expect.objectContaining({
      code: 'INVALID_PARAMETERS',
      message: expect.stringContaining(`items[1]: unknown member "${name}"; known: key, `),
    }),
  );
  const { results } = store.run(kvBatchGet, { table, ...body({ keys: ['a', 'b'] }) }).json;
  expect(results).toMatchObject({ a: { etag: store.etag('a') }, b: null });
});

test('a failed condition writes nothing and names every key that failed', () => {
  store.set('a', '1');
  const items = [
    { key: 'new', value: 'x' },
    { key: 'a', value: 'x', if_none_match: '*' },
    { key: 'b', value: 'x', if_match: '"q"' },
  ];
  expect(() => store.run(kvBatchSet, batch({ items }))).toThrow(
    expect.objectContaining({
      code: 'PRECONDITION_FAILED',
      members: {
        failed: [
          { key: 'a', current_etag: store.etag('a') },
          { key: 'b', current_etag: null },
        ],
      },
    }),
  );
  expect(store.get('new')).toBeNull();
});

test('delete skips missing keys', () => {
  store.set('a', '1');
  store.set('b', '1');
  expect(store.run(kvBatchDelete, batch({ keys: ['a', 'x', 'b'] })).json.deleted).toBe(2);
  expect(() => store.run(kvBatchDelete, batch({ items: [{ key: 'x', if_match: '*' }] }))).toThrow(
    code('PRECONDITION_FAILED'),
  );
});

test.each([
  [{ items: [] }],
  [{ items: Array.from({ length: 101 }, () => 0) }],
  [{ items: [{ key: ' ', value: 'x' }] }],
  [{ items: [{ key: 'a' }] }],
  [{ items: [{ key: 'a', value: 'x', ttl: -1 }] }],
  [{ items: 'no' }],
  [[]],
])('%j is refused', (value) => {
  expect(() => store.run(kvBatchSet, batch(value))).toThrow(code('INVALID_PARAMETERS'));
});

test('a hundred keys are read at once, not one more, and not none', () => {
  const keys = Array.from({ length: 100 }, (_, n) => `k${n}`);
  expect(Object.keys(store.run(kvBatchGet, { table, ...body({ keys }) }).json.results)).toHaveLength(100);
  for (const wrong of [[...keys, 'one-more'], []]) {
    expect(() => store.run(kvBatchGet, { table, ...body({ keys: wrong }) })).toThrow(code('INVALID_PARAMETERS'));
  }
});

const text = (json: string) => ({ ...batch({}), body: Buffer.from(json) });

test('a JSON value is stored as it is written, without white space', () => {
  store.run(
    kvBatchSet,
    text('{"batch":[{"key":"a","value":1},{"key":"n","value": { "2": 1E400, "1":1.0 , "x": "\\ud800 " }}]}'),
  );
  expect(store.get('n')).toBe('{"2":1E400,"1":1.0,"x":"\\ud800 "}');
  const got = store.run(kvBatchGet, { table, ...body({ keys: ['n'] }) }).text;
  expect(got).toContain('"value":{"2":1E400,"1":1.0,"x":"\\ud800 "}');
});

test.each([
  [
    '{"items":[{"key":"ok","value":"x"},{"key":"k","value":"\\ud800"}]}',
    'items[1]: the value of the key "k" is not valid',
  ],
  ['{"items":[{"key":"a\\udc00","value":"x"}]}', 'items[0]: the key is not valid Unicode'],
  ['{"batch":[{"key":"\\ud83d","value":1}]}', 'batch[0]: the key is not valid Unicode'],
])('half of a surrogate pair is refused with its place: %s', (json, message) => {
  expect(() => store.run(kvBatchSet, text(json))).toThrow(message);
  expect(store.get('ok')).toBeNull();
});

test('a key of a batch that is no text is named', () => {
  expect(() => store.run(kvBatchGet, text('{"keys":["a","\\ud800"]}'))).toThrow('keys[1]: the key is not valid');
  expect(() => store.run(kvBatchDelete, text('{"keys":["\\ud800"]}'))).toThrow('keys[0]: the key is not valid');
});
