// What the main thread of the fs process and its loop thread say to each other.
import type { FromFsProcess, FsStartOptions } from '../messages.ts';

export interface LoopData {
  readonly deviceFd: number;
  /** An eventfd: write to it after posting a message. */
  readonly wakeFd: number;
  readonly options: FsStartOptions;
}

export type ToLoop = { readonly type: 'stop' } | { readonly type: 'status'; readonly id: number };

export type FromLoop =
  /** These go on to the supervisor as they are. */
  | FromFsProcess
  /** To be written to the device, each at once, but not by the loop: see BehindTheBack.collect. */
  | { readonly type: 'tell-kernel'; readonly messages: readonly Uint8Array[] };
