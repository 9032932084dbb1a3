// drizzle-orm on better-sqlite3 with default settings: every process migrates the new database at its start, as its
// manual shows, and inserts a row. Both together are one commit of the table.
//   drizzle.mjs create FILE JOURNAL | work FILE 1
import Database from 'better-sqlite3';
import { drizzle } from 'drizzle-orm/better-sqlite3';
import { migrate } from 'drizzle-orm/better-sqlite3/migrator';
import { integer, sqliteTable } from 'drizzle-orm/sqlite-core';
import { report, waitForSignal } from './signal-line.mjs';

const entries = sqliteTable('entries', { id: integer('id').primaryKey(), balance: integer('balance').notNull() });
const [what, file, value] = process.argv.slice(2);

async function work() {
  const errors = [];
  await waitForSignal();
  try {
    const db = drizzle(new Database(file));
    migrate(db, { migrationsFolder: new URL('drizzle', import.meta.url).pathname });
    db.insert(entries).values({ balance: 1 }).run();
  } catch (error) {
    errors.push(error.cause?.message ?? error.message);
  }
  report(1, errors);
}

if (what === 'create') new Database(file).pragma(`journal_mode = ${value}`);
else await work();
