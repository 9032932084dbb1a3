// Whether better-sqlite3 can be used at all: its compiled half is fetched or built when packages are installed, and an
// installation without it would start, say ready, and answer every request with an error.
import { messageOf } from '../errors.ts';

export interface MissingBinding {
  readonly reason: string;
  readonly fix: string;
}

/** Loads it and opens a database in memory. */
export async function findSqlite(): Promise<{ readonly version: string } | MissingBinding> {
  try {
    const { default: Database } = await import('better-sqlite3');
    const database = new Database(':memory:');
    try {
      return { version: database.prepare('SELECT sqlite_version()').pluck().get() as string };
    } finally {
      database.close();
    }
  } catch (error) {
    return {
      reason: messageOf(error).split('\n')[0] ?? '',
      fix: 'apt-get install -y python3 make g++ && npm rebuild better-sqlite3, in the folder of the program',
    };
  }
}
