// The key-value store as it stands now: single keys, counters and lists, batches. executor/kv/store/ does it.
import type { Conditions } from '../conditions.ts';
import { declare } from '../operation.ts';
import type { Reply } from '../reply.ts';

export interface KeyArgs {
  readonly table: string;
  readonly key: string;
}

export interface WriteArgs {
  readonly table: string;
  /** The query parameter `history`: false stores only the fact of a write. */
  readonly history: boolean;
  readonly clientIp: string;
  readonly idempotency?: Idempotency;
}

export interface Idempotency {
  readonly key: string;
  /** A digest of everything that makes the request this request. */
  readonly request: string;
}

export interface GetArgs extends KeyArgs {
  readonly path?: string;
  readonly ifNoneMatch?: string;
  /** The largest value that is sent as it is: what can be written must be readable. */
  readonly maxValueBytes?: number;
}

export interface SetArgs extends KeyArgs, WriteArgs {
  readonly body: Uint8Array;
  readonly contentType?: string;
  readonly path?: string;
  /** Seconds; 0 for none. */
  readonly ttlSeconds: number;
  readonly conditions: Conditions;
}

export interface DeleteArgs extends KeyArgs, WriteArgs {
  readonly conditions: Conditions;
}

export interface ExpireArgs extends KeyArgs, WriteArgs {
  /** null removes the time to live. */
  readonly ttlSeconds: number | null;
  readonly conditions: Conditions;
}

export interface AtomicArgs extends KeyArgs, WriteArgs {
  readonly path?: string;
  readonly conditions: Conditions;
}

export interface IncrementArgs extends AtomicArgs {
  readonly op: 'INCR' | 'DECR';
  /** At least 1, as sent. */
  readonly delta: bigint;
}

export interface PushArgs extends AtomicArgs {
  readonly body: Uint8Array;
  /** Append the body as it is, also when it is an object with the single member `value`. */
  readonly isRaw: boolean;
}

export interface RemoveArgs extends AtomicArgs {
  /** Wins over the body. Negative counts from the end. */
  readonly index?: number;
  readonly body: Uint8Array;
}

export interface BatchWriteArgs extends WriteArgs {
  readonly body: Uint8Array;
}

export interface BatchGetArgs {
  readonly table: string;
  readonly body: Uint8Array;
}

export interface ListArgs {
  readonly table: string;
  readonly prefix: string;
  readonly limit: number;
  readonly offset: number;
  readonly after: string;
}

export const kv = {
  get: declare<GetArgs, Reply>('kv.get', 'kv-read'),
  /**
   * As get, with the body's length instead of the body; tells a key whose time is over from one that was never there.
   */
  head: declare<GetArgs, Reply>('kv.head', 'kv-read'),
  /** The value with all that is known of it. */
  entry: declare<GetArgs, Reply>('kv.entry', 'kv-read'),
  list: declare<ListArgs, Reply>('kv.list', 'kv-read'),
  set: declare<SetArgs, Reply>('kv.set', 'kv-write'),
  delete: declare<DeleteArgs, Reply>('kv.delete', 'kv-write'),
  expire: declare<ExpireArgs, Reply>('kv.expire', 'kv-write'),

  increment: declare<IncrementArgs, Reply>('kv.increment', 'kv-write'),
  push: declare<PushArgs, Reply>('kv.push', 'kv-write'),
  pop: declare<AtomicArgs, Reply>('kv.pop', 'kv-write'),
  remove: declare<RemoveArgs, Reply>('kv.remove', 'kv-write'),

  batchGet: declare<BatchGetArgs, Reply>('kv.batchGet', 'kv-read'),
  batchSet: declare<BatchWriteArgs, Reply>('kv.batchSet', 'kv-write'),
  batchDelete: declare<BatchWriteArgs, Reply>('kv.batchDelete', 'kv-write'),
} as const;
