import { describe, expect, test } from 'vitest';
import { bodyMayLeaveWal, bodySeemsToRead, readsOnly, seemsToRead } from '../../../server/messages/sql-reading.ts';
import { splitStatements } from '../../../server/messages/sql-statements.ts';

const reading = [
  'SELECT 1',
  ' \n/* why */ select * from t -- what\n',
  'WITH r(x) AS (SELECT 1) SELECT * FROM r',
  'VALUES (1), (2)',
  'EXPLAIN QUERY PLAN SELECT * FROM t',
  "SELECT * FROM log WHERE action = 'delete' OR note LIKE '%update me%'",
  'SELECT "update", [delete] FROM t',
  "SELECT replace(a, 'x', 'y') FROM t",
  'SELECT CASE a WHEN 1 THEN 2 END FROM t; SELECT 2',
  'SELECT changes FROM t',
  'PRAGMA table_info(t)',
  'PRAGMA user_version',
  "SELECT * FROM pragma_table_info('t')",
];
const writing = [
  'INSERT INTO t VALUES (1)',
  'SELECT 1; DELETE FROM t',
  'WITH r AS (SELECT 1) INSERT INTO t SELECT * FROM r',
  '/* SELECT */ UPDATE t SET a = 1',
  'CREATE TEMP TABLE x (a)',
  'PRAGMA user_version = 2',
  'PRAGMA journal_mode',
  'PRAGMA "journal_mode"',
  'PRAGMA main.wal_checkpoint',
  'PRAGMA wal_checkpoint',
  'PRAGMA optimize',
  'PRAGMA incremental_vacuum',
  'BEGIN',
  // What this connection has written.
  'SELECT changes()',
  'SELECT "last_insert_rowid" ()',
  'WITH r AS (SELECT total_changes() AS n) SELECT n FROM r',
];

test.each(reading)('%s only reads', (script) => {
  expect(splitStatements(script).every(readsOnly)).toBe(true);
  expect(seemsToRead(script)).toBe(true);
  expect(bodySeemsToRead(body({ query: script }))).toBe(true);
});

test.each(writing)('%s may write', (script) => {
  expect(splitStatements(script).every(readsOnly)).toBe(false);
  expect(seemsToRead(script)).toBe(false);
  expect(bodySeemsToRead(body({ statement: script }))).toBe(false);
});

describe('a body', () => {
  test('reads when all of its items do, wherever they stand', () => {
    expect(bodySeemsToRead(body({ query: 'SELECT 1' }, { sql: 'INSERT INTO t VALUES (1)' }))).toBe(false);
    const wrapped = { transaction: { transaction: [{ query: 'SELECT ?', values: ['delete from t'] }] } };
    expect(bodySeemsToRead(Buffer.from(JSON.stringify(wrapped)))).toBe(true);
  });

  test('of rows of values writes', () => {
    expect(bodySeemsToRead(body({ statement: "SELECT 'update', ?", valuesBatch: [[1]] }))).toBe(false);
  });

  test('that is no JSON, or is long and looks as if it wrote, counts as writing', () => {
    expect(bodySeemsToRead(Buffer.from('{"update'))).toBe(false);
    const long = 'x'.repeat(32 * 1024);
    expect(bodySeemsToRead(body({ query: 'SELECT ?', values: [long] }))).toBe(true);
    expect(bodySeemsToRead(body({ query: 'SELECT ?', values: [`${long} update`] }))).toBe(false);
    expect(bodySeemsToRead(body({ query: 'SELECT ?', values: ['x'.repeat(2 * 1024 * 1024)] }))).toBe(false);
  });

  test('that sets the journal mode may end WAL mode; one that asks for it does not', () => {
    const answers = ['PRAGMA journal_mode=DELETE', 'PRAGMA "journal_mode" (delete)', 'PRAGMA journal_mode'].map((sql) =>
      bodyMayLeaveWal(body({ statement: sql })),
    );
    expect(answers).toEqual([true, true, false]);
  });
});

function body(...transaction: readonly object[]): Buffer {
  return Buffer.from(JSON.stringify({ transaction }));
}
