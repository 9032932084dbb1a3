// Pages of tables of every kind, read by the executor's own functions on a real database.
import { afterAll, beforeAll, expect, test } from 'vitest';
import { readValue } from '../../../../server/executor/studio/cell.ts';
import { count } from '../../../../server/executor/studio/count.ts';
import { inRead } from '../../../../server/executor/studio/reading.ts';
import { readPage } from '../../../../server/executor/studio/rows.ts';
import { readSchema } from '../../../../server/executor/studio/schema.ts';
import { runSql } from '../../../../server/executor/studio/sql.ts';
import { limits } from '../../../../server/messages/limits.ts';
import type { StudioRows, StudioRowsRequest } from '../../../../server/messages/studio/rows.ts';
import { GuardedDatabase } from '../../../helpers/guarded-database.ts';

const wide = Array.from({ length: 1500 }, (_, at) => `c${at}`);
let db: GuardedDatabase;

beforeAll(() => {
  db = new GuardedDatabase(`
    CREATE TABLE numbers (id INTEGER PRIMARY KEY, score, name TEXT COLLATE NOCASE);
    INSERT INTO numbers (score, name)
      WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1000)
      SELECT CASE i % 7 WHEN 0 THEN NULL WHEN 1 THEN i WHEN 2 THEN i / 3.0 WHEN 3 THEN 'text ' || (i % 5)
        WHEN 4 THEN CAST('blob' AS BLOB) ELSE i % 10 END, CASE i % 3 WHEN 0 THEN 'A' WHEN 1 THEN 'a' ELSE 'b' END FROM n;
    CREATE INDEX by_score ON numbers (score);
    CREATE TABLE pairs (a TEXT COLLATE NOCASE, b INTEGER, "c d", PRIMARY KEY (a DESC, b)) WITHOUT ROWID;
    INSERT INTO pairs SELECT char(97 + i % 5), i, i FROM (SELECT id AS i FROM numbers WHERE id <= 100);
    CREATE TABLE loose (a PRIMARY KEY, b);
    INSERT INTO loose VALUES (NULL, 1), (NULL, 2), ('x', 3);
    CREATE TABLE firm (a TEXT NOT NULL, b TEXT NOT NULL, n, PRIMARY KEY (b, a));
    INSERT INTO firm SELECT id % 4, 'k' || (id / 4), id FROM numbers;
    CREATE TABLE letters (a TEXT COLLATE NOCASE, PRIMARY KEY (a COLLATE BINARY)) WITHOUT ROWID;
    INSERT INTO letters VALUES ('a'), ('A'), ('b'), ('B');
    CREATE TABLE three (rowid, _rowid_, oid);
    INSERT INTO three VALUES (1, 2, 3), (1, 2, 3);
    CREATE VIEW odd AS SELECT id, score FROM numbers WHERE id % 2 = 1;
    CREATE TABLE "select" ("a""b", "" TEXT, generated AS ("a""b" || '!') STORED, "__proto__");
    INSERT INTO "select" VALUES (1, 'empty name', 'proto');
    CREATE TABLE kinds (v);
    CREATE TABLE wide (${wide.join(', ')});
    INSERT INTO wide (c0, c899, c900, c1499) VALUES ('first', 'last of a part', 'next', 'last');
    CREATE VIRTUAL TABLE search USING fts5 (body);
    INSERT INTO search (body) VALUES ('hello'), ('world');
    CREATE TABLE parent (x, y, PRIMARY KEY (x, y));
    CREATE TABLE child (px, py, FOREIGN KEY (px, py) REFERENCES parent);
  `);
});
afterAll(() => db.close());

const rows = (request: StudioRowsRequest): StudioRows =>
  inRead(db.connection, () => readPage(db.connection, { cut: 2048, ...request }));
const page = (request: StudioRowsRequest) => rows(request).rows.map(({ values }) => values);

/** All rows, by `next`, then all again backwards from the end by `previous`. */
function bothWays(request: StudioRowsRequest): { forward: unknown[]; backward: unknown[] } {
  const forward: unknown[] = [];
  for (let at = rows(request); ; at = rows({ ...request, from: { after: at.next ?? '' } })) {
    forward.push(...at.rows.map(({ values }) => JSON.stringify(values)));
    if (at.next === null) break;
  }
  const backward: unknown[] = [];
  for (let at = rows({ ...request, from: 'end' }); ; at = rows({ ...request, from: { before: at.previous ?? '' } })) {
    backward.unshift(...at.rows.map(({ values }) => JSON.stringify(values)));
    if (at.previous === null) break;
  }
  return { forward, backward };
}

/** The order of SQLite itself. */
function inOrder(table: string, order: string, column: string): string[] {
  return db
    .rows(`SELECT ${column} FROM "${table}" ORDER BY ${order}`)
    .map(([id]) => JSON.stringify([{ int: `${id}` }]));
}

test.each([
  [[], 'id'],
  [[{ column: 'score' }], 'score, id'],
  [[{ column: 'score', descending: true }], 'score DESC, id DESC'],
  [[{ column: 'name', descending: true }, { column: 'score' }], 'name DESC, score, id'],
  [[{ column: 'score' }, { column: 'name', descending: true }], 'score, name DESC, id DESC'],
  [[{ column: 'id', descending: true }], 'id DESC'],
])('sorted by %j every row comes once, forwards and backwards, whatever kinds of values there are', (sort, order) => {
  const { forward, backward } = bothWays({ table: 'numbers', columns: ['id'], limit: 37, sort });
  const expected = inOrder('numbers', order, 'id');
  expect(forward).toEqual(expected);
  expect(backward).toEqual(expected);
});

test('a composite key with DESC and a collation is paged in its own order', () => {
  const { forward, backward } = bothWays({ table: 'pairs', columns: ['b'], limit: 7 });
  expect(forward).toEqual(inOrder('pairs', 'a DESC, b', 'b'));
  expect(backward).toEqual(forward);
  expect(rows({ table: 'firm', limit: 1 }).rows[0]?.key).toEqual(['k0', '1']);
  const firm = bothWays({ table: 'firm', columns: ['n'], limit: 100, sort: [{ column: 'a' }] });
  expect(firm.forward).toEqual(inOrder('firm', 'a, b', 'n'));
  expect(firm.backward).toEqual(firm.forward);
});

test('keys that only the collation of their index tells apart all come', () => {
  const { forward, backward } = bothWays({ table: 'letters', limit: 1 });
  expect(forward).toEqual(['["A"]', '["B"]', '["a"]', '["b"]']);
  expect(backward).toEqual(forward);
});

test('what a page reads is found through the key, and nothing else is looked at', () => {
  const plans: string[] = [];
  const { database } = db.connection;
  const prepare = database.prepare.bind(database);
  database.prepare = ((sql: string) => {
    if (sql.includes('FROM main."')) {
      const values = Array.from({ length: (sql.match(/\?/g) ?? []).length }, () => null);
      plans.push(
        ...(prepare(`EXPLAIN QUERY PLAN ${sql}`).all(...values) as { detail: string }[]).map(({ detail }) => detail),
      );
    }
    return prepare(sql);
  }) as typeof database.prepare;
  try {
    const from = { after: rows({ table: 'numbers', limit: 500 }).next ?? '' };
    const deep = { after: rows({ table: 'pairs', limit: 50 }).next ?? '' };
    const sort = [{ column: 'score', descending: true }];
    const sorted = { after: rows({ table: 'numbers', limit: 100, sort }).next ?? '' };
    plans.length = 0;
    rows({ table: 'numbers', from });
    rows({ table: 'pairs', from: deep, limit: 3 });
    rows({ table: 'numbers', from: sorted, sort, limit: 5 });
  } finally {
    database.prepare = prepare as typeof database.prepare;
  }
  expect(plans.length).toBeGreaterThan(2);
  for (const plan of plans) expect(plan).toMatch(/^SEARCH .* USING (INTEGER PRIMARY KEY|PRIMARY KEY|INDEX|COVERING)/);
});

test('a page begins at a row, near a part of the rows, or at the end, and knows what stands before it', () => {
  const first = rows({ table: 'numbers', limit: 10 });
  expect(first).toMatchObject({ previous: null });
  const at = first.rows[4]?.at ?? '';
  const there = rows({ table: 'numbers', from: { at }, columns: ['id'], limit: 2 });
  expect(there.rows.map(({ values }) => values)).toEqual([[{ int: '5' }], [{ int: '6' }]]);
  expect(there.previous).not.toBeNull();
  expect(rows({ table: 'numbers', from: { at: first.rows[0]?.at ?? '' } }).previous).toBeNull();
  const middle = rows({ table: 'numbers', from: { fraction: 0.5 }, columns: ['id'], limit: 1 }).rows[0]?.values;
  expect(middle).toEqual([{ int: '500' }]);
  const filtered = { table: 'numbers', where: 'id % 2', columns: ['id'], limit: 1 };
  expect(page({ ...filtered, from: { fraction: 0.5 } })).toEqual([[{ int: '501' }]]);
  expect(page({ ...filtered, from: { fraction: 0 } })).toEqual([[{ int: '1' }]]);
});

test('rows without a key of their own are told apart by the rowid, or not at all', () => {
  expect(rows({ table: 'loose' }).rows.map(({ key }) => key)).toEqual([[{ int: '1' }], [{ int: '2' }], [{ int: '3' }]]);
  const three = rows({ table: 'three', limit: 1 });
  expect(three.rows[0]?.key).toBeNull();
  expect(rows({ table: 'three', limit: 1, from: { after: three.next ?? '' } }).rows).toHaveLength(1);
  expect(rows({ table: 'search' }).rows.map(({ key, values }) => [key, values])).toEqual([
    [[{ int: '1' }], ['hello']],
    [[{ int: '2' }], ['world']],
  ]);
});

test('a view is paged by its rows, forwards, backwards and from the end', () => {
  const { forward, backward } = bothWays({ table: 'odd', columns: ['id'], limit: 90 });
  expect([...forward].sort()).toEqual(inOrder('odd', 'id', 'id').sort());
  expect(backward).toEqual(forward);
  const sorted = bothWays({ table: 'odd', columns: ['id'], limit: 90, sort: [{ column: 'id', descending: true }] });
  expect(sorted.forward).toEqual(inOrder('odd', 'id DESC', 'id'));
  expect(rows({ table: 'odd', limit: 1 }).rows[0]?.key).toBeNull();
});

test('filters compare as SQLite does', () => {
  const found = (filters: StudioRowsRequest['filters'], more: object = {}) =>
    count(db.connection, { table: 'numbers', ...(filters && { filters }), ...more }).rows;
  const all = (sql: string) => db.rows(`SELECT count(*) FROM numbers WHERE ${sql}`)[0]?.[0];
  expect(found([{ column: 'name', operator: '=', value: 'A' }])).toBe(all("name = 'a'"));
  expect(found([{ column: 'score', operator: '>', value: { int: '8' } }])).toBe(all('score > 8'));
  expect(found([{ column: 'score', operator: 'null' }])).toBe(all('score IS NULL'));
  expect(found([{ column: 'score', operator: '=', value: null }])).toBe(all('score IS NULL'));
  expect(found([{ column: 'score', operator: 'not null' }])).toBe(all('score IS NOT NULL'));
  expect(found([{ column: 'score', operator: 'contains', value: 'EXT 1' }])).toBe(all("score LIKE '%ext 1%'"));
  expect(found([{ column: 'score', operator: 'starts', value: '%' }])).toBe(0);
  const values = [{ int: '1' }, { real: '2.0' }, 'text 2', { blob: Buffer.from('blob').toString('base64'), bytes: 4 }];
  expect(found([{ column: 'score', operator: 'in', value: values }])).toBe(
    all("score IN (1, 2.0, 'text 2', x'626c6f62')"),
  );
  expect(found([{ column: 'id', operator: '<=', value: { int: '10' } }], { where: 'id > 5 -- half' })).toBe(5);
});

test('the expression of a user stays in its place, and neither writes nor reads what is not for users', () => {
  const where = (text: string) => () => rows({ table: 'numbers', where: text });
  expect(where('1) UNION SELECT 1 FROM (SELECT 2')).toThrow(/parentheses/);
  expect(where('id = 1; DROP TABLE numbers')).toThrow(/one expression/);
  expect(where('id = ?')).toThrow(/parameters/);
  expect(where('EXISTS (SELECT 1 FROM "hoody:kv_meta")')).toThrow(/belongs to the server/);
  expect(where('load_extension(name)')).toThrow(/not allowed|no such function/);
  expect(where('(id = 1')).toThrow();
  expect(where('id = 1 /* open')).toThrow();
  expect(db.rows('SELECT count(*) FROM numbers')).toEqual([[1000]]);
});

test('odd names, generated columns and very wide tables are read', () => {
  expect(rows({ table: 'select' })).toMatchObject({
    columns: ['a"b', '', 'generated', '__proto__'],
    rows: [{ values: [{ int: '1' }, 'empty name', '1!', 'proto'] }],
  });
  expect(
    page({ table: 'select', sort: [{ column: '' }], filters: [{ column: 'a"b', operator: '=', value: { int: '1' } }] }),
  ).toHaveLength(1);
  const [row] = page({ table: 'wide' });
  expect(row).toHaveLength(1500);
  expect([0, 899, 900, 1499].map((at) => row?.[at])).toEqual(['first', 'last of a part', 'next', 'last']);
  expect(() => rows({ table: 'numbers', columns: ['nothing'] })).toThrow(/no column "nothing"/);
  expect(() => rows({ table: 'nothing' })).toThrow(/no table/);
});

test('a value of every kind survives, and what is long is cut between two characters', () => {
  const { database } = db.connection;
  const put = database.prepare('INSERT INTO kinds VALUES (?)');
  const long = `${'x'.repeat(30)}\u20ac${'y'.repeat(1_000_000)}`;
  const values = [
    [2n ** 63n - 1n, { int: '9223372036854775807' }],
    [-(2n ** 63n), { int: '-9223372036854775808' }],
    [2n ** 53n + 1n, { int: '9007199254740993' }],
    [1, { real: '1.0' }],
    [0.1, { real: '0.1' }],
    [Number.POSITIVE_INFINITY, { real: 'Inf' }],
    [Number.NEGATIVE_INFINITY, { real: '-Inf' }],
    [null, null],
    ['', ''],
    ['NULL', 'NULL'],
    ['a\0b', 'a\0b'],
    ['\u{1f600} \u05d0\u05d1', '\u{1f600} \u05d0\u05d1'],
    [Buffer.from([0, 255]), { blob: 'AP8=', bytes: 2 }],
    [Buffer.alloc(0), { blob: '', bytes: 0 }],
    [Buffer.alloc(10_000_000, 7), { blob: Buffer.alloc(32, 7).toString('base64'), bytes: 10_000_000 }],
    [long, { text: 'x'.repeat(30), bytes: Buffer.byteLength(long) }],
  ] as const;
  for (const [value] of values) put.run(value);
  database.exec(`INSERT INTO kinds VALUES (CAST(X'ff41' AS TEXT))`);
  const read = page({ table: 'kinds', cut: 32 });
  expect(read).toEqual([...values.map(([, value]) => [value]), [{ badText: '/0E=', bytes: 2 }]]);
  const keyOf = (at: number) => [{ int: `${at + 1}` }];
  const whole = (at: number) =>
    inRead(db.connection, () => readValue(db.connection, { table: 'kinds', key: keyOf(at), column: 'v' }));
  expect(whole(15)).toBe(long);
  expect(whole(14)).toEqual({ blob: Buffer.alloc(10_000_000, 7).toString('base64'), bytes: 10_000_000 });
  const sorted = bothWays({ table: 'kinds', sort: [{ column: 'v' }], limit: 1, cut: 32 });
  expect(sorted.forward).toHaveLength(17);
  expect(sorted.backward).toEqual(sorted.forward);
});

test('a page of large values ends early and goes on behind them', () => {
  db.connection.database.exec(`CREATE TABLE large (v);
    INSERT INTO large SELECT zeroblob(900000) FROM numbers WHERE id <= 40`);
  const first = rows({ table: 'large', cut: 1_000_000 });
  expect(first.rows.length).toBeLessThan(20);
  let seen = first.rows.length;
  for (let next = first.next; next !== null; ) {
    const more = rows({ table: 'large', cut: 1_000_000, from: { after: next } });
    seen += more.rows.length;
    next = more.next;
  }
  expect(seen).toBe(40);
});

test('the schema tells keys, relations both ways, groups and its version', () => {
  const read = () => inRead(db.connection, () => readSchema(db.connection, 'x'));
  const schema = read();
  const named = (name: string) => schema.objects.find((one) => one.name === name);
  expect(named('numbers')?.key).toEqual({ kind: 'primary', columns: ['id'] });
  expect(named('pairs')).toMatchObject({ key: { kind: 'primary', columns: ['a', 'b'] }, withoutRowid: true });
  expect(named('loose')?.key).toEqual({ kind: 'rowid', columns: ['rowid'] });
  expect(named('three')?.key).toBeNull();
  expect(named('odd')).toMatchObject({ type: 'view', key: null });
  expect(named('search')).toMatchObject({ type: 'virtual', group: 'user', key: { kind: 'rowid', columns: ['rowid'] } });
  expect(named('search_data')?.group).toBe('system');
  expect(named('kv_store')).toMatchObject({ group: 'kv', triggers: [] });
  expect(named('kv_store_history')?.group).toBe('system');
  expect(named('child')?.references).toEqual([{ columns: ['px', 'py'], table: 'parent', tableColumns: ['x', 'y'] }]);
  expect(named('parent')?.referencedBy).toEqual([{ columns: ['x', 'y'], table: 'child', tableColumns: ['px', 'py'] }]);
  expect(named('select')?.columns[2]).toMatchObject({ name: 'generated', generated: 'stored' });
  expect(named('numbers')?.indexes).toMatchObject([{ name: 'by_score', columns: ['score'], unique: false }]);
  expect(schema.objects.some(({ name }) => name.startsWith('hoody:'))).toBe(false);
  db.connection.database.exec('CREATE TABLE another (x)');
  expect(read().version).not.toBe(schema.version);
});

test('one row of many large values is answered, with less of each', () => {
  const columns = wide.slice(0, 500);
  db.connection.database.exec(`CREATE TABLE heavy (${columns.join(', ')});
    INSERT INTO heavy VALUES (${columns.map(() => 'zeroblob(100000)').join(', ')})`);
  const { rows: read } = rows({ table: 'heavy', cut: 1024 * 1024 });
  expect(JSON.stringify(read).length).toBeLessThan(limits.responseBytes);
  expect(read[0]?.values[499]).toMatchObject({ bytes: 100_000 });
  const { reply } = runSql(db.connection, { sql: 'SELECT * FROM heavy', cut: 1024 * 1024 }, '');
  expect(reply?.status).toBe(200);
});
