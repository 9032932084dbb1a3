// Whether a database has changed: what its files look like and the version of its schema. A commit in WAL mode changes
// the WAL, another one the file.
import { statSync } from 'node:fs';
import type { Pulse } from '../../messages/operations/studio.ts';
import type { Connection } from '../connection.ts';
import { schemaVersion } from './schema.ts';

export function pulse(connection: Connection): Pulse {
  const files = ['', '-wal'].map((suffix) => {
    const stat = statSync(connection.path + suffix, { bigint: true, throwIfNoEntry: false });
    // An empty log holds no commit: whoever opens the database makes a new one.
    return stat === undefined || stat.size === 0n
      ? '-'
      : `${stat.ino.toString(36)}.${stat.size.toString(36)}.${stat.mtimeNs.toString(36)}`;
  });
  return { schemaVersion: schemaVersion(connection), files: files.join('_') };
}
