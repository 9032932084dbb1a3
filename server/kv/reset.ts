// Makes every change cursor and ETag of a database invalid: for one that was replaced by a copy, say.
import type { Operation } from '../executors/operation.ts';
import { resetIdentities } from './table.ts';

export const resetChanges: Operation<Record<string, never>, string> = {
  name: 'kv.resetChanges',
  lane: 'kv-write',
  run(connection) {
    resetIdentities(connection);
    return 'ok';
  },
};
