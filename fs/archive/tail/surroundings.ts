// What a tail needs of the process around it.
import type { Log } from '../../log.ts';
import type { CaptureStream } from '../capture/capture-stream.ts';
import type { DatabaseId, LogStore, WalPosition } from '../commit.ts';

export interface TailSurroundings {
  readonly store: LogStore;
  readonly log: Log;
  /** The mount records each commit: one without a record gets it in a moment. */
  readonly isRecording: () => boolean;
  /** Hands all records that there are to the tails. */
  readonly readRecords: () => void;
  /** `isArchived` false: nobody needs to wait until this database was read. */
  readonly publish: (id: DatabaseId, position: WalPosition, isArchived: boolean) => void;
  /** undefined: no writes are captured, and databases in rollback mode are not followed. */
  readonly capture: CaptureStream | undefined;
  /** Something can go on. */
  readonly wake: () => void;
  /** Whether there is no room for commits of this database. */
  readonly hasRoom: (id: DatabaseId, hasRoom: boolean) => void;
}
