// The frame of every KV operation: arguments that all of them share, the table found or made, idempotent replays.

import { ApiError } from '../../../messages/errors.ts';
import { kvLimits } from '../../../messages/kv-limits.ts';
import type { Idempotency, WriteArgs } from '../../../messages/operations/kv.ts';
import type { Reply } from '../../../messages/reply.ts';
import type { Connection } from '../../connection.ts';
import { idempotencyTable, quoteName } from '../table/names.ts';
import { forgetTables, openTable } from '../table/table.ts';
import type { Writer } from './writer.ts';

interface StoredReply {
  readonly request: string;
  readonly response: string;
}

/** Runs a write inside the transaction (and savepoint) that the executor opened. */
export function runWrite(connection: Connection, args: WriteArgs, write: (writer: Writer) => Reply): Reply {
  try {
    const table = openTable(connection, args.table);
    const replayed = args.idempotency === undefined ? null : replay(connection, args.idempotency);
    if (replayed !== null) return replayed;
    const reply = write({ connection, table, isRecorded: args.history, clientIp: args.clientIp });
    if (args.idempotency !== undefined) remember(connection, args.idempotency, reply);
    return reply;
  } catch (error) {
    forgetTables(connection);
    throw error;
  }
}

/** Some replies that are no longer kept. */
export function oldReplies(connection: Connection): string[] {
  return connection
    .statement(`SELECT id FROM ${quoteName(idempotencyTable)} WHERE expire_at < ? LIMIT 500`)
    .pluck()
    .all(connection.nowSeconds()) as string[];
}

export function forgetReply(connection: Connection, id: string): void {
  connection
    .statement(`DELETE FROM ${quoteName(idempotencyTable)} WHERE id = ? AND expire_at < ?`)
    .run(id, connection.nowSeconds());
}

function replay(connection: Connection, { key, request }: Idempotency): Reply | null {
  const stored = connection
    .statement(`SELECT request, response FROM ${quoteName(idempotencyTable)} WHERE id = ? AND expire_at >= ?`)
    .get(key, connection.nowSeconds()) as StoredReply | undefined;
  if (stored === undefined) return null;
  if (stored.request !== request) {
    throw new ApiError('IDEMPOTENCY_KEY_MISMATCH', 'this Idempotency-Key was used for a different request');
  }
  const reply = JSON.parse(stored.response) as Reply;
  return { ...reply, headers: { ...reply.headers, 'idempotent-replayed': 'true' } };
}

function remember(connection: Connection, { key, request }: Idempotency, reply: Reply): void {
  const response = JSON.stringify(reply);
  if (Buffer.byteLength(response) > kvLimits.idempotentAnswerBytes) {
    throw new ApiError(
      'IDEMPOTENT_RESPONSE_TOO_LARGE',
      `the answer is larger than the ${kvLimits.idempotentAnswerBytes} bytes kept for a replay; nothing was written`,
    );
  }
  connection
    .statement(
      `INSERT OR REPLACE INTO ${quoteName(idempotencyTable)} (id, request, response, expire_at) VALUES (?, ?, ?, ?)`,
    )
    .run(key, request, response, connection.nowSeconds() + kvLimits.idempotencySeconds);
}
