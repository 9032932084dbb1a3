// The keys of a table below a prefix, for doors that list or clear them all: a page at a time.
import { declare } from '../operation.ts';

export interface KeyPageArgs {
  readonly table: string;
  readonly prefix: string;
  /** Only keys greater than this one. */
  readonly after: string;
  readonly limit: number;
}

export interface KeyPage {
  readonly keys: readonly string[];
  /** Where the next page begins (`after`); null behind the last one. */
  readonly next: string | null;
}

export interface ClearArgs {
  readonly table: string;
  readonly prefix: string;
  readonly clientIp: string;
  /** Keys that one call deletes. */
  readonly limit: number;
}

export const kvKeys = {
  page: declare<KeyPageArgs, KeyPage>('kvKeys.page', 'kv-scan'),
  /** Answers how many it deleted: fewer than the limit where none is left. */
  clear: declare<ClearArgs, number>('kvKeys.clear', 'kv-write'),
} as const;
