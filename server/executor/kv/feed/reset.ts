// Makes every change cursor and ETag of a database invalid: for one that was replaced by a copy, say.
import type { Operation } from '../../../messages/operation.ts';
import { resetIdentities } from '../table/table.ts';

export const resetChanges: Operation<Record<string, never>, string> = {
  name: 'kv.resetChanges',
  lane: 'kv-write',
  run(connection) {
    resetIdentities(connection);
    return 'ok';
  },
};
