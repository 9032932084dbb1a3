// How the studio writes: one transaction, which holds the write lock from its begin, and names the client in the log of
// the key-value tables.
import type { Connection } from '../connection.ts';
import { endInterrupts } from '../interrupts.ts';
import { expectLogEnds, forgetLogs, logEnds, nameRowsSince } from '../kv/upkeep/native-rows.ts';
import { interrupted } from '../sql/sqlite-errors.ts';

export interface WriteOptions {
  readonly clientIp: string;
  /** Run and roll back. */
  readonly dryRun: boolean;
  /** Rows that are edited one by one keep what a schema promises. SQL of users has SQLite's default: off. */
  readonly foreignKeys: boolean;
}

export function inWrite<Result>(connection: Connection, options: WriteOptions, work: () => Result): Result {
  const { database } = connection;
  expectLogEnds(connection);
  if (options.foreignKeys) database.pragma('foreign_keys=ON');
  try {
    database.exec('BEGIN IMMEDIATE');
    connection.announce('writing');
    const ends = logEnds(connection);
    const result = work();
    if (options.dryRun) return result;
    nameRowsSince(connection, ends, options.clientIp);
    connection.announce('committing');
    database.exec('COMMIT');
    connection.announce('committed');
    return result;
  } catch (error) {
    forgetLogs(connection);
    connection.rollBack();
    if (endInterrupts()) throw interrupted(error);
    throw error;
  } finally {
    if (database.inTransaction) forgetLogs(connection);
    connection.rollBack();
    if (options.foreignKeys) database.pragma('foreign_keys=OFF');
  }
}
