// A consistent copy of the whole database, compacted, as one file without sidecars.
import { ApiError } from '../../messages/errors.ts';
import type { Connection } from '../connection.ts';
import { actAs } from '../guard/guard.ts';

/** `path` must not exist. */
export function copyTo({ database }: Connection, path: string): void {
  try {
    actAs('maintenance', () => database.prepare('VACUUM INTO ?').run(path));
  } catch (cause) {
    if (!(cause instanceof Error && 'code' in cause && cause.code === 'SQLITE_FULL')) throw cause;
    const message = 'there is no room for the copy in the directory for temporary files (TMPDIR)';
    throw new ApiError('RESPONSE_TOO_LARGE', message, { cause });
  }
}
