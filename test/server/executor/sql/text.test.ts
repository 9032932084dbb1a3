// Text that is no UTF-8, as native programs store it: what SQL over HTTP answers is never a guess.
import { execFileSync } from 'node:child_process';
import { afterAll, expect, test } from 'vitest';
import { GuardedDatabase } from '../../../helpers/guarded-database.ts';

const db = new GuardedDatabase(`
  CREATE TABLE t (id INTEGER PRIMARY KEY, a);
  INSERT INTO t VALUES (1, CAST(x'61ff' AS TEXT)), (2, 'a' || char(65533)), (3, 'plain');
`);
const bytes = Buffer.from('61ff', 'hex').toString('base64');

afterAll(() => db.close());

test.each([
  'SELECT id, a FROM t ORDER BY id',
  'UPDATE t SET id = id RETURNING id, a',
  'INSERT OR REPLACE INTO t SELECT * FROM t ORDER BY id RETURNING id, a',
  'SELECT id, (SELECT a FROM t u WHERE u.id = t.id) FROM t ORDER BY id',
])('%s answers bytes for the one text that is no UTF-8', (sql) => {
  expect(db.sql(sql).rows).toEqual([
    [1, bytes],
    [2, 'a\ufffd'],
    [3, 'plain'],
  ]);
});

test('more columns than a statement could have twice are read as well', () => {
  const columns = Array.from({ length: 1_500 }, () => 'a').join(', ');
  const { rows } = db.sql(`SELECT ${columns} FROM t WHERE id < 3 ORDER BY id`);
  expect(rows.map((row) => [...new Set(row)])).toEqual([[bytes], ['a\ufffd']]);
});

test('PRAGMA answers bytes as well', () => {
  execFileSync('sqlite3', [db.path], { input: Buffer.from("CREATE TABLE latin (a DEFAULT '\xff')", 'latin1') });
  const quoted = Buffer.from("'\xff'", 'latin1').toString('base64');
  expect(db.sql('PRAGMA table_info(latin)').rows).toEqual([[0, 'a', '', 0, quoted, 0]]);
});

test('the rows of statements inside a statement are not taken for its own', () => {
  db.connection.database.exec('CREATE VIRTUAL TABLE f USING fts5(a)');
  expect(db.sql('INSERT INTO f SELECT a FROM t RETURNING a').rows).toEqual([[bytes], ['a\ufffd'], ['plain']]);
  expect(db.sql("SELECT a FROM f WHERE f MATCH 'a*' ORDER BY rowid").rows).toEqual([[bytes], ['a\ufffd']]);
});
