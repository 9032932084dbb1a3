// Share links, and what they show.
import type { StudioKvHistory, StudioKvValue } from './keys.ts';
import type { StudioRows, StudioSelection } from './rows.ts';
import type { StudioResult } from './sql.ts';

/** What a share link shows, and nothing else. */
export type StudioSharedView =
  | ({ readonly kind: 'table'; readonly columns?: readonly string[] } & StudioSelection)
  | { readonly kind: 'sql'; readonly sql: string; readonly chart?: string }
  | { readonly kind: 'key'; readonly table: string; readonly key: string; readonly history: boolean };
/** POST studio/shares */
export interface StudioShareRequest {
  readonly db: string;
  readonly title: string;
  readonly view: StudioSharedView;
  /** Seconds; at most 90 days. */
  readonly expiresIn: number;
}
export interface StudioShare {
  readonly id: string;
  readonly db: string;
  readonly title: string;
  readonly view: StudioSharedView;
  readonly created: string;
  readonly expires: string;
  /** Only in the answer that made it: the link is `/#share=TOKEN`, so that no log and no Referer has the token. */
  readonly token?: string;
}
/** GET studio/shares ; DELETE studio/shares/{id} revokes. */
export interface StudioShares {
  readonly shares: readonly StudioShare[];
}
/**
 * POST studio/shared with the header `Authorization: Bearer TOKEN` of a share: its data. Body: {from?} of a table as in
 * StudioRowsRequest, {version?} of a key; `{}` otherwise.
 */
export interface StudioShared {
  readonly share: StudioShare;
  readonly rows?: StudioRows;
  readonly result?: StudioResult;
  readonly value?: StudioKvValue;
  readonly history?: StudioKvHistory;
}
