import { expect, test } from 'vitest';
import { isReading, splitStatements } from '../../../server/messages/sql-statements.ts';

const split = (script: string): string[] => splitStatements(script).map(({ sql }) => sql);

test.each([
  ['', []],
  [';;  ;', []],
  ['-- only a comment', []],
  ['SELECT 1', ['SELECT 1']],
  ['SELECT 1; SELECT 2;', ['SELECT 1', 'SELECT 2']],
  ["SELECT ';'; SELECT 2", ["SELECT ';'", 'SELECT 2']],
  ["SELECT 'it''s; fine'", ["SELECT 'it''s; fine'"]],
  ['SELECT ";" FROM [a;b], `c;d`', ['SELECT ";" FROM [a;b], `c;d`']],
  ['SELECT 1 -- one; two\n; SELECT 2', ['SELECT 1', 'SELECT 2']],
  ['SELECT /* ; */ 1; SELECT 2 /* open ;', ['SELECT /* ; */ 1', 'SELECT 2']],
  ['SELECT 1 /**/; SELECT 2', ['SELECT 1', 'SELECT 2']],
  ['\ufeffSELECT 1;\ufeff \v\ufeffSELECT\ufeff2', ['SELECT 1', 'SELECT\ufeff2']],
])('%j splits as SQLite would', (script, statements) => {
  expect(split(script)).toEqual(statements);
});

test('a trigger is one statement, whatever its body holds', () => {
  const trigger =
    'CREATE TEMP TRIGGER IF NOT EXISTS t AFTER INSERT ON a BEGIN UPDATE a SET b = CASE WHEN c THEN 1 ELSE 2 END; DELETE FROM d; END';
  expect(split(`${trigger}; SELECT 1`)).toEqual([trigger, 'SELECT 1']);
});

test.each([
  ['SELECT 1', true],
  ['select replace(a, 1, 2) from t', true],
  ['VALUES (1)', true],
  ['EXPLAIN DELETE FROM t', true],
  ['WITH a AS (SELECT 1) SELECT * FROM a', true],
  ["WITH a AS (SELECT replace('a', 'b', 'c')) SELECT * FROM a", true],
  ['WITH a AS (SELECT 1) DELETE FROM t', false],
  ['WITH a AS (SELECT 1) REPLACE INTO t SELECT * FROM a', false],
  ['PRAGMA user_version', true],
  ['PRAGMA user_version = 3', false],
  ['PRAGMA user_version(3)', false],
  ['PRAGMA main.user_version', true],
  ['PRAGMA optimize', false],
  ['PRAGMA table_info(t)', true],
  ['INSERT INTO t VALUES (1) RETURNING *', false],
  ['CREATE TABLE t (a)', false],
])('%j reads only: %s', (sql, reading) => {
  const [statement] = splitStatements(sql);
  expect(statement && isReading(statement)).toBe(reading);
});
