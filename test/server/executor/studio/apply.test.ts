import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { apply } from '../../../../server/executor/studio/apply.ts';
import { inRead } from '../../../../server/executor/studio/reading.ts';
import { readPage } from '../../../../server/executor/studio/rows.ts';
import type { ApiError } from '../../../../server/messages/errors.ts';
import { limits } from '../../../../server/messages/limits.ts';
import type { StudioApplied, StudioChange } from '../../../../server/messages/studio/edits.ts';
import type { StudioValue } from '../../../../server/messages/studio/values.ts';
import { GuardedDatabase } from '../../../helpers/guarded-database.ts';

let db: GuardedDatabase;

beforeAll(() => {
  db = new GuardedDatabase(`
    CREATE TABLE people (id INTEGER PRIMARY KEY, name TEXT, age INTEGER CHECK (age < 200), loud AS (upper(name)));
    CREATE TABLE pairs (a TEXT, b INTEGER, v, PRIMARY KEY (a, b)) WITHOUT ROWID;
    CREATE TABLE untyped (v);
    CREATE TABLE "select" ("a""b", "", "__proto__");
    CREATE TABLE parents (id INTEGER PRIMARY KEY);
    CREATE TABLE children (parent REFERENCES parents);
    CREATE VIEW names AS SELECT name FROM people;
    CREATE VIRTUAL TABLE search USING fts5 (body);
    INSERT INTO parents VALUES (1);
    INSERT INTO children VALUES (1);
  `);
});
afterAll(() => db.close());
beforeEach(() => {
  db.connection.database.exec(`DELETE FROM people; DELETE FROM untyped;
    INSERT INTO people (id, name, age) VALUES (1, 'Ada', 36), (2, 'Grace', 85), (3, NULL, NULL)`);
});

const run = (...changes: StudioChange[]): StudioApplied => apply(db.connection, { changes }, '10.0.0.1');
const rename = (id: number, from: StudioValue, to: StudioValue): StudioChange => ({
  kind: 'update',
  table: 'people',
  key: [{ int: `${id}` }],
  set: { name: to },
  expect: { name: from },
});
const failure = (...changes: StudioChange[]): ApiError => {
  try {
    run(...changes);
  } catch (error) {
    return error as ApiError;
  }
  throw new Error('it was applied');
};
const names = () => db.rows('SELECT name FROM people ORDER BY id').map(([name]) => name);

test('updates, inserts and deletes are one transaction, told as SQL, and inserts answer their keys', () => {
  const applied = run(
    rename(1, 'Ada', "O'Hara"),
    { kind: 'insert', table: 'people', set: { name: 'New', age: { int: '5' } } },
    { kind: 'insert', table: 'people', set: {} },
    { kind: 'delete', table: 'people', key: [{ int: '2' }], expect: { name: 'Grace', age: { int: '85' } } },
    { kind: 'insert', table: 'pairs', set: { a: 'x', b: { int: '7' }, v: null } },
    { kind: 'insert', table: 'search', set: { body: 'found' } },
  );
  expect(applied.keys).toEqual([null, [{ int: '4' }], [{ int: '5' }], null, ['x', { int: '7' }], [{ int: '1' }]]);
  expect(applied.sql.slice(0, 4)).toEqual([
    `UPDATE "people" SET "name" = 'O''Hara' WHERE "id" = 1;`,
    `INSERT INTO "people" ("name", "age") VALUES ('New', 5);`,
    `INSERT INTO "people" DEFAULT VALUES;`,
    `DELETE FROM "people" WHERE "id" = 2;`,
  ]);
  expect(names()).toEqual(["O'Hara", null, 'New', null]);
});

test('a row that somebody else has changed is a conflict, with the row as it is now, and nothing is written', () => {
  const error = failure(rename(1, 'Ada', 'x'), rename(2, 'Somebody', 'y'), rename(9, 'z', 'z'));
  expect([error.code, error.status]).toEqual(['CONFLICT', 409]);
  expect(error.message).toContain('2 of 3 rows');
  expect(error.members.conflicts).toEqual([
    {
      change: 1,
      reason: 'changed',
      now: { id: { int: '2' }, name: 'Grace', age: { int: '85' }, loud: 'GRACE' },
    },
    { change: 2, reason: 'gone' },
  ]);
  expect(names()).toEqual(['Ada', 'Grace', null]);
  expect(failure({ kind: 'delete', table: 'people', key: [{ int: '1' }], expect: { age: null } }).code).toBe(
    'CONFLICT',
  );
  const twice: StudioChange = { kind: 'delete', table: 'people', key: [{ int: '1' }], expect: {} };
  expect(failure(twice, twice).members.conflicts).toEqual([{ change: 1, reason: 'gone' }]);
  expect(names()).toHaveLength(3);
});

test.each<[string, string, StudioValue, StudioValue[]]>([
  ['1', 'integer', { int: '1' }, [{ real: '1.0' }, '1', null, { blob: 'MQ==', bytes: 1 }]],
  ['1.0', 'real', { real: '1' }, [{ int: '1' }, '1.0']],
  ["'x'", 'text', 'x', ['X', { blob: 'eA==', bytes: 1 }, '']],
  ["''", 'empty text', '', [null, { blob: '', bytes: 0 }]],
  ['NULL', 'NULL', null, ['', 'NULL', { int: '0' }]],
  [
    "X'00ff'",
    'blob',
    { blob: 'AP8=', bytes: 2 },
    [
      { blob: 'AP4=', bytes: 2 },
      { badText: 'AP8=', bytes: 2 },
    ],
  ],
  ["CAST(X'ff' AS TEXT)", 'bad text', { badText: '/w==', bytes: 1 }, [{ blob: '/w==', bytes: 1 }]],
  ['9e999', 'infinity', { real: 'Inf' }, [{ real: '-Inf' }]],
  ['9223372036854775807', 'i64', { int: '9223372036854775807' }, [{ int: '9223372036854775806' }]],
  [
    "'abc' || hex(zeroblob(3000))",
    'cut text',
    { text: 'abc000', bytes: 6003 },
    [
      { text: 'abc', bytes: 6002 },
      { text: 'abd', bytes: 6003 },
    ],
  ],
  ["'abc000'", 'text that was longer when it was read', 'abc000', [{ text: 'abc000', bytes: 6003 }]],
])('the old value %s is compared by type and bytes (%s)', (sql, _kind, same, others) => {
  db.connection.database.exec(`INSERT INTO untyped VALUES (${sql})`);
  const change = (expected: StudioValue): StudioChange => ({
    kind: 'update',
    table: 'untyped',
    key: [{ int: String(db.rows('SELECT rowid FROM untyped')[0]?.[0]) }],
    set: { v: 'new' },
    expect: { v: expected },
  });
  for (const other of others) expect([other, failure(change(other)).code]).toEqual([other, 'CONFLICT']);
  expect(run(change(same)).sql).toHaveLength(1);
  expect(db.rows('SELECT v FROM untyped')).toEqual([['new']]);
});

test('a value of every kind survives an edit, and the SQL that is shown writes the same value', () => {
  const values: StudioValue[] = [
    { int: '-9223372036854775808' },
    { int: '9007199254740993' },
    { real: '0.1' },
    { real: '-Inf' },
    { real: '-0.0' },
    '',
    'NULL',
    'a\0b',
    "it's \u{1f600}",
    { blob: Buffer.alloc(100_000, 3).toString('base64'), bytes: 100_000 },
    { badText: '/0E=', bytes: 2 },
    null,
  ];
  const { sql } = run(...values.map((v): StudioChange => ({ kind: 'insert', table: 'untyped', set: { v } })));
  db.connection.database.exec(sql.join('\n'));
  const read = inRead(db.connection, () => readPage(db.connection, { table: 'untyped', cut: 1_000_000 })).rows;
  const all = read.map((row) => row.values[0]);
  expect(all).toEqual([...values, ...values]);
});

test('odd names are written', () => {
  run({
    kind: 'insert',
    table: 'select',
    set: Object.fromEntries([
      ['a"b', 'x'],
      ['', 'y'],
      ['__proto__', 'z'],
    ]),
  });
  expect(db.rows('SELECT "a""b", "", "__proto__" FROM "select"')).toEqual([['x', 'y', 'z']]);
});

test('what cannot be done is refused with the change that it is about', () => {
  const refused = (change: StudioChange) => {
    const { code, message, members } = failure(rename(1, 'Ada', 'x'), change);
    return `${code} ${members.change} ${message}`;
  };
  const insert = (table: string, set: Record<string, StudioValue>): StudioChange => ({ kind: 'insert', table, set });
  expect(refused(insert('people', { loud: 'x' }))).toMatch(/^INVALID_PARAMETERS 1 .*generated/);
  expect(refused(insert('people', { nothing: 'x' }))).toMatch(/^INVALID_PARAMETERS 1 .*no column/);
  expect(refused(insert('people', { name: { text: 'x', bytes: 100 } }))).toMatch(/only the beginning/);
  expect(refused(insert('people', { age: { int: '900' } }))).toMatch(/^SQL_CONSTRAINT 1 CHECK/);
  expect(refused(insert('children', { parent: { int: '77' } }))).toMatch(/^SQL_CONSTRAINT (1|undefined) FOREIGN KEY/);
  expect(refused(insert('names', { name: 'x' }))).toMatch(/view/);
  expect(refused(insert('hoody:kv_meta', { name: 'x', id: 'y' }))).toMatch(/^CONFLICT 1 .*belongs to the server/);
  expect(refused({ kind: 'update', table: 'people', key: [], set: { name: 'x' }, expect: { name: 'x' } })).toMatch(
    /id/,
  );
  expect(refused({ kind: 'update', table: 'people', key: [{ int: '1' }], set: { name: 'x' }, expect: {} })).toMatch(
    /expect needs/,
  );
  expect(refused({ kind: 'delete', table: 'parents', key: [{ int: '1' }], expect: {} })).toMatch(/FOREIGN KEY/);
  expect(names()).toEqual(['Ada', 'Grace', null]);
  expect(db.connection.database.pragma('foreign_keys', { simple: true })).toBe(0);
});

test('a dry run answers the SQL and writes nothing', () => {
  const request = { changes: [rename(1, 'whatever', { real: '2.5' })], dryRun: true };
  expect(apply(db.connection, request, '')).toEqual({ sql: ['UPDATE "people" SET "name" = 2.5 WHERE "id" = 1;'] });
  expect(names()[0]).toBe('Ada');
});

test('an edit of a key-value table is in the history of the key, with the client', () => {
  run({ kind: 'insert', table: 'kv_store', set: { key: 'k', value: 'v', content_type: 'text/plain' } });
  expect(db.rows(`SELECT key, op, client FROM kv_store_history WHERE key = 'k'`)).toEqual([['k', 'SET', '10.0.0.1']]);
});

test('a row with a value that no answer could hold is changed all the same', () => {
  const bytes = limits.responseBytes + 1000;
  const change = (text: string, length: number): StudioChange => ({
    kind: 'delete',
    table: 'untyped',
    key: [{ int: '1' }],
    expect: { v: { text, bytes: length } },
  });
  db.connection.database.exec(`INSERT INTO untyped (rowid, v) VALUES (1, printf('%.*c', ${bytes}, 'x'))`);
  expect(failure(change('xxy', bytes)).code).toBe('CONFLICT');
  expect(failure(change('xxx', bytes + 1)).code).toBe('CONFLICT');
  run(change('xxx', bytes));
  expect(db.rows('SELECT count(*) FROM untyped')).toEqual([[0]]);
});

test('what cannot be answered is not committed', () => {
  const v = 'x'.repeat(limits.responseBytes / 2);
  const insert: StudioChange = { kind: 'insert', table: 'untyped', set: { v } };
  expect(failure(insert, insert).code).toBe('RESPONSE_TOO_LARGE');
  expect(db.rows('SELECT count(*) FROM untyped')).toEqual([[0]]);
});
