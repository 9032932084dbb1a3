// What the supervisor and the tier process say to each other over Node's IPC channel. Plain data only.
import type { CopyStatus } from './copier.ts';

export interface TierStartOptions {
  readonly dataDir: string;
  /** A folder on a tmpfs, for this data directory alone. */
  readonly root: string;
  /** Globs of paths below the data directory, and what was chosen for single paths: it comes before the globs. */
  readonly globs: readonly string[];
  readonly chosen: Readonly<Record<string, 'ram' | 'disk'>>;
  /** How far durable copies may be behind. */
  readonly lagMs: number;
  /** Of all files in RAM together; 0: what the tmpfs has room for. */
  readonly maxBytes: number;
  /** Nobody serves the mount: databases that belong in RAM are brought there before `ready`. */
  readonly mayLoad: boolean;
}

export interface TierStatus {
  readonly databases: readonly CopyStatus[];
  /** Databases that may not be opened, by path, and why. */
  readonly refused: Readonly<Record<string, string>>;
  /** Of all files of databases in RAM. */
  readonly ownBytes: number;
  /** What the tmpfs holds and has room for. */
  readonly usedBytes: number;
  readonly sizeBytes: number;
}

export type TierQuestion =
  | { readonly op: 'status' }
  /** All databases, or one: has the durable copy brought up to date. Answers with those that are not. */
  | { readonly op: 'flush'; readonly path?: string }
  /** Makes the other file of a database that is about to move. Answers with PreparedMove. */
  | { readonly op: 'prepare'; readonly path: string; readonly to: 'ram' | 'disk' }
  /** Goes on with one of the two files of a database that is refused. */
  | { readonly op: 'keep'; readonly path: string; readonly copy: 'ram' | 'disk' };

/** `stamps` for RamMove. */
export type PreparedMove =
  | { readonly ok: true; readonly stamps: readonly string[] }
  | { readonly ok: false; readonly reason: string };

export interface FlushAnswer {
  /** Databases whose durable copy is behind: path, and why. */
  readonly behind: Readonly<Record<string, string>>;
}

export type ToTier =
  | { readonly type: 'start'; readonly options: TierStartOptions }
  | { readonly type: 'query'; readonly id: number; readonly name: string; readonly args: TierQuestion }
  /** Somebody waits until the write-ahead log of a database was copied. */
  | { readonly type: 'unread'; readonly database: string }
  /** After the mount has ended. */
  | { readonly type: 'stop' };
