// The studio's reading routes over a real daemon and mount, each answer held against its description.
import { expect, test } from 'vitest';
import { useDaemon } from '../helpers/http.ts';

const api = useDaemon();

test('a database is listed with its path on the mount, its schema, pages, count and whole cells', async () => {
  const { call, sql, daemon } = api();
  await sql(
    'shop',
    { statement: 'CREATE TABLE items (id INTEGER PRIMARY KEY, name TEXT, big)' },
    { statement: "INSERT INTO items VALUES (9007199254740993, 'x', zeroblob(5000)), (2, 'y', NULL)" },
  );
  const overview = await call('GET', '/studio/databases');
  expect(overview.json).toMatchObject({ mounted: true, root: daemon.mount, access: 'full', more: false });
  expect(overview.json.databases).toMatchObject([{ db: 'shop.db', path: `${daemon.mount}/shop.db` }]);
  const schema = await call('GET', '/studio/schema?db=shop.db');
  expect(schema.json).toMatchObject({ db: 'shop.db', journalMode: 'wal', path: `${daemon.mount}/shop.db` });
  expect(schema.json.objects.find(({ name }: { name: string }) => name === 'items').key.columns).toEqual(['id']);

  const rows = await call('POST', '/studio/rows?db=shop', { body: { table: 'items', limit: 1, cut: 16 } });
  expect(rows.json).toMatchObject({ rows: [{ key: [{ int: '2' }], values: [{ int: '2' }, 'y', null] }] });
  const after = { table: 'items', from: { after: rows.json.next }, cut: 16 };
  const next = await call('POST', '/studio/rows?db=shop', { body: after });
  expect(next.json.rows[0].key).toEqual([{ int: '9007199254740993' }]);
  expect(next.json.rows[0].values[2]).toEqual({ blob: Buffer.alloc(16).toString('base64'), bytes: 5000 });
  expect(next.json.next).toBeNull();

  const filter = { column: 'name', operator: 'contains', value: 'X' };
  const count = await call('POST', '/studio/count?db=shop', { body: { table: 'items', filters: [filter] } });
  expect(count.json).toEqual({ rows: 1, exact: true });
  const cell = { table: 'items', key: next.json.rows[0].key, column: 'big' };
  expect((await call('POST', '/studio/cell?db=shop', { body: cell })).json.value.bytes).toBe(5000);
  const raw = await call('POST', '/studio/cell?db=shop&raw=true', { body: cell });
  expect([raw.headers['content-type'], raw.headers['content-length']]).toEqual(['application/octet-stream', '5000']);
  expect(raw.headers['content-disposition']).toMatch(/^attachment; filename="big"/);
});

test('what is asked wrongly is refused by name', async () => {
  const { call } = api();
  const rows = (body: object | string, db = 'shop') => call('POST', `/studio/rows?db=${db}`, { body });
  expect((await rows('{"table":')).json.code).toBe('INVALID_PARAMETERS');
  expect((await rows({})).json).toMatchObject({ code: 'INVALID_PARAMETERS', error: 'table must be a string' });
  expect((await rows({ table: 'items', colums: [] })).json.error).toContain('no member "colums"');
  expect((await rows({ table: 'items', from: { after: 'x' } })).json.error).toContain('cursor');
  expect((await rows({ table: 'items', where: 'nothing = 1' })).json.code).toBe('SQL_ERROR');
  expect((await rows({ table: 'none' })).json).toMatchObject({ code: 'NOT_FOUND' });
  expect((await rows({ table: 'items' }, 'none')).json.code).toBe('DATABASE_NOT_FOUND');
  const value = { column: 'id', operator: '=', value: { int: '9223372036854775808' } };
  expect((await rows({ table: 'items', filters: [value] })).json.error).toContain('64 bits');
});

test('a count that takes too long answers about how many rows there are', async () => {
  const { call, sql } = api();
  await sql('shop', {
    statement: `CREATE VIEW endless AS WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT i FROM n`,
  });
  const count = await call('POST', '/studio/count?db=shop', { body: { table: 'endless' } });
  expect(count.json).toEqual({ rows: 0, exact: false });
  const some = await call('POST', '/studio/count?db=shop', { body: { table: 'endless', where: 'i > 0' } });
  expect(some.json.exact).toBe(false);
  expect(some.json.rows).toBeGreaterThan(1000);
});
