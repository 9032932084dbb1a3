// Statements of users that stay prepared on a connection. What their columns are called is asked before they run, and
// SQLite notices only in the run that the schema has changed: so they stay no longer than the schema.
import type { Statement as Prepared } from 'better-sqlite3';
import { limits } from '../../messages/limits.ts';
import type { Statement } from '../../messages/sql-statements.ts';
import type { Connection } from '../connection.ts';
import { prepare } from './prepare.ts';
import { isBusy } from './sqlite-errors.ts';

interface Kept {
  readonly schemaVersion: number;
  readonly byText: Map<string, Prepared>;
}

const keptChars = 4_096;
const kept = new WeakMap<Connection, Kept>();

/**
 * To be called when a transaction has begun, before its first statement is prepared.
 * @throws SqliteError where it is locked
 */
export function confirmSchema(connection: Connection): void {
  const { statement } = connection;
  try {
    const schemaVersion = statement('PRAGMA schema_version').pluck().get() as number;
    if (kept.get(connection)?.schemaVersion === schemaVersion) return;
    // SQLite compares its own picture of the schema with the file when a statement runs, and only then.
    statement('SELECT 1 FROM sqlite_master').get();
    kept.set(connection, { schemaVersion, byText: new Map() });
  } catch (error) {
    forgetPrepared(connection);
    if (isBusy(error)) throw error;
    // What else is wrong with the file is said by the client's own statement.
  }
}

/** To be called before SQL that may change the schema. */
export function forgetPrepared(connection: Connection): void {
  kept.delete(connection);
}

/** As prepare(); `who`: whose rules it was judged by. Only of plain scripts, after confirmSchema(). */
export function prepareOnce(connection: Connection, who: 'sql' | 'query', statement: Statement): Prepared {
  const byText = kept.get(connection)?.byText;
  if (byText === undefined || statement.sql.length > keptChars) return prepare(connection.database, statement);
  const name = `${who} ${statement.sql}`;
  const known = byText.get(name);
  if (known !== undefined) return known;
  const made = prepare(connection.database, statement);
  if (byText.size >= limits.statementsPerConnection) byText.clear();
  byText.set(name, made);
  return made;
}
