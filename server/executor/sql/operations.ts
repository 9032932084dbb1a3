// The SQL operations, for the executor's table.
import { sql } from '../../messages/operations/sql.ts';
import { type AnyImplementation, implement } from '../implementation.ts';
import { answerOrHandBack } from './hand-back.ts';
import { runShareable } from './shareable.ts';
import { runTransaction } from './transaction.ts';

export const sqlOperations: readonly AnyImplementation[] = [
  implement(sql.transaction, (connection, args) => runTransaction(connection, args.body, args.clientIp)),
  implement(sql.readingTransaction, (connection, args) =>
    answerOrHandBack(connection, runTransaction(connection, args.body, args.clientIp)),
  ),
  implement(sql.shareable, (connection, args) => runShareable(connection, args.sql)),
] as readonly AnyImplementation[];
