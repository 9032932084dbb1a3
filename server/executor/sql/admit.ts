// How a statement of a user gets to SQLite: its words are checked, then it is prepared and run under the rules of
// guard/.

import type { Statement } from '../../messages/sql-statements.ts';
import type { Connection } from '../connection.ts';
import { actAs, findGuard, Guard, takeTaint } from '../guard/guard.ts';
import type { Who } from '../guard/rules.ts';
import { refuseUnknown, taints } from './allow-list.ts';
import { checkWords } from './guard.ts';

/** @throws ApiError for what is refused */
export function admit(connection: Connection, statement: Statement): void {
  checkWords(statement);
  if (findGuard() instanceof Guard) return;
  refuseUnknown(statement);
  if (taints(statement)) connection.isTainted = true;
}

/**
 * Prepares and runs as `who`; a connection that keeps something of it is marked. @throws ApiError for what is refused
 */
export function runAs<Result>(connection: Connection, who: Who, work: () => Result): Result {
  try {
    return actAs(who, work);
  } finally {
    if (takeTaint()) connection.isTainted = true;
  }
}
