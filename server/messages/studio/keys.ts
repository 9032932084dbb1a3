// Keys of a key-value table: levels of the tree, values, versions.
import type { StudioValue } from './values.ts';

/** GET studio/kv/keys?db=&table=&prefix=&delimiter=/&after=&limit=&search= : one level of the tree of keys. */
export interface StudioKeys {
  readonly entries: readonly StudioKeyEntry[];
  /** Pass as `after` to go on; null at the end. */
  readonly next: string | null;
}
export type StudioKeyEntry =
  /** All keys that begin with `prefix`. `more`: counting stopped at `keys`. */
  | { readonly kind: 'prefix'; readonly prefix: string; readonly keys: number; readonly more: boolean }
  | {
      readonly kind: 'key';
      readonly key: string;
      readonly type: 'text' | 'json' | 'binary';
      readonly bytes: number;
      /** ISO 8601 or null. */
      readonly expires: string | null;
      readonly modified: string;
    };
/** GET studio/kv/tables?db= */
export interface StudioKvTables {
  readonly tables: readonly { readonly table: string; readonly keys: number; readonly more: boolean }[];
}
/**
 * GET studio/kv/key?db=&table=&key=[&version=][&cut=] : a value with all that is known of it; old versions likewise.
 * `cut` is in bytes, default 1 MiB. With `raw=true` the answer is the whole value's bytes with their content type, of
 * an old version, too.
 */
export interface StudioKvValue {
  readonly key: string;
  readonly value: StudioValue;
  readonly type: 'text' | 'json' | 'binary';
  readonly contentType: string | null;
  readonly bytes: number;
  /** For If-Match of the public API's PUT and DELETE; null of an old version or a key that is gone. */
  readonly etag: string | null;
  readonly expires: string | null;
  readonly modified: string | null;
  /** False: deleted or expired. */
  readonly exists: boolean;
}
/** GET studio/kv/history?db=&table=&key=&before=&limit= : newest first. */
export interface StudioKvHistory {
  readonly versions: readonly {
    /** Names the version for GET studio/kv/key. */
    readonly version: string;
    /** ISO 8601. */
    readonly at: string;
    /** set, delete, incr, push ... as the log has it. */
    readonly operation: string;
    readonly exists: boolean;
    readonly bytes: number;
    /** `http 10.0.0.7`, or `python3[4711] in 3f2a9c01d2b4`. */
    readonly who: string;
  }[];
  readonly next: string | null;
}
