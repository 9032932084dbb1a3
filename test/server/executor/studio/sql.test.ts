import { afterAll, beforeAll, expect, test } from 'vitest';
import { inRead } from '../../../../server/executor/studio/reading.ts';
import { explain, runSql } from '../../../../server/executor/studio/sql.ts';
import type { StudioSqlAnswer, StudioSqlRequest } from '../../../../server/messages/studio/sql.ts';
import { parameterNames } from '../../../../server/messages/studio-parameters.ts';
import { GuardedDatabase } from '../../../helpers/guarded-database.ts';

let db: GuardedDatabase;

beforeAll(() => {
  db = new GuardedDatabase(`CREATE TABLE people (id INTEGER PRIMARY KEY, name TEXT UNIQUE);
    INSERT INTO people VALUES (1, 'Ada'), (2, 'Grace'), (3, CAST(X'ff' AS TEXT))`);
});
afterAll(() => db.close());

const outcome = (sql: string, more: Partial<StudioSqlRequest> = {}) =>
  runSql(db.connection, { sql, limit: 1000, cut: 2048, ...more }, '10.0.0.1');
const results = (sql: string, more: Partial<StudioSqlRequest> = {}) => {
  const { reply, error } = outcome(sql, more);
  if (reply === null) throw new Error(error.message);
  return (JSON.parse(String(reply.body)) as StudioSqlAnswer).results;
};
const failure = (sql: string, more: Partial<StudioSqlRequest> = {}) => {
  const { error } = outcome(sql, more);
  const {
    offset = -1,
    length = 0,
    hint,
  } = (error?.members ?? {}) as { offset?: number; length?: number; hint?: string };
  return { code: error?.code, message: error?.message, at: sql.slice(offset, offset + length), offset, hint };
};
const count = () => db.rows('SELECT count(*) FROM people')[0]?.[0];

test('each statement has its place, kind, rows and changes', () => {
  const sql = `-- first\nSELECT 1; INSERT INTO people VALUES (10, 'x'), (11, 'y') RETURNING id;
    CREATE TABLE made (x); DELETE FROM people WHERE id >= 10; PRAGMA foreign_keys; DROP TABLE made`;
  const found = results(sql);
  expect(found.map(({ kind }) => kind)).toEqual(['rows', 'write', 'schema', 'write', 'rows', 'schema']);
  expect(found.map(({ start, end }) => sql.slice(start, end).slice(0, 8))).toEqual([
    'SELECT 1',
    'INSERT I',
    'CREATE T',
    'DELETE F',
    'PRAGMA f',
    'DROP TAB',
  ]);
  expect(found[1]).toMatchObject({ columns: ['id'], rows: [[{ int: '10' }], [{ int: '11' }]], changes: 2 });
  expect(found[3]).toMatchObject({ columns: [], rows: [], changes: 2 });
});

test('rows are limited and cut, columns of one name are kept apart, and bad text is told from a blob', () => {
  expect(results('SELECT id AS a, name AS a FROM people', { limit: 2 })[0]).toMatchObject({
    columns: ['a', 'a'],
    rows: [
      [{ int: '1' }, 'Ada'],
      [{ int: '2' }, 'Grace'],
    ],
    more: true,
  });
  expect(results(`SELECT name, CAST('x' AS BLOB), 9007199254740993 FROM people WHERE id = 3`)[0]?.rows).toEqual([
    [{ badText: '/w==', bytes: 1 }, { blob: 'eA==', bytes: 1 }, { int: '9007199254740993' }],
  ]);
  expect(results(`SELECT hex(zeroblob(5000))`, { cut: 16 })[0]?.rows).toEqual([
    [{ text: '0'.repeat(16), bytes: 10000 }],
  ]);
  expect(results('WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT i FROM n')[0]?.more).toBe(
    true,
  );
  const large = results('SELECT zeroblob(1000000) FROM people, people, people', { cut: 1_000_000 })[0];
  expect([large?.more, (large?.rows.length ?? 99) < 27]).toEqual([true, true]);
});

test('an error is marked at the token that SQLite means, in UTF-16 units, and nothing is committed', () => {
  expect(failure("SELECT '\u{1f600}\u20ac'; SELECT id, nam FROM people")).toMatchObject({
    code: 'SQL_ERROR',
    at: 'nam',
    offset: 25,
    hint: 'did you mean name?',
  });
  expect(failure("SELECT '\u{1f600}\u20ac', nam FROM people")).toMatchObject({ at: 'nam', offset: 14 });
  expect(failure('DELETE FROM people; SELEC 1')).toMatchObject({ code: 'SQL_ERROR', at: 'SELEC' });
  expect(failure('SELECT * FROM poeple')).toMatchObject({ hint: 'did you mean people?' });
  expect(failure('SELECT (1')).toMatchObject({ code: 'SQL_ERROR', hint: expect.stringContaining('ends too early') });
  expect(failure("SELECT 1; INSERT INTO people VALUES (9, 'Ada')")).toMatchObject({
    code: 'SQL_CONSTRAINT',
    at: "INSERT INTO people VALUES (9, 'Ada')",
  });
  expect(failure('SELECT 1; COMMIT')).toMatchObject({ code: 'SQL_ERROR', at: 'COMMIT' });
  expect(failure('-- nothing')).toMatchObject({ code: 'SQL_ERROR' });
  expect(failure('SELECT * FROM "hoody:kv_meta"').code).toBe('CONFLICT');
  expect(count()).toBe(3);
});

test('a dry run counts what would change, and changes nothing', () => {
  expect(results('DELETE FROM people', { dryRun: true })[0]).toMatchObject({ kind: 'write', changes: 3 });
  expect(count()).toBe(3);
  expect(outcome('DELETE FROM people', { dryRun: true }).wrote).toBe(false);
});

test('with readOnly nothing writes, however it is spelled', () => {
  for (const sql of [
    'DELETE FROM people',
    'WITH x AS (SELECT 1) DELETE FROM people',
    "INSERT INTO people VALUES (9, 'z') RETURNING id",
    'CREATE TABLE t (x)',
    'DROP TABLE people',
    'PRAGMA user_version = 3',
    'PRAGMA journal_mode = DELETE',
    'SELECT 1; UPDATE people SET name = NULL',
  ]) {
    expect([sql, outcome(sql, { readOnly: true }).error?.status]).toEqual([sql, expect.toBeOneOf([400, 403])]);
  }
  expect(count()).toBe(3);
  expect(results('SELECT count(*) FROM people; PRAGMA table_info(people)', { readOnly: true })).toHaveLength(2);
});

test('parameters are given by name or by number', () => {
  const parameters = { id: { int: '2' }, n: 'Grace', '1': { int: '1' }, '2': 'Ada' };
  expect(results('SELECT name FROM people WHERE id = :id AND name = $n', { parameters })[0]?.rows).toEqual([['Grace']]);
  expect(results('SELECT id FROM people WHERE id = ? AND name = ?; SELECT ?2', { parameters })[1]?.rows).toEqual([
    ['Ada'],
  ]);
  expect(results('SELECT id FROM people WHERE id = ? AND name = ?', { parameters })[0]?.rows).toHaveLength(1);
  expect(failure('SELECT :missing')).toMatchObject({
    code: 'SQL_BIND_ERROR',
    message: expect.stringContaining(':missing'),
  });
  expect(parameterNames(`SELECT :a, $b, @c, :a, ':no', ?; SELECT ?5, ? -- :no`)).toEqual([
    'a',
    'b',
    'c',
    '4',
    '5',
    '6',
  ]);
});

test('a plan is told as a tree, of writes too, and nothing runs', () => {
  const plan = (sql: string) => inRead(db.connection, () => explain(db.connection, { sql })).nodes;
  expect(plan('SELECT * FROM people WHERE id = :id')).toEqual([
    { id: expect.any(Number), parent: 0, detail: expect.stringMatching(/^SEARCH people USING INTEGER PRIMARY KEY/) },
  ]);
  expect(plan('DELETE FROM people WHERE name > ?').length).toBeGreaterThan(0);
  expect(() => plan('SELECT id, nowhere FROM people')).toThrow(
    expect.objectContaining({ members: { offset: 11, length: 7 } }),
  );
  expect(() => plan('SELECT nowhere')).toThrow(/no such column/);
  expect(count()).toBe(3);
});

test('pragmas at the head set the request, and the connection is not kept', () => {
  const found = results('PRAGMA foreign_keys = ON; PRAGMA foreign_keys; PRAGMA cache_size = 7');
  expect(found[1]?.rows).toEqual([[{ int: '1' }]]);
  expect(db.connection.isTainted).toBe(true);
  db.reopen();
});
