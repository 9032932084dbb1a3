// A consistent copy of the whole database, compacted, as one file without sidecars.
import { bytesToSpare, noRoom } from '../../messages/temporary-room.ts';
import type { Connection } from '../connection.ts';
import { actAs } from '../guard/guard.ts';

/** `path` must not exist. */
export function copyTo({ database }: Connection, path: string, spare = bytesToSpare): void {
  const pages = Number(database.pragma('page_count', { simple: true }));
  const bytes = pages * Number(database.pragma('page_size', { simple: true }));
  if (bytes > spare(path)) throw noRoom('RESPONSE_TOO_LARGE');
  try {
    actAs('maintenance', () => database.prepare('VACUUM INTO ?').run(path));
  } catch (cause) {
    if (cause instanceof Error && 'code' in cause && cause.code === 'SQLITE_FULL')
      throw noRoom('RESPONSE_TOO_LARGE', cause);
    throw cause;
  }
}
