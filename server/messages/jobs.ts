// Every message between the server process and an executor.

import type { WriteBookmarks } from './bookmark.ts';
import type { ErrorData } from './errors.ts';
import type { Lane, OpenMode } from './operation.ts';
import type { PathRules } from './paths.ts';

/**
 * The executor's end of the pipe on which the server names groups to interrupt: 8 bytes each, in the machine's byte
 * order.
 */
export const interruptFd = 4;

export interface JobMessage {
  readonly operation: string;
  readonly args: unknown;
}

export type ToExecutor =
  | { readonly type: 'start'; readonly rules: PathRules; readonly memoryBytes: number }
  | {
      readonly type: 'group';
      readonly id: number;
      readonly path: string;
      readonly lane: Lane;
      /** With `read`, what would write ends with DATABASE_READONLY. */
      readonly mode: OpenMode;
      readonly create: boolean;
      /** How long the group may wait for locks. */
      readonly budgetMs: number;
      /** Bookmarks of what it commits are wanted. */
      readonly isNamed: boolean;
      readonly jobs: readonly JobMessage[];
    }
  | {
      readonly type: 'file';
      readonly id: number;
      readonly path: string;
      readonly operation: string;
      readonly args: unknown;
    }
  | { readonly type: 'close'; readonly id: number; readonly path: string };

/** What became of a job. */
export type Outcome =
  | { readonly answer: unknown; readonly error?: never; readonly bookmarks?: WriteBookmarks }
  | { readonly error: ErrorData; readonly answer?: never };

export type FromExecutor =
  | { readonly type: 'ready'; readonly canInterrupt: boolean }
  /** SQL has the write lock: from now on it is finished even if its client leaves. */
  | { readonly type: 'writing'; readonly id: number }
  /** The jobs of a group read in one transaction, which has begun: from now on they wait for no lock. */
  | { readonly type: 'reading'; readonly id: number }
  /** COMMIT is next: until `committed`, nobody can say whether the work is in the file. */
  | { readonly type: 'committing'; readonly id: number }
  | { readonly type: 'committed'; readonly id: number }
  /** One job of a group was committed alone, after the group could not be. */
  | { readonly type: 'partial'; readonly id: number; readonly index: number; readonly outcome: Outcome }
  /**
   * `outcomes` of the jobs that had no `partial`, in their order; jobs at the end that did not run have none. `wrote`:
   * the database may have changed. `alone`: of the jobs without an outcome, the one that is to run alone, by its place
   * among the group's jobs, or all of them.
   */
  | {
      readonly type: 'done';
      readonly id: number;
      readonly outcomes: readonly Outcome[];
      readonly wrote: boolean;
      readonly alone?: number | 'all';
    }
  | { readonly type: 'closed'; readonly id: number }
  /** Idle connections were closed. */
  | { readonly type: 'idle-closed'; readonly paths: readonly string[] };
