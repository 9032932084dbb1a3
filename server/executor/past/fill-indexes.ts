// Excerpts of states come with indexes that are empty: SQLite would not find by them what their tables hold.
import Database from 'better-sqlite3';
import { quoteName } from '../kv/table/names.ts';

/** @returns false: an index needs a collation or function that only its own program has */
export function fillIndexes(path: string): boolean {
  const database = new Database(path, { fileMustExist: true });
  try {
    database.exec('PRAGMA journal_mode=MEMORY; PRAGMA synchronous=OFF; BEGIN IMMEDIATE');
    for (const table of indexedTables(database)) database.exec(`REINDEX ${table}`);
    database.exec('COMMIT');
    return true;
  } catch (error) {
    if (error instanceof Database.SqliteError && error.code === 'SQLITE_ERROR') return false;
    throw error;
  } finally {
    database.close();
  }
}

/** As SQL. Those of virtual tables are tables too. */
function indexedTables(database: Database.Database): string[] {
  const sql = `SELECT tbl_name FROM sqlite_schema WHERE type = 'index' GROUP BY tbl_name`;
  return database
    .prepare(sql)
    .pluck()
    .all()
    .map((name) => `main.${quoteName(String(name))}`);
}
