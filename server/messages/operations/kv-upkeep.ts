// The work on key-value stores that no client waits for. executor/kv/upkeep/ and executor/kv/log/ do it.
import { declare, type NoArgs } from '../operation.ts';

export interface RetentionArgs {
  /** 0 keeps operations of any age. */
  readonly maxAgeSeconds: number;
  /** Per key; 0 keeps any number. */
  readonly maxOps: number;
  /** What the call before answered: where each table's log has been looked through. */
  readonly progress: Progress;
}

export type Progress = Readonly<Record<string, TableProgress>>;

export interface TableProgress {
  /** Log rows up to here were looked at for their age. */
  readonly aged: number;
  /** ... for keys with too many operations. */
  readonly counted: number;
  /** ... for rows that only the feed still needed. */
  readonly swept: number;
}

export interface RetentionAnswer {
  readonly progress: Progress;
  readonly hasMore: boolean;
  /** The Unix second in which the next key is gone; null: none has a time to live. */
  readonly nextExpiry: number | null;
}

export interface LogEnd {
  readonly table: string;
  /** Of the newest row. */
  readonly seq: number;
}

/** By the identity of the table. */
export type LogEnds = Readonly<Record<string, LogEnd>>;

export interface NamedRows {
  readonly tableId: string;
  readonly table: string;
  readonly afterSeq: number;
  /** The last one named. */
  readonly toSeq: number;
  readonly client: string;
}

export const kvUpkeep = {
  /** Removes keys whose time is over, history beyond its age or count, and changes beyond the feed's reach. */
  retain: declare<RetentionArgs, RetentionAnswer>('kvUpkeep.retain', 'background'),
  logEnds: declare<NoArgs, LogEnds>('kvUpkeep.logEnds', 'background'),
  /** Answers what there was no time for. */
  nameRows: declare<readonly NamedRows[], readonly NamedRows[]>('kvUpkeep.nameRows', 'background'),
} as const;
