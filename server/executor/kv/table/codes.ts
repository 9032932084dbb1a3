// The small integers of the change log: what an operation was, what the change feed calls it, and how the state before
// it is kept. They are stored in databases: never renumber one.
import type { recordedOps } from '../../../messages/operations/kv-past.ts';

export const opCodes = {
  SET: 1,
  DELETE: 2,
  INCR: 3,
  DECR: 4,
  PUSH: 5,
  POP: 6,
  REMOVE: 7,
  EXPIRE: 8,
  PERSIST: 9,
  /** A write with history=false: that it happened is known, what it wrote is not. */
  UNRECORDED: 10,
  /** The row was removed because its time to live was over. Part of a key's past, but nobody's operation. */
  EXPIRED: 11,
} as const satisfies Record<(typeof recordedOps)[number] | 'EXPIRED', number>;

export type OpName = keyof typeof opCodes;

const opNames = new Map<number, OpName>(Object.entries(opCodes).map(([name, code]) => [code, name as OpName]));

export function opName(code: number): OpName {
  const name = opNames.get(code);
  if (name === undefined) throw new Error(`the change log holds an unknown operation code ${code}`);
  return name;
}

/** Index = the stored code, value = the `op` of a change feed event. */
export const changeNames = ['set', 'ttl', 'delete', 'expire'] as const;
export const changeCodes = { set: 0, ttl: 1, delete: 2, expire: 3 } as const;

/**
 * `old_type` of a log row: NULL = the key did not exist before, a text = its content type, or one of these.
 * The frequent content types are small integers because they take no byte in an SQLite record.
 */
export const oldTypeCodes = {
  octetStream: 0,
  json: 1,
  text: 2,
  /** The write before was UNRECORDED, or unseen: the state before this operation is not known. */
  unknown: -1,
  /** Value and content type did not change, so neither is stored a second time. */
  same: -2,
} as const;

export const octetStreamType = 'application/octet-stream';
export const jsonType = 'application/json';
export const textType = 'text/plain';

/** The content type that a non-negative code or a text stands for. */
export function oldContentType(stored: number | string): string {
  if (typeof stored === 'string') return stored;
  return [octetStreamType, jsonType, textType][stored] ?? octetStreamType;
}
