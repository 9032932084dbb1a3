import Database from 'better-sqlite3';
import { describe, expect, test } from 'vitest';
import { bind, checkCount, parametersOf, positionsOf, type Values } from '../../../../server/executor/sql/bind.ts';
import { splitStatements } from '../../../../server/messages/sql-statements.ts';

const database = new Database(':memory:');

/** The first row that SQLite gives for a statement with these values. */
function rowOf(sql: string, values: Values): unknown {
  const [statement] = splitStatements(sql);
  if (statement === undefined) throw new Error('no statement');
  const parameters = parametersOf(statement);
  checkCount(values, positionsOf(parameters));
  return database
    .prepare(sql)
    .raw(true)
    .get(...bind(parameters, values));
}

describe('a list fits', () => {
  test.each<[string, Values, unknown[]]>([
    ['SELECT ?, ?', ['a', 'b'], ['a', 'b']],
    ['SELECT ?1, ?1, ?2', ['a', 'b'], ['a', 'a', 'b']],
    ['SELECT ?2, ?1', ['a', 'b'], ['b', 'a']],
    ['SELECT $1, $2, $1', ['a', 'b'], ['a', 'b', 'a']],
    ['SELECT $2, $1', ['a', 'b'], ['b', 'a']],
    ['SELECT ?2, ?', ['a', 'b', 'c'], ['b', 'c']],
    ['SELECT ?3', ['a', 'b', 'c'], ['c']],
    ['SELECT :x, :y, :x', ['a', 'b'], ['a', 'b', 'a']],
    ['SELECT \'?\', "?" FROM (SELECT 1 AS "?") WHERE ? -- ?', [1n], ['?', 1]],
    ['SELECT ?', [null], [null]],
  ])('%s with %o', (sql, values, row) => {
    expect(rowOf(sql, values)).toEqual(row);
  });
});

describe('an object fits', () => {
  test.each<[string, Values, unknown[]]>([
    ['SELECT :a, @b, $c', { a: 'x', b: 'y', c: 'z' }, ['x', 'y', 'z']],
    ['SELECT :a, $a', { a: 'x' }, ['x', 'x']],
    ['SELECT :a', { ':a': 'x' }, ['x']],
    ['SELECT :a', { a: 'x', unused: 1n }, ['x']],
    ['SELECT ?1', { 1: 'x' }, ['x']],
  ])('%s with %o', (sql, values, row) => {
    expect(rowOf(sql, values)).toEqual(row);
  });
});

test.each<[string, Values, string]>([
  ['SELECT ?, ?', ['a', '\ud800'], 'parameter 2 is not valid Unicode: it has half of a surrogate pair at position 1'],
  ['SELECT :a', { a: 'ab\udc00' }, 'parameter :a is not valid Unicode: it has half of a surrogate pair at position 3'],
  ['SELECT ?, ?', [1n, Number.POSITIVE_INFINITY], 'parameter 2 is beyond what a REAL holds'],
])('%s with %o is refused with its place', (sql, values, message) => {
  expect(() => rowOf(sql, values)).toThrow(message);
  expect(rowOf('SELECT ?', ['\ud83d\ude00'])).toEqual(['\ud83d\ude00']);
});

describe('does not fit', () => {
  test.each<[string, Values]>([
    ['SELECT ?', []],
    ['SELECT ?', null],
    ['SELECT ?', ['a', 'b']],
    ['SELECT 1', ['a']],
    ['SELECT ?', { a: 1n }],
    ['SELECT :a', { b: 1n }],
    ['SELECT :a', { toString2: 1n }],
    ['SELECT ?', [[1n]]],
    ['SELECT ?', [{ a: 1n }]],
    ['SELECT ?', [9223372036854775808n]],
    ['SELECT ?', [{ base64: 'A' }]],
    ['SELECT ?', [{ base64: 'QQ== ' }]],
    ['SELECT ?', [{ base64: 'Q===' }]],
    ['SELECT ?', [{ base64: 1n }]],
    ['SELECT ?', [{ base64: 'QQ==', more: 1n }]],
    ['SELECT ?', [{ base64: null }]],
  ])('%s with %o', (sql, values) => {
    expect(() => rowOf(sql, values)).toThrow(expect.objectContaining({ code: 'SQL_BIND_ERROR' }));
  });
});

test.each<[Values, string, unknown]>([
  [[1n], 'integer', 1],
  [[1], 'real', 1],
  [[true], 'integer', 1],
  [[false], 'integer', 0],
  [['1'], 'text', '1'],
  [[{ base64: 'AP8=' }], 'blob', Buffer.from([0, 255])],
  [[{ base64: '-_8' }], 'blob', Buffer.from([251, 255])],
  [[{ base64: '' }], 'blob', Buffer.alloc(0)],
])('the value %o is stored as %s', (values, type, value) => {
  expect(rowOf('SELECT typeof(?1), ?1', values)).toEqual([type, value]);
});
