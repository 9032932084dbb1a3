// Whether a database has changed is not told by who looks at it.
import { afterEach, beforeEach, expect, test } from 'vitest';
import { pulse } from '../../../../server/executor/studio/pulse.ts';
import { GuardedDatabase } from '../../../helpers/guarded-database.ts';

let database: GuardedDatabase;
beforeEach(() => {
  database = new GuardedDatabase('CREATE TABLE t(a)');
});
afterEach(() => database.close());

/** As an executor that has the database open only now: its log is there, and empty. */
function lookAnew(): string {
  database.reopen();
  pulse(database.connection);
  return pulse(database.connection).files;
}

test('a database that is opened anew has not changed, and one that was written has', () => {
  const before = lookAnew();
  expect(lookAnew()).toBe(before);
  database.sql('INSERT INTO t VALUES (1)');
  expect(pulse(database.connection).files).not.toBe(before);
  expect(lookAnew()).not.toBe(before);
});
