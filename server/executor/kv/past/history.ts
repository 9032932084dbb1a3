// The past of one key: its history, its value after an operation or at a time, and the undoing of its newest
// operations.

import { isUtf8 } from 'node:buffer';
import { ApiError } from '../../../messages/errors.ts';
import { kvPast } from '../../../messages/operations/kv-past.ts';
import { json, ReplyBudget } from '../../../messages/reply.ts';
import { implement } from '../../implementation.ts';
import {
  currentState,
  type KeyState,
  type KnownState,
  keyId,
  type LogRow,
  newestRows,
  rowOf,
  stateAfter,
  stateBefore,
} from '../log/log.ts';
import { runWrite } from '../store/request.ts';
import { restoreState, rowForWrite } from '../store/write.ts';
import type { Writer } from '../store/writer.ts';
import { oldTypeCodes } from '../table/codes.ts';
import { quoteName } from '../table/names.ts';
import { lastSecond } from '../table/row.ts';
import { findTable } from '../table/table.ts';
import { rawJson, type StoredValue, valueBytes, valueMembers } from '../table/values.ts';
import { chainGap, checkMoment, stateAt } from './past.ts';

/** A client that is no address: the program that wrote the table itself, and more about it where that is known. */
const nativeClient = 'native';

export const kvHistory = implement(kvPast.history, (connection, { table: name, key, limit }) => {
  const table = findTable(connection, name);
  const id = keyId(connection, table, key);
  const operations: Record<string, unknown>[] = [];
  let after = currentState(connection, table, key);
  const budget = new ReplyBudget();
  for (const row of id === null ? [] : newestRows(connection, table, id)) {
    if (row.op === 'UNRECORDED') after = 'unknown';
    const before = stateBefore(row, after);
    if (row.op !== 'EXPIRED') {
      // Each value stands there twice, as base64 and as what it is.
      for (const value of [storedValue(before), storedValue(after)]) budget.take(value, valueBytes(value));
      operations.push(shownOperation(row, before, after));
    }
    if (operations.length >= limit) break;
    after = before;
  }
  return json({ success: true, key, table: name, count: operations.length, operations });
});

function shownOperation(row: LogRow, before: KeyState, after: KeyState): Record<string, unknown> {
  const known = typeof after === 'string' ? before : after;
  return {
    op_number: row.opNumber,
    timestamp: row.ts,
    ...clientMembers(row.client),
    operation: {
      op: row.op,
      path: row.path ?? '',
      delta: row.delta,
      content_type: typeof known === 'string' ? null : known.contentType,
      raw_old_value: rawOf(before),
      raw_new_value: rawOf(after),
      old_value: decodedOf(before),
      new_value: decodedOf(after),
      expire_at: typeof after === 'string' ? null : lastSecond(after.expireAt),
      ...(row.op === 'UNRECORDED' ? { unrecorded_until: row.ts } : {}),
    },
  };
}

/** An agent's name is `mcp:NAME@ADDRESS`. */
function clientMembers(client: string | null): { client_ip: string | null; client: string } {
  if (client === null || client.startsWith(nativeClient)) return { client_ip: null, client: client ?? nativeClient };
  if (client.startsWith('mcp:')) return { client_ip: client.slice(client.lastIndexOf('@') + 1), client };
  return { client_ip: client, client: 'http' };
}

function rawOf(state: KeyState): string | null {
  return typeof state === 'string' ? null : valueBytes(state.value).toString('base64');
}

function decodedOf(state: KeyState): unknown {
  if (typeof state === 'string') return null;
  const json = rawJson(state.value, state.contentType);
  if (json !== undefined) return json;
  const bytes = valueBytes(state.value);
  return isUtf8(bytes) ? bytes.toString() : null;
}

function storedValue(state: KeyState): StoredValue {
  return typeof state === 'string' ? null : state.value;
}

export const kvSnapshot = implement(kvPast.snapshot, (connection, { table: name, key, opNumber }) => {
  const table = findTable(connection, name);
  const id = keyId(connection, table, key);
  if (id === null) throw new ApiError('KEY_NOT_FOUND', 'the key has no history');
  const row = rowOf(connection, table, id, opNumber);
  if (row === null || row.op === 'EXPIRED') {
    const prunedUpTo = connection
      .statement(`SELECT min(op_number) FROM ${quoteName(table.names.log)} WHERE key_id = ? AND in_history
          AND EXISTS (SELECT 1 FROM ${quoteName(table.names.keys)} WHERE id = key_id AND pruned_at IS NOT NULL)`)
      .pluck()
      .get(id);
    if (typeof prunedUpTo === 'number' && opNumber < prunedUpTo) throw chainGap(key);
    throw new ApiError('HISTORY_ENTRY_NOT_FOUND', `the history of the key has no operation ${opNumber}`);
  }
  const state = row.op === 'UNRECORDED' ? 'unknown' : stateAfter(connection, table, key, id, opNumber);
  if (state === 'unknown') throw chainGap(key);
  if (state === 'absent') throw new ApiError('KEY_NOT_FOUND', `the key did not exist after operation ${opNumber}`);
  return json({
    success: true,
    op_number: opNumber,
    ...valueMembers(state.value, state.contentType),
    content_type: state.contentType,
  });
});

export const kvGetAt = implement(kvPast.getAt, (connection, { table: name, key, atSeconds }) => {
  checkMoment(connection, 'at_timestamp', atSeconds);
  const { state, row, hasHistory } = stateAt(connection, findTable(connection, name), key, atSeconds);
  if (state === 'unknown') throw chainGap(key);
  if (state === 'absent') throw new ApiError('KEY_NOT_FOUND', 'the key did not exist then');
  if (state === 'expired') throw new ApiError('KEY_EXPIRED', 'the time to live of the key was over then');
  return json({
    success: true,
    key,
    ...valueMembers(state.value, state.contentType),
    content_type: state.contentType,
    timestamp: atSeconds,
    ...(hasHistory ? { op_number: row?.opNumber ?? 0 } : {}),
    ...(row === null ? {} : { op_timestamp: row.ts }),
  });
});

/** Undoes the newest operations of a key and takes them out of its history. */
export const kvRollback = implement(kvPast.rollback, (connection, args) => {
  return runWrite(connection, args, (writer) => {
    const { table } = writer;
    const current = rowForWrite(writer, args.key);
    const id = keyId(connection, table, args.key);
    const undone = id === null ? null : undoneBy(writer, args.key, id, args.steps);
    if (id === null || undone === null) {
      throw new ApiError('HISTORY_ENTRY_NOT_FOUND', 'the key has no recorded operation to undo');
    }
    restoreState(writer, args.key, current, undone.state);
    // What was undone, and the write that undid it, remain as changes for the feed, not as history.
    connection
      .statement(`UPDATE ${quoteName(table.names.log)}
          SET in_history = 0, old_value = NULL, old_type = ${oldTypeCodes.unknown}, path = NULL, delta = NULL
          WHERE key_id = ? AND op_number >= ? AND in_history`)
      .run(id, undone.oldest);
    return json({ success: true, key: args.key, rolled_back: undone.steps });
  });
});

interface Undone {
  readonly state: 'absent' | KnownState;
  /** op_number of the oldest operation undone. */
  readonly oldest: number;
  readonly steps: number;
}

/** @throws ApiError TIME_TRAVEL_CHAIN_GAP */
function undoneBy(writer: Writer, key: string, id: number, wanted: number): Undone | null {
  let state = currentState(writer.connection, writer.table, key);
  let oldest = 0;
  let steps = 0;
  for (const row of newestRows(writer.connection, writer.table, id)) {
    // The end of a time to live is undone with the operation before it: it is nobody's step.
    if (steps === wanted) break;
    if (row.op === 'UNRECORDED') throw chainGap(key);
    state = stateBefore(row, state);
    oldest = row.opNumber;
    if (row.op !== 'EXPIRED') steps += 1;
  }
  if (steps === 0) return null;
  if (state === 'unknown') throw chainGap(key);
  return { state, oldest, steps };
}
