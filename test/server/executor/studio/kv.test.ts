import { afterAll, beforeAll, expect, test } from 'vitest';
import { kvKeys, kvTables } from '../../../../server/executor/studio/kv-keys.ts';
import { kvBytes, kvHistory, kvValue } from '../../../../server/executor/studio/kv-past.ts';
import { TestStore } from '../../../helpers/kv-store.ts';

let store: TestStore;

beforeAll(() => {
  store = new TestStore();
});
afterAll(() => store.close());

const keys = (more: Partial<Parameters<typeof kvKeys>[1]> = {}) =>
  kvKeys(store.connection, {
    table: 'kv_store',
    prefix: '',
    delimiter: '/',
    after: '',
    limit: 100,
    search: '',
    ...more,
  });
const shown = (more: Parameters<typeof keys>[0] = {}) =>
  keys(more).entries.map((entry) =>
    entry.kind === 'prefix' ? `${entry.prefix} ${entry.keys}${entry.more ? '+' : ''}` : entry.key,
  );

test('a level of the tree has prefixes with counts and keys, in byte order, a page at a time', () => {
  for (const key of ['a', 'a/1', 'a/2', 'a/b/3', 'a0', 'cfg/theme', 'z\u{1f600}/x', '\u00e9', '/root'])
    store.set(key, 'v');
  expect(shown()).toEqual(['/ 1', 'a', 'a/ 3', 'a0', 'cfg/ 1', 'z\u{1f600}/ 1', '\u00e9']);
  expect(shown({ prefix: 'a/' })).toEqual(['a/1', 'a/2', 'a/b/ 1']);
  expect(shown({ delimiter: '' })).toHaveLength(9);
  const paged: string[] = [];
  for (let after: string | null = ''; after !== null; ) {
    const page = keys({ after, limit: 2 });
    expect(page.entries.length).toBeLessThanOrEqual(2);
    paged.push(...shown({ after, limit: 2 }));
    after = page.next;
  }
  expect(paged).toEqual(shown());
  expect(shown({ search: 'THEME' })).toEqual(['cfg/theme']);
  expect(shown({ search: '%' })).toEqual([]);
  expect(() => keys({ after: 'x y' })).toThrow(/next/);
});

test('a prefix of very many keys is one step, and keys that are no text or are over are no entries', () => {
  store.native.exec(`INSERT INTO kv_store (key, value)
    WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 30000) SELECT 'job/' || i, 'x' FROM n;
    INSERT INTO kv_store (key, value) VALUES (CAST(X'6bff' AS TEXT), 'odd'), (CAST(X'6bfe' AS TEXT), 'odd')`);
  store.set('ended', 'x', { ttlSeconds: 1 });
  store.advance(5);
  const since = process.cpuUsage(); // of this process alone, however busy the machine is
  expect(shown()).toEqual(['/ 1', 'a', 'a/ 3', 'a0', 'cfg/ 1', 'job/ 1000+', 'z\u{1f600}/ 1', '\u00e9']);
  const { user, system } = process.cpuUsage(since);
  expect((user + system) / 1000).toBeLessThan(500);
  const found: string[] = [];
  for (let after: string | null = ''; after !== null; ) {
    const page = keys({ after, limit: 10, search: '2999' });
    found.push(...page.entries.map((entry) => (entry.kind === 'key' ? entry.key : '')));
    after = page.next;
  }
  expect(found.sort()).toEqual(
    ['job/2999', 'job/12999', 'job/22999', ...Array.from({ length: 10 }, (_, i) => `job/2999${i}`)].sort(),
  );
});

test('the tables are counted up to a bound', () => {
  store.native.exec('CREATE TABLE not_kv (key, value, expire_at)');
  expect(kvTables(store.connection)).toEqual({ tables: [{ table: 'kv_store', keys: 10_000, more: true }] });
});

const value = (key: string, version: number | null = null, cut = 1000) =>
  kvValue(store.connection, { table: 'kv_store', key, version, cut });
const history = (key: string, before: number | null = null, limit = 50) =>
  kvHistory(store.connection, { table: 'kv_store', key, before, limit });

test('a value is shown with all that is known of it, also when it is long, binary or gone', () => {
  store.set('json', '{"a":1}', { contentType: 'application/json', ttlSeconds: 100 });
  expect(value('json')).toMatchObject({
    value: '{"a":1}',
    type: 'json',
    contentType: 'application/json',
    bytes: 7,
    exists: true,
    expires: new Date((store.now + 100) * 1000).toISOString(),
    etag: store.etag('json'),
  });
  store.set('long', '\u20ac'.repeat(100), { contentType: 'text/plain' });
  expect(value('long', null, 16)).toMatchObject({ value: { text: '\u20ac'.repeat(5), bytes: 300 }, bytes: 300 });
  store.native.exec(`INSERT INTO kv_store (key, value, content_type) VALUES ('bytes', X'00ff', 'image/png')`);
  expect(value('bytes')).toMatchObject({ value: { blob: 'AP8=', bytes: 2 }, type: 'binary', contentType: 'image/png' });
  expect(kvBytes(store.connection, { table: 'kv_store', key: 'bytes', version: null, cut: 1 })).toMatchObject({
    body: Buffer.from([0, 255]),
    contentType: 'image/png',
  });
  expect(value('nothing')).toMatchObject({ exists: false, value: null, etag: null });
});

test('the history tells of each version what it was, how long, and who wrote it, and each can be read', () => {
  store.set('h', 'one');
  store.set('h', 'three');
  store.delete('h');
  store.native.prepare(`INSERT INTO kv_store (key, value) VALUES ('h', 'native')`).run();
  store.native.exec(
    `UPDATE "hoody:kv_log:kv_store" SET client = 'native:python3[4711]@3f2a9c01d2b4' WHERE client IS NULL`,
  );
  store.set('h', 'native', { ttlSeconds: 50 });
  store.set('h', 'unrecorded', { history: false });
  store.set('h', 'last one');
  const { versions, next } = history('h');
  expect(versions.map(({ operation, exists, bytes, who }) => [operation, exists, bytes, who])).toEqual([
    ['set', true, 8, 'http 10.0.0.1'],
    ['unrecorded', true, 0, expect.any(String)],
    ['set', true, 6, 'http 10.0.0.1'],
    ['set', true, 6, 'python3[4711] in 3f2a9c01d2b4'],
    ['delete', false, 0, 'http 10.0.0.1'],
    ['set', true, 5, 'http 10.0.0.1'],
    ['set', true, 3, 'http 10.0.0.1'],
  ]);
  expect(next).toBeNull();
  const paged = [history('h', null, 3), history('h', Number(history('h', null, 3).next), 100)];
  expect(paged.flatMap((page) => page.versions)).toEqual(versions);
  const of = (at: number) => Number(versions[at]?.version);
  expect(value('h', of(6))).toMatchObject({ value: 'one', exists: true, etag: null, modified: versions[6]?.at });
  expect(value('h', of(4))).toMatchObject({ value: null, exists: false });
  expect(value('h', of(2))).toMatchObject({ value: 'native', expires: expect.any(String) });
  expect(() => value('h', of(1))).toThrow(expect.objectContaining({ code: 'TIME_TRAVEL_CHAIN_GAP' }));
  expect(() => value('h', 99)).toThrow(expect.objectContaining({ code: 'HISTORY_ENTRY_NOT_FOUND' }));
  expect(history('never')).toEqual({ versions: [], next: null });
});
