// An operation and the function that does it. Every function runs in an executor; executor/operations.ts lists them.
import type { FileOperation, Lane, Operation } from '../messages/operation.ts';
import type { PathRules } from '../messages/paths.ts';
import type { Connection } from './connection.ts';

/** Runs synchronously. What a call that throws ApiError has written is rolled back; its neighbours' work is not. */
type Run<Args, Answer> = (connection: Connection, args: Args, rules: PathRules) => Answer;

/** Runs synchronously, with the path open in no executor. */
type RunOnFile<Args, Answer> = (path: string, args: Args, rules: PathRules) => Answer;

/** What a job does inside of a transaction that others share. */
export interface SharedWork {
  /**
   * Its savepoint is rolled back where `isUndone` says so of the answer, and where it throws what is its client's
   * mistake. Everything else that it throws ends the transaction, and the job runs again alone.
   */
  readonly run: () => unknown;
  readonly isUndone: (answer: unknown) => boolean;
  /** What it wrote stands in the commit of the transaction. */
  readonly isWrite: boolean;
}

/** Looks at a job before anything runs. @returns null where it is to run alone @throws ApiError for bad arguments */
type Share<Args> = (connection: Connection, args: Args) => SharedWork | null;

export interface Implementation<Args, Answer> {
  readonly name: string;
  readonly lane: Lane;
  readonly run: Run<Args, Answer>;
  readonly share?: Share<Args>;
}

export interface FileImplementation<Args, Answer> {
  readonly name: string;
  readonly lane: 'file';
  readonly run: RunOnFile<Args, Answer>;
}

/** Method syntax, so that a list may hold implementations of different argument types: each is sent its own. */
export interface AnyImplementation {
  readonly name: string;
  readonly lane: Lane;
  run(connection: Connection, args: unknown, rules: PathRules): unknown;
  share?(connection: Connection, args: unknown): SharedWork | null;
}

export interface AnyFileImplementation {
  readonly name: string;
  readonly lane: 'file';
  run(path: string, args: unknown, rules: PathRules): unknown;
}

export function implement<Args, Answer>(
  { name, lane }: Operation<Args, Answer>,
  run: Run<Args, Answer>,
): Implementation<Args, Answer> {
  return { name, lane, run };
}

/** Of an operation that is declared as shared. `run` does it alone. */
export function implementShared<Args, Answer>(
  operation: Operation<Args, Answer>,
  run: Run<Args, Answer>,
  share: Share<Args>,
): Implementation<Args, Answer> {
  return { ...implement(operation, run), share };
}

export function implementOnFile<Args, Answer>(
  { name, lane }: FileOperation<Args, Answer>,
  run: RunOnFile<Args, Answer>,
): FileImplementation<Args, Answer> {
  return { name, lane, run };
}
