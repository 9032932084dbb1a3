// What clients are told when the disk or the file of a database has failed.
import Database from 'better-sqlite3';
import { expect, test } from 'vitest';
import { jobToApiError } from '../../../../server/executor/sql/sqlite-errors.ts';

test('a database that cannot grow says that there is no room', () => {
  const database = new Database(':memory:');
  database.exec('CREATE TABLE t (a); PRAGMA max_page_count = 3');
  let thrown: unknown;
  try {
    database.exec('INSERT INTO t VALUES (randomblob(100000))');
  } catch (error) {
    thrown = error;
  }
  expect(jobToApiError(thrown)).toMatchObject({ code: 'DATABASE_ERROR', message: 'there is no room on the disk' });
  database.close();
});
