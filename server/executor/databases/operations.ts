// Maintenance of one open database. Runs in the executor.

import { rmSync } from 'node:fs';
import { dirname } from 'node:path';
import { ApiError } from '../../messages/errors.ts';
import { database } from '../../messages/operations/database.ts';
import { isInside } from '../../messages/paths.ts';
import { checkPathLength, findFile, makeDirectory } from '../files.ts';
import { actAs } from '../guard/guard.ts';
import { type AnyImplementation, implement } from '../implementation.ts';
import { sqliteCode } from '../sql/sqlite-errors.ts';

export const quickCheck = implement(database.quickCheck, ({ database }) => {
  const rows = database.pragma('quick_check') as { readonly quick_check: string }[];
  return rows.map((row) => row.quick_check).join('\n');
});

export const checkpoint = implement(database.checkpoint, ({ database }) => {
  const [row] = database.pragma('wal_checkpoint(TRUNCATE)') as { readonly busy: number }[];
  if (row?.busy === 1) throw new ApiError('CONFLICT', 'the write-ahead log is in use; try again');
  return 'ok';
});

/** Copies the database, compacted, to a path that must not exist. Its directory is made. */
export const vacuumInto = implement(database.vacuumInto, ({ database, announce }, { destination }, rules) => {
  checkPathLength(destination);
  if (rules.allowAnyAbsoluteDbPath || isInside(destination, rules.root)) {
    makeDirectory(dirname(destination));
  }
  const file = findFile(destination, rules);
  if (file.identity !== null) throw new ApiError('CONFLICT', 'the destination exists');
  // A copy that has begun is finished.
  announce('writing');
  try {
    actAs('maintenance', () => database.prepare('VACUUM INTO ?').run(file.path));
  } catch (error) {
    // Half a copy looks like a whole one, and is in the way of the next try.
    if (!/^$|^SQLITE_(ERROR|CANTOPEN)/.test(sqliteCode(error))) rmSync(file.path, { force: true });
    throw error;
  }
  return 'ok';
});

export const databaseOperations: readonly AnyImplementation[] = [quickCheck, checkpoint, vacuumInto];
