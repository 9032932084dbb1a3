// Whoever may only read writes nothing, however it is asked: SQL, plans, exports, and the expression of a filter.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { exportTo } from '../../../../server/executor/studio/export.ts';
import { inRead } from '../../../../server/executor/studio/reading.ts';
import { readPage } from '../../../../server/executor/studio/rows.ts';
import { explain, runSql } from '../../../../server/executor/studio/sql.ts';
import { GuardedDatabase } from '../../../helpers/guarded-database.ts';

const folder = mkdtempSync(join(tmpdir(), 'hoody-studio-reading-'));
let db: GuardedDatabase;
beforeAll(() => {
  db = new GuardedDatabase(`CREATE TABLE t (x); INSERT INTO t VALUES (1);
    CREATE VIRTUAL TABLE search USING fts5 (body); INSERT INTO search VALUES ('hello');`);
});
afterAll(() => {
  db.close();
  rmSync(folder, { recursive: true });
});

const writing = [
  'INSERT INTO t VALUES (2)',
  'INSERT INTO t VALUES (2) RETURNING x',
  'WITH w(x) AS (SELECT 3) INSERT INTO t SELECT x FROM w RETURNING x',
  'UPDATE t SET x = 2',
  'DELETE FROM t',
  'CREATE TABLE made (x)',
  'CREATE TEMP TABLE made (x)',
  'CREATE TEMP TRIGGER made AFTER INSERT ON t BEGIN SELECT 1; END',
  'DROP TABLE t',
  'ALTER TABLE t ADD COLUMN y',
  'ANALYZE',
  'REINDEX',
  'VACUUM',
  `VACUUM INTO '${folder}/other.db'`,
  `ATTACH '${folder}/other.db' AS other`,
  'BEGIN; INSERT INTO t VALUES (2); COMMIT',
  'COMMIT; INSERT INTO t VALUES (2)',
  "INSERT INTO search (search) VALUES ('rebuild')",
  'PRAGMA user_version = 7',
  'PRAGMA application_id = 7',
  'PRAGMA query_only = OFF',
  'PRAGMA query_only(0); INSERT INTO t VALUES (2)',
  'PRAGMA writable_schema = ON',
  'PRAGMA journal_mode = DELETE',
  'PRAGMA foreign_keys = ON',
  'PRAGMA optimize',
  'PRAGMA wal_checkpoint(TRUNCATE)',
  'PRAGMA incremental_vacuum',
  "SELECT * FROM pragma_journal_mode('delete')",
  "SELECT * FROM pragma_user_version('7')",
  'EXPLAIN PRAGMA query_only = OFF',
  'EXPLAIN PRAGMA foreign_keys = ON',
];

function state(): unknown {
  const { database } = db.connection;
  const pragmas = ['user_version', 'application_id', 'journal_mode', 'foreign_keys', 'query_only', 'schema_version'];
  return [
    db.rows('SELECT * FROM t'),
    db.rows('SELECT name FROM sqlite_schema'),
    db.rows('SELECT name FROM sqlite_temp_schema'),
    db.rows('PRAGMA database_list').length,
    pragmas.map((name) => database.pragma(name, { simple: true })),
  ];
}

test.each(writing)('%s', (sql) => {
  const before = state();
  let file = 0;
  const ways = [
    () => runSql(db.connection, { sql, readOnly: true }, ''),
    () => runSql(db.connection, { sql: `SELECT 1; ${sql}`, readOnly: true }, ''),
    () => inRead(db.connection, () => explain(db.connection, { sql })),
    () => inRead(db.connection, () => explain(db.connection, { sql: `EXPLAIN ${sql}` })),
    () => {
      file += 1;
      const path = join(folder, `export-${file}-${writing.indexOf(sql)}`);
      return inRead(db.connection, () => exportTo(db.connection, { format: 'csv', source: { sql } }, path));
    },
    () => inRead(db.connection, () => readPage(db.connection, { table: 't', where: sql })),
  ];
  for (const way of ways) {
    try {
      way();
    } catch (error) {
      expect(error).toBeInstanceOf(Error);
    }
    expect(state()).toEqual(before);
  }
});

test.each([
  '1) OR (1',
  '1) UNION SELECT sql FROM sqlite_schema --',
  '1; DELETE FROM t',
  '1 /*',
  "'",
  '"',
  '[',
  '1 LIMIT 0',
  'x = ?',
  '(SELECT count(*) FROM "hoody:kv_meta") > 0',
  "(SELECT count(*) FROM 'hoody:kv_log:kv_store') >= 0",
  '',
])('the expression %s stays in its place', (where) => {
  const page = () => inRead(db.connection, () => readPage(db.connection, { table: 't', where })).rows;
  expect(page).toThrow();
});

test('an expression may look into other tables and end with a comment', () => {
  const page = (where: string) => inRead(db.connection, () => readPage(db.connection, { table: 't', where })).rows;
  expect(page('x IN (SELECT 1) -- those')).toHaveLength(1);
  expect(page('x = 2 OR x IS NULL')).toHaveLength(0);
});
