// What the main thread of the fs process and its loop thread say to each other.
import type { FromFsProcess, FsStartOptions } from '../messages.ts';

export interface LoopData {
  readonly deviceFd: number;
  /** An eventfd: write to it after posting a message. */
  readonly wakeFd: number;
  readonly options: FsStartOptions;
}

export type ToLoop = { readonly type: 'stop' } | { readonly type: 'status'; readonly id: number };

/** All of these go on to the supervisor as they are. */
export type FromLoop = FromFsProcess;
