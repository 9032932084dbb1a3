// Makes every change cursor and ETag of a database invalid: for one that was replaced by a copy, say.

import { database } from '../../../messages/operations/database.ts';
import { implement } from '../../implementation.ts';
import { resetIdentities } from '../table/table.ts';

export const resetChanges = implement(database.resetChanges, (connection) => {
  resetIdentities(connection);
  return 'ok';
});
