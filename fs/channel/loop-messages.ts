// What the main thread of the fs process and its loop thread say to each other.
import type { DatabaseLocks } from '../locks/snapshot.ts';
import type { FromFsProcess, FsStartOptions, ToFsProcess } from '../messages.ts';
import type { Errand } from '../nodes/errands.ts';
import type { RamMove } from '../nodes/ram-moves.ts';
import type { SyncJob } from '../nodes/syncer.ts';
import type { ErrandResult } from './errand-thread.ts';

export interface LoopData {
  readonly deviceFd: number;
  /** An eventfd: write to it after posting a message. */
  readonly wakeFd: number;
  readonly options: FsStartOptions;
  /** See SyncAverage. */
  readonly syncAverage: SharedArrayBuffer;
}

export type ToLoop =
  | { readonly type: 'stop' }
  | { readonly type: 'power-cut' }
  | Extract<ToFsProcess, { type: 'ram-chosen' }>
  | { readonly type: 'room-made' }
  | { readonly type: 'errand-done'; readonly errand: ErrandResult }
  | { readonly type: 'status'; readonly id: number }
  | { readonly type: 'locks'; readonly id: number }
  | { readonly type: 'writers'; readonly id: number; readonly database: string }
  | { readonly type: 'ram-move'; readonly id: number; readonly move: RamMove }
  | { readonly type: 'long-holders' };

export type FromLoop =
  /** These go on to the supervisor as they are. */
  | FromFsProcess
  /** To be written to the device, each at once, but not by the loop: see OutsideChanges.collect. */
  | { readonly type: 'tell-kernel'; readonly messages: readonly Uint8Array[] }
  /** The same, and `room-made` is the answer. */
  | { readonly type: 'make-room'; readonly messages: readonly Uint8Array[] }
  /** To be done and answered by the main thread. */
  | { readonly type: 'sync'; readonly job: SyncJob }
  /** To be done by the errand thread; `errand-done` is the answer. */
  | { readonly type: 'errand'; readonly errand: Errand }
  /** To be closed by another thread: see LastCloses. */
  | { readonly type: 'close'; readonly fds: readonly number[] }
  /** A part of the answer to the query `locks`, before the processes are named. */
  | {
      readonly type: 'locks';
      readonly id: number;
      readonly databases: readonly DatabaseLocks[];
      readonly isLast: boolean;
    }
  /** Holders that have become long since they were asked for last. */
  | { readonly type: 'long-holders'; readonly databases: readonly DatabaseLocks[] };
