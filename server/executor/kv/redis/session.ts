// What a command works with: keys as they are now, and the one way to change them, by the functions that every other
// door writes with.
import { checkKey } from '../../../messages/kv-keys.ts';
import type { Connection } from '../../connection.ts';
import { expiryOf, millisecondsLeft } from '../store/expiry.ts';
import { deleteKey, putExpiry, putValue, rowForWrite } from '../store/write.ts';
import type { Writer } from '../store/writer.ts';
import type { OpName } from '../table/codes.ts';
import { type KvRow, readLiveRow } from '../table/row.ts';
import type { KvTable } from '../table/table.ts';
import { type NewContent, type RedisType, requireType } from './values.ts';

export interface Logged {
  readonly op: OpName;
  readonly delta?: bigint;
}

/** `undefined`: as it was. In milliseconds since 1970; null: none. */
export type NewEnd = number | null | undefined;

export class Session {
  readonly connection: Connection;
  readonly table: KvTable;
  /** null where the commands only read. */
  readonly #writer: Writer | null;

  constructor(connection: Connection, table: KvTable, writer: Writer | null) {
    this.connection = connection;
    this.table = table;
    this.#writer = writer;
  }

  get nowMs(): number {
    return this.connection.nowMs();
  }

  /** The key's row if it is there and of the type. @throws RedisError WRONGTYPE */
  row(key: string, type: RedisType): KvRow | null {
    const row = this.anyRow(key);
    if (row !== null) requireType(row, type);
    return row;
  }

  anyRow(key: string): KvRow | null {
    if (this.#writer !== null) return rowForWrite(this.#writer, key);
    return readLiveRow(this.connection, this.table, key);
  }

  /** Milliseconds that are left to the row; null for ever. */
  left(row: KvRow): number | null {
    return row.expireAt === null ? null : millisecondsLeft(row.expireAt, this.nowMs);
  }

  /** Writes a value; the key's time to live stays unless `end` says otherwise. */
  put(key: string, current: KvRow | null, content: NewContent, logged: Logged, end?: NewEnd): void {
    const expireAt = end === undefined ? (current?.expireAt ?? null) : this.#expireAt(end);
    putValue(this.writer, checkKey(key), current, { ...content, expireAt }, logged);
  }

  /** The same value under another key, or with all that belongs to it again. */
  copy(key: string, { value, contentType, expireAt }: KvRow): void {
    putValue(this.writer, checkKey(key), this.anyRow(key), { value, contentType, expireAt }, { op: 'SET' });
  }

  setEnd(key: string, end: number | null): void {
    putExpiry(this.writer, key, this.#expireAt(end));
  }

  delete(key: string): void {
    deleteKey(this.writer, key);
  }

  get writer(): Writer {
    if (this.#writer === null) throw new Error('a command that only reads has no writer');
    return this.#writer;
  }

  #expireAt(end: number | null): number | null {
    return end === null ? null : expiryOf(this.connection, this.table, end);
  }
}

/** `words` are those behind the command's name; `name` stands in its messages. */
export interface Call {
  readonly name: string;
  readonly words: readonly string[];
}
