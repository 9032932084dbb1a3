// The SQL operations, for the executor's table.
import { sql, type TransactionAnswer, type TransactionArgs } from '../../messages/operations/sql.ts';
import type { Connection } from '../connection.ts';
import { type AnyImplementation, implementShared, type SharedWork } from '../implementation.ts';
import { answerOrHandBack } from './hand-back.ts';
import { isPlainQuery, runShareable } from './shareable.ts';
import { readTransaction, runTransaction } from './transaction.ts';

export const sqlOperations: readonly AnyImplementation[] = [
  implementShared(
    sql.transaction,
    (connection, args) => runTransaction(connection, args.body, args.clientIp),
    (connection, args) => shareTransaction(connection, args, true),
  ),
  implementShared(
    sql.readingTransaction,
    (connection, args) => answerOrHandBack(connection, runTransaction(connection, args.body, args.clientIp)),
    (connection, args) => shareTransaction(connection, args, false),
  ),
  implementShared(
    sql.shareable,
    (connection, args) => runShareable(connection, args.sql),
    (connection, args) => {
      if (!isPlainQuery(args.sql)) return null;
      return { run: () => runShareable(connection, args.sql), isUndone: () => false, isWrite: false };
    },
  ),
] as readonly AnyImplementation[];

/** Who only reads waits for no write lock, and who writes needs one. */
function shareTransaction(connection: Connection, args: TransactionArgs, isWrite: boolean): SharedWork | null {
  const transaction = readTransaction(connection, args.body, args.clientIp);
  if (!transaction.isPlain || transaction.writes !== isWrite) return null;
  return {
    run: () => {
      const answer = transaction.runInside();
      return isWrite ? answer : answerOrHandBack(connection, answer);
    },
    isUndone: (answer) => (answer as TransactionAnswer).error !== null,
    isWrite,
  };
}
