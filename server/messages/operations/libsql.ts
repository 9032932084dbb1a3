// Requests of libSQL clients: Hrana, the protocol of streams. executor/libsql/ does it.
import { declare } from '../operation.ts';
import type { ItemRecord } from './sql.ts';

/** A text of SQL, and the number under which a client has stored it. */
export type StoredText = readonly [sqlId: number, text: string];

export interface StreamArgs {
  /** JSON, as the client has sent it. */
  readonly body: Uint8Array;
  /** `cursor`: the body is one batch, and the answer a line for each entry. */
  readonly form: 'pipeline' | 'cursor';
  readonly clientIp: string;
  /** What writes is refused. */
  readonly readOnly: boolean;
  /** By earlier requests of the stream; absent in a session, which knows them. */
  readonly stored?: readonly StoredText[];
}

export interface StreamAnswer {
  /** Of a pipeline: the results as a JSON array. Of a cursor: its entries, one JSON text a line. */
  readonly body: string;
  readonly records: readonly ItemRecord[];
  readonly wrote: boolean;
  /** For later requests. Only where no transaction is open. */
  readonly stored: readonly StoredText[];
}

/** Requests of a stream whose transaction goes on between them. */
export interface SessionArgs extends StreamArgs {
  /** No transaction is open yet. */
  readonly isFirst: boolean;
  /** `ask`: nothing runs of a request that may write. `refuse`: its statements that write fail as busy. */
  readonly writing: 'yes' | 'ask' | 'refuse';
}

export interface SessionAnswer extends StreamAnswer {
  readonly isAutocommit: boolean;
}

/** The request may write, and nothing of it has run. */
export interface WriterWanted {
  readonly needs: 'writer';
  /** The transaction has read: what it has seen holds only as long as nobody else writes. */
  readonly hasRead: boolean;
}

/** The request leaves a transaction open, and nothing of it has run. */
export interface StreamRefusal {
  readonly needs: 'session';
}

export const libsql = {
  /** null: something was committed, but the executor died before it could say more. */
  stream: declare<StreamArgs, StreamAnswer | StreamRefusal | null>('libsql.stream', 'sql'),

  /** As `stream`, of a body that seems only to read. */
  readingStream: declare<StreamArgs, StreamAnswer | StreamRefusal | null>('libsql.readingStream', 'sql-read'),

  /** In an executor of its session alone. null: as of `stream`. */
  session: declare<SessionArgs, SessionAnswer | WriterWanted | null>('libsql.session', 'sql'),
} as const;
