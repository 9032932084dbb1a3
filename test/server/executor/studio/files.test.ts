// Exports, imports and copies on real files.
import { mkdtempSync, readdirSync, readFileSync, rmSync, statfsSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { copyTo } from '../../../../server/executor/studio/copy.ts';
import { exportTo } from '../../../../server/executor/studio/export.ts';
import { importFrom } from '../../../../server/executor/studio/import.ts';
import { inRead } from '../../../../server/executor/studio/reading.ts';
import { limits } from '../../../../server/messages/limits.ts';
import type { StudioImportRequest } from '../../../../server/messages/operations/studio.ts';
import type { StudioExportRequest } from '../../../../server/messages/studio/files.ts';
import { bytesToSpare } from '../../../../server/messages/temporary-room.ts';
import { GuardedDatabase } from '../../../helpers/guarded-database.ts';

const folder = mkdtempSync(join(tmpdir(), 'hoody-studio-files-'));
let db: GuardedDatabase;
let files = 0;

beforeAll(() => {
  db = new GuardedDatabase(`
    CREATE TABLE kinds (id INTEGER PRIMARY KEY, t TEXT, n INTEGER, r REAL, num NUMERIC, untyped, b BLOB, twice AS (n * 2));
    INSERT INTO kinds (t, n, r, num, untyped, b) VALUES
      ('plain', 1, 1.5, 2, 'x', X'00ff'), (NULL, NULL, NULL, NULL, NULL, NULL), ('', '', '', '', '', X''),
      ('NULL', 9223372036854775807, 9e999, -9e999, 9007199254740993, 'text in blob'),
      ('007', -9223372036854775808, -0.0, 1e300, '12', '12'), ('a"b,c' || char(13, 10) || 'd', 'text', 0.1, 'x', 1.0, 1.0),
      ('=1+1', 5, 5, 5, X'41', X'41'), ('X''41''', 'X''41''', 1, 1, 'X''41''', 1), (' space ', 1, 1, 1, '1e5', 100000.0),
      (char(0x1f600), 1, 1, 1, 'a' || char(0) || 'b', 1), (CAST(X'ff22' AS TEXT), 1, 1, 1, CAST(X'fe' AS TEXT), 1);
    CREATE TABLE "select" ("a""b", "", "x,y"); INSERT INTO "select" VALUES (1, 2, 3);
    CREATE TABLE one (only TEXT); INSERT INTO one VALUES (NULL), (''), ('x');
    CREATE TABLE strict_one (i INT, a ANY) STRICT; INSERT INTO strict_one VALUES (1, '1'), (2, 1), (3, 1.0);
  `);
});
afterAll(() => {
  db.close();
  rmSync(folder, { recursive: true });
});

function exported(request: StudioExportRequest): Buffer {
  files += 1;
  const path = join(folder, `export-${files}`);
  inRead(db.connection, () => exportTo(db.connection, request, path));
  return readFileSync(path);
}

function imported(content: string | Buffer, table: string, more: Partial<StudioImportRequest> = {}) {
  files += 1;
  const path = join(folder, `import-${files}`);
  writeFileSync(path, content);
  const request = { create: false, header: true, dryRun: false, types: null, clientIp: '' } as const;
  const how = { format: 'csv', delimiter: 'comma' } as const;
  return importFrom(db.connection, { path, table, ...request, ...how, ...more });
}

test.each([
  ['csv', 'kinds'],
  ['json', 'kinds'],
  ['jsonl', 'kinds'],
  ['csv', 'select'],
  ['csv', 'one'],
  ['json', 'one'],
  ['csv', 'strict_one'],
] as const)('what is exported as %s from %s and imported again is the same, byte for byte', (format, table) => {
  const first = exported({ format, source: { table } });
  const columns = db
    .rows(`SELECT name FROM pragma_table_info('${table}')`)
    .flat()
    .map((name) => `"${String(name).replaceAll('"', '""')}"`);
  const all = () =>
    db.rows(
      `SELECT ${columns.map((name) => `typeof(${name}), quote(CAST(${name} AS BLOB))`).join(', ')} FROM "${table}" ORDER BY rowid`,
    );
  const values = all();
  db.connection.database.exec(`DELETE FROM "${table}"`);
  expect(imported(first, table, { format }).rows).toBe(values.length);
  expect(all()).toEqual(values);
  expect(exported({ format, source: { table } }).equals(first)).toBe(true);
});

test('SQL that is exported makes the same rows, and generated columns are left out', () => {
  const sql = exported({ format: 'sql', source: { table: 'kinds' } }).toString();
  expect(sql.split('\n')[0]).toBe(
    `INSERT INTO "kinds" ("id", "t", "n", "r", "num", "untyped", "b") VALUES (1, 'plain', 1, 1.5, 2, 'x', X'00FF');`,
  );
  db.connection.database.exec(`DELETE FROM kinds; ${sql}`);
  expect(exported({ format: 'sql', source: { table: 'kinds' } }).toString()).toBe(sql);
});

test('a selection, chosen columns, or the rows of a query are exported; nothing else', () => {
  const filters = [{ column: 'n', operator: '=' as const, value: { int: '1' } }];
  const source = { table: 'kinds', columns: ['t', 'n'], filters, sort: [{ column: 'id', descending: true }] };
  expect(exported({ format: 'csv', source }).toString().split('\r\n').at(-2)).toBe('plain,1');
  expect(exported({ format: 'csv', source: { sql: `SELECT 1 AS a, '=x' AS a` }, guardFormulas: true }).toString()).toBe(
    "a,a\r\n1,'=x\r\n",
  );
  const bound = { sql: 'SELECT ?1 AS a, :b AS b, ?4 AS c', parameters: { '1': { int: '9007199254740993' }, b: '' } };
  expect(exported({ format: 'jsonl', source: bound }).toString()).toBe('{"a":9007199254740993,"b":"","c":null}\n');
  expect(exported({ format: 'json', source: { sql: 'SELECT 1 AS a, 2 AS a WHERE 0' } }).toString()).toBe('[\n]\n');
  expect(() => exported({ format: 'csv', source: { sql: 'DELETE FROM kinds RETURNING id' } })).toThrow(/reads rows/);
  expect(() => exported({ format: 'csv', source: { sql: 'SELECT 1; SELECT 2' } })).toThrow(/one statement/);
  expect(() => exported({ format: 'csv', source: { sql: 'SELECT * FROM "hoody:kv_meta"' } })).toThrow(/server/);
});

test('a new table gets its columns and types from the file, as the dry run shows', () => {
  const file = "id,name,score,zip,raw,empty\r\n1,Ada,1.5,007,X'00',\r\n2,\"12\",2,010,X'01',\r\n";
  const types = ['INTEGER', 'TEXT', 'NUMERIC', 'TEXT', 'BLOB', 'TEXT'];
  const dry = imported(file, 'made', { create: true, dryRun: true });
  expect(dry).toMatchObject({ columns: ['id', 'name', 'score', 'zip', 'raw', 'empty'], types, rows: 2 });
  expect(dry.preview?.[1]).toEqual(['2', '12', '2', '010', { blob: 'AQ==', bytes: 1 }, null]);
  expect(db.rows("SELECT 1 FROM sqlite_schema WHERE name = 'made'")).toEqual([]);
  expect(imported(file, 'made', { create: true })).toEqual({
    columns: dry.columns,
    types,
    rows: 2,
    delimiter: 'comma',
  });
  expect(db.rows('SELECT *, typeof(score) FROM made')[1]).toEqual([
    2,
    '12',
    2,
    '010',
    Buffer.from([1]),
    null,
    'integer',
  ]);
  const jsonl = '{"a":1,"b":true}\n\n{"a":2.5,"b":null,"c":[9007199254740993]}\n';
  expect(imported(jsonl, 'lines', { create: true, format: 'jsonl' })).toMatchObject({
    columns: ['a', 'b', 'c'],
    types: ['NUMERIC', 'INTEGER', 'TEXT'],
  });
  expect(db.rows('SELECT * FROM lines')).toEqual([
    [1, 1, null],
    [2.5, null, '[9007199254740993]'],
  ]);
});

test('a file of a spreadsheet with decimal commas comes in by its semicolons, and goes out so', () => {
  const file = 'id;price;note\r\n1;1,5;"a;b"\r\n2;2,25;x, y\r\n';
  const dry = imported(file, 'prices', { create: true, dryRun: true, delimiter: 'auto' });
  expect(dry).toMatchObject({
    delimiter: 'semicolon',
    columns: ['id', 'price', 'note'],
    types: ['INTEGER', 'TEXT', 'TEXT'],
  });
  expect(imported(file, 'prices', { create: true, delimiter: 'auto' }).rows).toBe(2);
  expect(db.rows('SELECT * FROM prices')).toEqual([
    [1, '1,5', 'a;b'],
    [2, '2,25', 'x, y'],
  ]);
  const source = { table: 'prices' };
  const out = exported({ format: 'csv', source, delimiter: 'semicolon' }).toString();
  expect(out).toBe('id;price;note\r\n1;"1,5";"a;b"\r\n2;"2,25";"x, y"\r\n');
  expect(exported({ format: 'csv', source, delimiter: 'tab' }).toString().split('\r\n')[0]).toBe('id\tprice\tnote');
});

test('a type may have a comma', () => {
  const types = ['INTEGER', 'DECIMAL(10,2)', 'DECIMAL(10, 2)'];
  imported('a,b,c\n1,1.50,2\n', 'typed', { create: true, types });
  expect(db.rows("SELECT type FROM pragma_table_info('typed')").flat()).toEqual(types);
});

test('a line of JSON Lines that is too long is refused before it fills the memory', () => {
  const line = Buffer.alloc(limits.importJsonBytes + 1024 * 1024, 'x');
  expect(() => imported(line, 'lines', { format: 'jsonl' })).toThrow(/line 1: it is longer than/);
});

test('a file that does not fit is refused with its row, and nothing comes in', () => {
  const before = db.rows('SELECT count(*) FROM kinds');
  expect(() => imported('id,t\n100,x\n101\n', 'kinds')).toThrow(/row 2 \(line 3\): it has 1 fields, 2 are needed/);
  expect(() => imported('id,t\n100,x\n1,y\n', 'kinds')).toThrow(
    expect.objectContaining({ code: 'SQL_CONSTRAINT', message: expect.stringMatching(/^row 2 \(line 3\): UNIQUE/) }),
  );
  const lines = '{"id":200}\n\n{"id":201}\n[3]\n';
  expect(() => imported(lines, 'kinds', { format: 'jsonl' })).toThrow(/line 4 is no JSON object/);
  expect(() => imported('{"id":200}\n\n{"id":1}\n', 'kinds', { format: 'jsonl' })).toThrow(/^row 2 \(line 3\): UNIQUE/);
  expect(() => imported('id,nothing\n', 'kinds')).toThrow(/no column "nothing"; its columns: id, t/);
  expect(() => imported('id,twice\n', 'kinds')).toThrow(/generated/);
  expect(() => imported('', 'kinds')).toThrow(/empty/);
  expect(() => imported('[1]', 'kinds', { format: 'json' })).toThrow(/row 1 is no JSON object/);
  expect(() => imported('a\n1\n', 'hoody:kv_x', { create: true })).toThrow(/server/);
  expect(() => imported('a\n1\n', 'x', { create: true, types: ['INTEGER); DROP TABLE kinds --'] })).toThrow(/no type/);
  expect(db.rows('SELECT count(*) FROM kinds')).toEqual(before);
});

test('a file with two columns of one name is refused: SQLite would drop the second one', () => {
  const before = db.rows('SELECT count(*) FROM kinds');
  expect(() => imported('id,t,t\n300,x,y\n', 'kinds')).toThrow(/two columns "t"/);
  expect(db.rows('SELECT count(*) FROM kinds')).toEqual(before);
});

test('no file stays open, whatever became of it', () => {
  const open = () => readdirSync('/proc/self/fd').length;
  const before = open();
  expect(() => imported('id,nothing\n1,2\n', 'kinds')).toThrow(/no column/);
  expect(() => imported('a\n1\n', 'x', { create: true, types: ['TEXT', 'TEXT'] })).toThrow(/types has 2/);
  expect(() => imported('id,t\n1,2\n3\n', 'kinds')).toThrow(/row/);
  expect(imported('a,b\n1,2\n', 'left_open', { create: true, dryRun: true }).rows).toBe(1);
  expect(open()).toBe(before);
});

test('a file that would leave too little room to databases is not written', () => {
  const sql = 'WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT zeroblob(10000) FROM n';
  const path = join(folder, 'endless');
  const spare = () => 1_000_000 - statSync(path).size;
  const endless = () => exportTo(db.connection, { format: 'csv', source: { sql } }, path, spare);
  expect(() => inRead(db.connection, endless)).toThrow(expect.objectContaining({ code: 'RESPONSE_TOO_LARGE' }));
  expect(statSync(path).size).toBeLessThan(1_000_000);
  expect(() => copyTo(db.connection, join(folder, 'no-copy'), () => 1_000)).toThrow(/no room/);
  const { bavail, bsize } = statfsSync(folder);
  expect(bytesToSpare(path)).toBeLessThan(bavail * bsize);
});

test('columns of one name keep apart in JSON', () => {
  const sql = 'SELECT 1 AS a, 2 AS a, 3 AS "a:2", 4 AS a';
  expect(JSON.parse(exported({ format: 'jsonl', source: { sql } }).toString())).toEqual({
    a: 1,
    'a:3': 2,
    'a:2': 3,
    'a:4': 4,
  });
});

test('the copy of a database is a whole one', () => {
  const path = join(folder, 'copy.db');
  copyTo(db.connection, path);
  const copy = new Database(path, { readonly: true });
  expect(copy.pragma('integrity_check', { simple: true })).toBe('ok');
  expect(copy.prepare('SELECT count(*) FROM kinds').pluck().get()).toBe(db.rows('SELECT count(*) FROM kinds')[0]?.[0]);
  copy.close();
});
