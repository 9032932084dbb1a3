// What another program does to the schema while an executor has the database open shows in the next answer: names of
// columns that are not those of the rows would be a wrong answer.
import Database from 'better-sqlite3';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { Connection } from '../../../../server/executor/connection.ts';
import { findTable, openTable } from '../../../../server/executor/kv/table/table.ts';
import { operations } from '../../../../server/executor/operations.ts';
import { GuardedDatabase } from '../../../helpers/guarded-database.ts';

let database: GuardedDatabase;
beforeEach(() => {
  database = new GuardedDatabase('CREATE TABLE t(a); INSERT INTO t VALUES (1)');
});
afterEach(() => database.close());

/** The body of an operation's answer, or of its reply. */
function answerOf(operation: string, args: object): { results: unknown[]; resultSet: unknown } {
  const answer = operations.get(operation)?.run(database.connection, args, {} as never);
  const { body } = ((answer as { reply?: object }).reply ?? answer) as { body: string };
  return JSON.parse(body);
}

function post(...items: object[]): unknown {
  const args = { body: Buffer.from(JSON.stringify({ transaction: items })), clientIp: '' };
  return (answerOf('sql.transaction', args).results.at(-1) as { resultSet: unknown }).resultSet;
}

interface StudioRows {
  readonly columns: readonly string[];
  readonly rows: readonly { readonly int: string }[][];
}

function studio(sql: string): unknown {
  const args = { request: { sql, readOnly: true }, clientIp: '' };
  const { columns, rows } = answerOf('studio.readingSql', args).results[0] as StudioRows;
  return rows.map((row) => Object.fromEntries(row.map(({ int }, at) => [columns[at], Number(int)])));
}

const select = 'SELECT * FROM t';
test.each<[string, () => unknown]>([
  ['POST /db', () => post({ query: select })],
  ['POST /db with a setting', () => post({ statement: 'PRAGMA user_version=1' }, { query: select })],
  ['GET /query', () => answerOf('sql.shareable', { sql: select }).resultSet],
  ['the studio', () => studio(select)],
])('%s names the columns that another program has added', (_, ask) => {
  expect(ask()).toEqual([{ a: 1 }]);
  const other = new Database(database.path);
  other.exec('ALTER TABLE t ADD COLUMN b DEFAULT 2');
  other.close();
  expect(ask()).toEqual([{ a: 1, b: 2 }]);
});

test('a schema that was rolled back at COMMIT is not taken for one of the same version that another program makes', () => {
  database.connection.database.exec(
    'CREATE TABLE parent(id INTEGER PRIMARY KEY); CREATE TABLE child(p REFERENCES parent DEFERRABLE INITIALLY DEFERRED)',
  );
  const before = database.rows('PRAGMA schema_version')[0]?.[0] as number;
  const items = ['PRAGMA foreign_keys=ON', 'CREATE TABLE made(a)', 'INSERT INTO child VALUES (1)'];
  expect(database.sql(...items).code).toBe('SQL_CONSTRAINT');
  const other = new Connection(new Database(database.path), database.path, '');
  openTable(other, 'another_store');
  other.database.unsafeMode();
  other.database.pragma(`schema_version = ${before + 1}`);
  other.close();
  expect(findTable(database.connection, 'another_store').exists).toBe(true);
});
