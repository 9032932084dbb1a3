// What one step of reading a database comes to, and what it needs of that database.
import type { CommitLog } from '../commit.ts';
import type { WalCommit } from '../wal/wal-file.ts';
import type { CommitRecord } from './evidence.ts';

/**
 * `more`: another step has something to do at once. `drained`: all that was committed when the step began was read.
 * `empty`: there is no commit to begin with, all is in the main file. `gap`: something may be missing. `off`: it is in
 * another journal mode. `unreadable`: its program keeps the index for itself. `too-large`: one transaction is more than
 * can be read. `other-page-size`: the log goes on with pages of another size.
 */
export type ReadResult =
  | { readonly kind: 'more' | 'waiting' | 'drained' | 'empty' | 'off' | 'unreadable' | 'too-large' | 'other-page-size' }
  | { readonly kind: 'gap'; readonly reason: string };

export const more = { kind: 'more' } as const;
export const waiting = { kind: 'waiting' } as const;
export const drained = { kind: 'drained' } as const;

export function gap(reason: string): ReadResult {
  return { kind: 'gap', reason };
}

export const wasBegunAnew = 'a write-ahead log was begun anew before it was read';
export const wasWritten = 'the database was written in a way that could not be followed';

/** The record of a commit, and the name in it, follow the commit itself at once; later than this, they do not come. */
export const recordGraceMs = 700;

export interface ReadCommit extends WalCommit {
  readonly pageBytes: number;
  readonly record: Pick<CommitRecord, 'writer'> | undefined;
  /** When it was committed, as far as is known. */
  readonly timeMs: number;
}

export interface ReadDatabase {
  readonly path: string;
  readonly inode: string;
  readonly log: CommitLog;
  /** The mount records each commit: one without a record gets it in a moment. */
  isRecording(): boolean;
  /**
   * Takes the first of these commits into the log, at least one. What it throws ends the reading, and they come again.
   * @returns how many
   */
  append(commits: readonly ReadCommit[]): number;
}
