// SQL that clients send. executor/sql/ does it.
import type { ErrorData } from '../errors.ts';
import { declareShared } from '../operation.ts';

export interface TransactionArgs {
  readonly body: Uint8Array;
  readonly clientIp: string;
}

/** One item for the query history. */
export interface ItemRecord {
  readonly sql: string;
  readonly isStatement: boolean;
  readonly durationMs: number;
  readonly rowCount: number;
  readonly error: string | null;
}

export interface TransactionAnswer {
  /** The JSON body of a 200. */
  readonly body: string;
  /** Why nothing was committed; `body` is then empty. */
  readonly error: ErrorData | null;
  readonly records: readonly ItemRecord[];
  readonly wrote: boolean;
}

export interface ShareableAnswer {
  readonly body: string;
  readonly rowCount: number;
}

export const sql = {
  /** null: committed, but the executor died before it could say more. */
  transaction: declareShared<TransactionArgs, TransactionAnswer | null>('sql.transaction', 'sql'),

  /** As `transaction`, of a body that seems only to read. */
  readingTransaction: declareShared<TransactionArgs, TransactionAnswer | null>('sql.readingTransaction', 'sql-read'),

  /** One SELECT that was sent in a URL. */
  shareable: declareShared<{ readonly sql: string }, ShareableAnswer>('sql.shareable', 'sql-read'),
} as const;
