// What the SQL view reads out of its text: the statement at the cursor, the tables it names, what is dangerous.
import { describe, expect, test } from 'vitest';
import { splitStatements } from '../../server/messages/sql-statements.ts';
import { tokenize } from '../../server/messages/sql-tokens.ts';
import { dangersOf } from '../../server/studio/src/sql/dangers.ts';
import { statementAt } from '../../server/studio/src/sql/statement-at.ts';
import { tablesIn } from '../../server/studio/src/sql/tables-in.ts';

describe('the statement at the cursor (|)', () => {
  test.each([
    ['SEL|ECT 1; SELECT 2', 'SELECT 1'],
    ['SELECT 1;| SELECT 2', 'SELECT 1'],
    ['SELECT 1;\n|\nSELECT 2', 'SELECT 2'],
    ['SELECT 1;\nSELECT 2;\n\n|', 'SELECT 2'],
    ["SELECT ';|' ; SELECT 2", "SELECT ';'"],
    ['CREATE TRIGGER a AFTER INSERT ON t BEGIN SELECT 1; SEL|ECT 2; END; SELECT 3', undefined],
    ['-- only words|', undefined],
  ])('%s', (marked, expected) => {
    const cursor = marked.indexOf('|');
    const found = statementAt(marked.replace('|', ''), cursor)?.sql;
    if (marked.startsWith('CREATE')) expect(found).toMatch(/^CREATE TRIGGER.*END$/);
    else expect(found).toBe(expected);
  });
});

describe('tables that a statement names', () => {
  const names = (sql: string) => tablesIn(sql, tokenize(sql)).map(({ table, alias }) => [table, alias]);

  test.each([
    ['SELECT u. FROM users u', [['users', 'u']]],
    [
      'SELECT * FROM Users AS "my u", orders WHERE 1',
      [
        ['Users', 'my u'],
        ['orders', null],
      ],
    ],
    [
      'SELECT * FROM a JOIN main.b ON a.x = b.x LEFT JOIN [c d] c ON 1',
      [
        ['a', null],
        ['b', null],
        ['c d', 'c'],
      ],
    ],
    ['UPDATE OR IGNORE t SET x = 1', [['t', null]]],
    ['INSERT INTO t VALUES (1)', [['t', null]]],
    [
      'DELETE FROM t WHERE x IN (SELECT y FROM u)',
      [
        ['t', null],
        ['u', null],
      ],
    ],
    ['SELECT 1 FROM', []],
    ['SELECT * FROM (SELECT 1)', []],
  ])('%s', (sql, expected) => expect(names(sql)).toEqual(expected));
});

describe('what safe mode asks about', () => {
  const reasons = (sql: string) => dangersOf(splitStatements(sql)).map(({ reason }) => reason);

  test.each([
    ['UPDATE t SET x = 1', ['UPDATE without WHERE changes every row']],
    ['UPDATE t SET x = (SELECT 1 FROM u WHERE y)', ['UPDATE without WHERE changes every row']],
    ['UPDATE t SET x = 1 WHERE id = 2', []],
    ["UPDATE t SET x = ' WHERE '", ['UPDATE without WHERE changes every row']],
    ['DELETE FROM t; SELECT 1', ['DELETE without WHERE changes every row']],
    ['WITH c AS (SELECT 1 WHERE 1) DELETE FROM t', ['DELETE without WHERE changes every row']],
    ['WITH c AS (SELECT 1) DELETE FROM t WHERE x', []],
    ['DROP TABLE t', ['DROP TABLE cannot be undone']],
    ['ALTER TABLE t DROP COLUMN x', ['ALTER TABLE ... DROP COLUMN removes the values of every row']],
    ['SELECT 1; INSERT INTO t VALUES (1)', []],
  ])('%s', (sql, expected) => expect(reasons(sql)).toEqual(expected));
});
