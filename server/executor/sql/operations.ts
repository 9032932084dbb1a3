// The SQL operations by name, for the executor's table and for the routes.
import type { AnyOperation, Operation } from '../../messages/operation.ts';
import { runShareable, type ShareableAnswer } from './shareable.ts';
import { runTransaction, type TransactionAnswer } from './transaction.ts';

export interface TransactionArgs {
  readonly body: Uint8Array;
  readonly clientIp: string;
}

/** null: committed, but the executor died before it could say more. */
export const sqlTransaction: Operation<TransactionArgs, TransactionAnswer | null> = {
  name: 'sql.transaction',
  lane: 'sql',
  run: (connection, { body, clientIp }) => runTransaction(connection, body, clientIp),
};

export const sqlShareable: Operation<{ readonly sql: string }, ShareableAnswer> = {
  name: 'sql.shareable',
  lane: 'sql',
  run: (connection, { sql }) => runShareable(connection, sql),
};

export const sqlOperations: readonly AnyOperation[] = [sqlTransaction, sqlShareable];
