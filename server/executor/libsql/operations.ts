// The operations of libSQL streams, for the executor's table.
import { ApiError } from '../../messages/errors.ts';
import { needsWriter } from '../../messages/hand-back.ts';
import {
  libsql,
  type SessionAnswer,
  type SessionArgs,
  type StreamAnswer,
  type StreamArgs,
  type StreamRefusal,
  type WriterWanted,
} from '../../messages/operations/libsql.ts';
import type { Connection } from '../connection.ts';
import { type AnyImplementation, implement } from '../implementation.ts';
import { runCursor, runPipeline } from './answers.ts';
import { leavesOpen, onlyReads, statementsOf } from './plan.ts';
import { decodeCursor, decodePipeline, type StreamRequest } from './request.ts';
import { Stream } from './stream.ts';

export const libsqlOperations: readonly AnyImplementation[] = [
  implement(libsql.stream, runStream),
  implement(libsql.readingStream, runStream),
  implement(libsql.session, runInSession),
] as readonly AnyImplementation[];

/** Streams whose transaction goes on. */
const kept = new WeakMap<Connection, Stream>();

/** A request that is a stream of its own. @throws ApiError for a body that cannot be read: nothing ran then */
function runStream(connection: Connection, args: StreamArgs): StreamAnswer | StreamRefusal {
  const requests = decode(args);
  const stored = new Map(args.stored);
  const statements = statementsOf(requests, (sqlId) => stored.get(sqlId) ?? null);
  if (leavesOpen(requests, statements)) return { needs: 'session' };
  if (connection.mode === 'read' && !args.readOnly && !onlyReads(statements)) throw needsWriter();
  const stream = new Stream(connection, args);
  return whileReading(connection, args, () => {
    try {
      const body = run(stream, args, requests);
      // What was begun and has not ended, because a statement failed, ends with the request.
      stream.end();
      return { body, records: stream.takeRecords(), wrote: connection.hasCommitted, stored: stream.stored };
    } finally {
      stream.end();
    }
  });
}

/** @throws ApiError STREAM_EXPIRED where the transaction is lost */
function runInSession(connection: Connection, args: SessionArgs): SessionAnswer | WriterWanted {
  const stream = args.isFirst ? new Stream(connection, args) : kept.get(connection);
  if (stream === undefined || (!args.isFirst && stream.transaction.isAutocommit)) {
    throw new ApiError('STREAM_EXPIRED', 'the transaction is lost: its database was closed, moved or replaced');
  }
  const requests = decode(args);
  const { transaction } = stream;
  const statements = statementsOf(requests, (sqlId) => stream.storedText(sqlId));
  if (args.writing === 'ask' && transaction.wantsToWrite(statements)) {
    return { needs: 'writer', hasRead: transaction.hasRead };
  }
  stream.handsBack = args.isFirst;
  if (stream.handsBack && connection.mode === 'read' && !args.readOnly && !onlyReads(statements)) throw needsWriter();
  transaction.mayWrite = args.writing !== 'refuse';
  kept.delete(connection);
  connection.isKept = false;
  return whileReading(connection, args, () => {
    try {
      stream.begin();
      const body = run(stream, args, requests);
      const { isAutocommit } = transaction;
      connection.isKept = !isAutocommit;
      const { stored } = stream;
      return { body, records: stream.takeRecords(), wrote: connection.hasCommitted, isAutocommit, stored };
    } finally {
      if (connection.isKept) kept.set(connection, stream);
      else stream.end();
    }
  });
}

function decode({ form, body }: StreamArgs): readonly StreamRequest[] {
  return form === 'cursor' ? decodeCursor(body) : decodePipeline(body);
}

function run(stream: Stream, { form }: StreamArgs, requests: readonly StreamRequest[]): string {
  return form === 'cursor' ? runCursor(stream, requests) : runPipeline(stream, requests);
}

/** Who may only read is kept from writing by SQLite as well. */
function whileReading<Result>({ database }: Connection, { readOnly }: StreamArgs, work: () => Result): Result {
  if (!readOnly) return work();
  database.pragma('query_only=ON');
  try {
    return work();
  } finally {
    database.pragma('query_only=OFF');
  }
}
