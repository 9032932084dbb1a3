// What the supervisor and the fs process say to each other over Node's IPC channel. Plain data only.

import type { StepCounts } from './channel/steps.ts';
import type { WrittenDatabase } from './lock-binding/commit-notices.ts';
import type { LockCounts } from './locks/counters.ts';
import type { LockLimits } from './locks/limits.ts';
import type { LogLevel } from './log.ts';

import type { KeptStateDescriptors } from './state/kept-state.ts';

/** First message to the fs process. The /dev/fuse descriptor is inherited as fd 3. */
export interface CapturedGlobs {
  readonly rollback: readonly string[];
  readonly include: readonly string[];
  readonly exclude: readonly string[];
}

export interface FsStartOptions {
  /** Backing directory: absolute, exists, not on the mount. */
  readonly dataDir: string;
  readonly mountPoint: string;
  /** `on` refuses to start where passthrough is impossible, `off` never uses it. */
  readonly passthrough: 'auto' | 'on' | 'off';
  /** `kernel` leaves POSIX locks and flock to the kernel: no queue, no attribution. */
  readonly locks: 'coordinated' | 'kernel';
  /**
   * An earlier mount of this directory has died: find out what its programs still have open, and fence it. Default
   * false.
   */
  readonly fence?: boolean;
  /**
   * Directories below dataDir whose files are opened beside this mount, where the kernel keeps their locks: whoever has
   * one open is no program of a dead mount. Default: none.
   */
  readonly kernelLocks?: readonly string[];
  /**
   * Descriptors of this process, inherited from the supervisor, by which the next fs process can take over from this
   * one. Without them a death of this process ends the mount.
   */
  readonly keptState?: KeptStateDescriptors;
  /**
   * Processes that have served the connection before this one and may not have ended. Work begins when they have, or
   * are stuck (see remainsOf), whether the supervisor lives by then or not. Default: none.
   */
  readonly predecessors?: readonly number[];
  /** A folder on a tmpfs for run-time state that may be lost with the host, not with the process. */
  readonly stateDir: string;
  /** Constants of the lock coordinator that differ from their defaults. */
  readonly lockLimits?: Partial<LockLimits>;
  /** Keep idle processors from halting while programs ask back to back: see idle-processors.ts. Default auto. */
  readonly idlePolling?: 'auto' | 'on' | 'off';
  /** Record commits for the archive process, which maps the memory of the kept state. Default false. */
  readonly archive?: boolean;
  /** Files that lie in RAM. Absent: none. */
  readonly ramdisk?: RamdiskOptions;
  /**
   * Databases with a rollback journal whose writes are captured for it, by globs of their path: those that `rollback`
   * names (all, if it is empty) among the others. Default: none.
   */
  readonly capture?: CapturedGlobs;
  /** Watch dataDir for changes made behind the mount's back. Default true. */
  readonly watch?: boolean;
  /**
   * Test mode, for a mount without passthrough: what is not synced can be lost by the message `power-cut`. Default
   * false.
   */
  readonly powerCut?: boolean;
}

/** Where working copies of databases lie in RAM, and which databases begin there. */
export interface RamdiskOptions {
  /** A folder on a tmpfs, for this data directory alone. */
  readonly root: string;
  /** Globs of paths below the data directory. */
  readonly globs: readonly string[];
  /** What was chosen for single paths: it comes before the globs. */
  readonly chosen: Readonly<Record<string, 'ram' | 'disk'>>;
  /** There is too little room: new files begin on the disk. Default false. */
  readonly isFull?: boolean;
}

export interface PassthroughState {
  readonly active: boolean;
  /** Why it is not active. */
  readonly reason?: string;
}

/** Whether commits are recorded for the archive process. */
export interface ArchiveState {
  readonly active: boolean;
  /** Why they are not, where they should be. */
  readonly reason?: string;
}

/** The answer to the query `status`. */
export interface FsStatus {
  /** Requests served, by kernel opcode name without the FUSE_ prefix; an absent name means 0. */
  readonly requests: Readonly<Record<string, number>>;
  readonly passthrough: boolean;
  readonly passthroughReason?: string;
  /** Inodes that the kernel knows, the root included. */
  readonly nodes: number;
  readonly handles: number;
  readonly backingFiles: number;
  /** Databases that programs of a dead mount still have open: paths below the data directory. */
  readonly fenced: readonly string[];
  /** Requests whose answer is still owed, as for a lock that is waited for. */
  readonly pending: number;
  /** Requests refused since a section of the surviving memory is full: see FullSections. */
  readonly refusedForRoom: number;
  /** How long the loop was busy with one thing. */
  readonly steps: StepCounts;
  /** Absent when the kernel keeps the locks. */
  readonly locks?: LockCounts;
}

export type ToFsProcess =
  | { readonly type: 'start'; readonly options: FsStartOptions }
  | { readonly type: 'query'; readonly id: number; readonly name: string; readonly args?: unknown }
  /** They are these from now on. */
  | { readonly type: 'ram-chosen'; readonly choices: Pick<RamdiskOptions, 'chosen' | 'isFull'> }
  /** Test mode: loses, at random, what was not synced, and ends the process as SIGKILL does. */
  | { readonly type: 'power-cut' }
  | { readonly type: 'stop' };

export type FromFsProcess =
  /**
   * It has its options, and goes on without the supervisor if need be: it serves as soon as its predecessors have
   * ended.
   */
  | { readonly type: 'standby' }
  | { readonly type: 'ready'; readonly passthrough: PassthroughState; readonly archive: ArchiveState }
  /** The mount cannot be served; the process exits with code 1 after this. */
  | { readonly type: 'failed'; readonly code: string; readonly message: string; readonly hint?: string }
  | { readonly type: 'answer'; readonly id: number; readonly value: unknown }
  | { readonly type: 'answer'; readonly id: number; readonly error: string }
  | {
      readonly type: 'log';
      readonly level: LogLevel;
      readonly event: string;
      readonly fields: Readonly<Record<string, unknown>>;
    }
  /** These databases, by their path below the data directory, were most likely written: a write lock was given back. */
  | { readonly type: 'committed'; readonly databases: readonly WrittenDatabase[] }
  /** Somebody waits until the write-ahead log of this database, by the same path, was archived. */
  | { readonly type: 'unread'; readonly database: string }
  /** All databases that are fenced now; at the start, and at each change. */
  | { readonly type: 'fenced'; readonly databases: readonly string[] }
  /**
   * The connection ended without `stop`: somebody unmounted or aborted it. The process exits with code 0 after this.
   */
  | { readonly type: 'unmounted' };
