// Maintenance of one database. Done in executor/databases/ and executor/kv/.
import { declare, type NoArgs } from '../operation.ts';
import type { Reply } from '../reply.ts';

export const database = {
  /** What PRAGMA quick_check says, a line each; 'ok' where all is well. */
  quickCheck: declare<NoArgs, string>('database.quickCheck', 'sql-read'),

  /** @throws ApiError CONFLICT while somebody uses the write-ahead log */
  checkpoint: declare<NoArgs, string>('database.checkpoint', 'sql'),

  /** Copies the database, compacted, to a path that must not exist. Its directory is made. */
  vacuumInto: declare<{ readonly destination: string }, string>('database.vacuumInto', 'sql-read'),

  /** How much room values, history, change feed and free pages take. */
  stats: declare<NoArgs, Reply>('database.stats', 'sql-read'),

  /** Makes every change cursor and ETag invalid: for a database that was replaced by a copy. */
  resetChanges: declare<NoArgs, string>('database.resetChanges', 'kv-write'),
} as const;
