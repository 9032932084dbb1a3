// The change feed. executor/kv/feed/ does it.
import { declare } from '../operation.ts';

export interface ChangesArgs {
  readonly table: string;
  /** Absent: no events, only where the feed stands now. */
  readonly since?: string;
  readonly prefix: string;
  readonly limit: number;
  readonly includeValues: boolean;
}

export interface ChangesAnswer {
  readonly events: ChangeEvent[];
  /** After the last event, or after what was looked at in vain. */
  readonly cursor: string;
  readonly oldestCursor: string;
  readonly hasMore: boolean;
  /** Changes of other keys that were passed over. */
  readonly skipped: number;
}

export interface ChangeEvent {
  readonly cursor: string;
  /** The event as it is answered, on one line. */
  readonly json: string;
}

export const kvFeed = {
  /** What happened after a cursor, oldest first. */
  changes: declare<ChangesArgs, ChangesAnswer>('kvFeed.changes', 'kv-read'),
} as const;
