// A key as the studio shows it, now or after an operation, and the list of its versions without their values.
import { ApiError } from '../../messages/errors.ts';
import type { StudioKvHistoryRequest, StudioKvKeyRequest } from '../../messages/operations/studio.ts';
import type { Reply } from '../../messages/reply.ts';
import type { StudioKvHistory, StudioKvValue } from '../../messages/studio/keys.ts';
import type { StudioValue } from '../../messages/studio/values.ts';
import { textValue } from '../../messages/studio-values.ts';
import type { Connection } from '../connection.ts';
import { type KnownState, keyId, rowOf, stateAfter } from '../kv/log/log.ts';
import { chainGap } from '../kv/past/past.ts';
import { oldTypeCodes, opCodes, opName } from '../kv/table/codes.ts';
import { headerSafeType } from '../kv/table/content-type.ts';
import { quoteName } from '../kv/table/names.ts';
import { readLiveRow } from '../kv/table/row.ts';
import { findTable, type KvTable } from '../kv/table/table.ts';
import { valueBytes } from '../kv/table/values.ts';
import { isoOrNull, typeOf } from './kv-keys.ts';

/** A key at some time, with its whole value. */
interface Seen {
  readonly state: KnownState | null;
  readonly etag: string | null;
  readonly modified: number | null;
}

export function kvValue(connection: Connection, request: StudioKvKeyRequest): StudioKvValue {
  const { state, etag, modified } = seen(connection, request);
  const bytes = valueBytes(state?.value ?? null);
  return {
    key: request.key,
    value: state === null ? null : shownValue(bytes, request.cut),
    type: typeOf(state?.contentType ?? null, typeof state?.value === 'string'),
    contentType: state?.contentType ?? null,
    bytes: bytes.length,
    etag,
    expires: isoOrNull(state?.expireAt ?? null),
    modified: isoOrNull(modified),
    exists: state !== null,
  };
}

/** The whole value as a download. */
export function kvBytes(connection: Connection, request: StudioKvKeyRequest): Reply {
  const { state } = seen(connection, request);
  if (state === null) throw new ApiError('KEY_NOT_FOUND', 'the key does not exist');
  return { status: 200, body: valueBytes(state.value), contentType: headerSafeType(state.contentType) };
}

/** What can be read is a text, whatever was said of it. */
function shownValue(bytes: Buffer, cut: number): StudioValue {
  const part = bytes.subarray(0, cut);
  if (part.includes(0)) return { blob: part.toString('base64'), bytes: bytes.length };
  const text = textValue(part, bytes.length, 'UTF-8');
  const isBad = text !== null && typeof text === 'object' && 'badText' in text;
  return isBad ? { blob: part.toString('base64'), bytes: bytes.length } : text;
}

function seen(connection: Connection, { table: name, key, version }: StudioKvKeyRequest): Seen {
  const table = findTable(connection, name);
  if (version === null) {
    const row = readLiveRow(connection, table, key);
    if (row === null) return { state: null, etag: null, modified: null };
    return { state: row, etag: row.etag, modified: row.updatedAt };
  }
  const id = keyId(connection, table, key);
  const row = id === null ? null : rowOf(connection, table, id, version);
  if (id === null || row === null) {
    throw new ApiError('HISTORY_ENTRY_NOT_FOUND', `the history of the key has no version ${version}`);
  }
  if (row.op === 'EXPIRED') return { state: null, etag: null, modified: row.ts };
  const state = row.op === 'UNRECORDED' ? 'unknown' : stateAfter(connection, table, key, id, version);
  if (state === 'unknown') throw chainGap(key);
  return { state: state === 'absent' ? null : state, etag: null, modified: row.ts };
}

interface VersionRow {
  readonly opNumber: number;
  readonly ts: number;
  readonly op: number;
  readonly client: string | null;
  readonly oldType: number | string | null;
  readonly oldBytes: number | null;
}

/** `same`: as after the operation itself. */
type Size = number | 'absent' | 'unknown' | 'same';

/** Newest first. The size after an operation is the old size of the next one. */
export function kvHistory(connection: Connection, request: StudioKvHistoryRequest): StudioKvHistory {
  const { table: name, key, before, limit } = request;
  const table = findTable(connection, name);
  const id = keyId(connection, table, key);
  if (id === null) return { versions: [], next: null };
  const below = before ?? Number.MAX_SAFE_INTEGER;
  const rows = versionRows(
    connection,
    table,
    id,
    'AND op_number < ? ORDER BY op_number DESC LIMIT ?',
    below,
    limit + 1,
  );
  let size = sizeBelow(connection, table, key, id, below);
  const versions = rows.slice(0, limit).map((row) => {
    // An unrecorded write is known to have been, not what it wrote.
    const after = row.op === opCodes.UNRECORDED ? 'unknown' : row.op === opCodes.EXPIRED ? 'absent' : size;
    const old = oldSize(row);
    size = old === 'same' ? after : old;
    return {
      version: String(row.opNumber),
      at: isoOrNull(row.ts) ?? '',
      operation: opName(row.op).toLowerCase(),
      exists: after !== 'absent',
      bytes: typeof after === 'number' ? after : 0,
      who: whoOf(row.client),
    };
  });
  return { versions, next: rows.length > limit ? (versions.at(-1)?.version ?? null) : null };
}

/** The value's size right below an operation: what the next ones say of it, or the row as it is now. */
function sizeBelow(connection: Connection, table: KvTable, key: string, id: number, opNumber: number): Size {
  const rest = 'AND op_number >= ? AND old_type IS NOT ? ORDER BY op_number LIMIT 1';
  const [next] = versionRows(connection, table, id, rest, opNumber, oldTypeCodes.same);
  if (next !== undefined) return oldSize(next);
  const sql = `SELECT octet_length(value) FROM ${quoteName(table.names.table)} WHERE key = ?`;
  const size = connection.statement(sql).pluck().get(key) as number | null | undefined;
  return size === undefined ? 'absent' : (size ?? 0);
}

function versionRows(
  connection: Connection,
  table: KvTable,
  id: number,
  rest: string,
  ...bound: number[]
): VersionRow[] {
  const sql = `SELECT op_number AS opNumber, ts, op, client, old_type AS oldType, octet_length(old_value) AS oldBytes
    FROM ${quoteName(table.names.log)} WHERE key_id = ? AND in_history ${rest}`;
  return connection.statement(sql).all(id, ...bound) as VersionRow[];
}

function oldSize({ oldType, oldBytes }: VersionRow): Size {
  if (oldType === null) return 'absent';
  if (oldType === oldTypeCodes.unknown) return 'unknown';
  return oldType === oldTypeCodes.same ? 'same' : (oldBytes ?? 0);
}

/** `native:python3[4711]@3f2a9c01d2b4` -> `python3[4711] in 3f2a9c01d2b4`; an address -> `http 10.0.0.7`. */
function whoOf(client: string | null): string {
  if (client === null || client === 'native') return 'a program on the mount';
  const native = /^native:(.*)@([^@]*)$/.exec(client);
  if (native === null) return client.startsWith('mcp:') ? client : `http ${client}`;
  return `${native[1]} in ${native[2]}`;
}
