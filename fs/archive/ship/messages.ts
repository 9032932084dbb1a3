// Messages of the ship process. Plain data only: they cross process borders.
import type { ShipErrorCode } from './ship-error.ts';

/** First message to the ship process. */
export interface ShipStartOptions {
  /** The folder of the commit logs; it is read, never written. */
  readonly archiveDir: string;
  /** For files that are being made, one at a time; what is in it is removed at the start. */
  readonly workDir: string;
  /** `file:///folder` or `s3://bucket/prefix`. */
  readonly url: string;
  /** Any moment of this time can be restored. */
  readonly keepSeconds: number;
}

export interface ShipFailure {
  /** `conflict`: another program ships there. `failed`: a fault of our own, or of the commit log. */
  readonly code: ShipErrorCode | 'conflict' | 'failed';
  /** With what to do about it, without credentials. */
  readonly message: string;
  /** When it began, in milliseconds since 1970. */
  readonly sinceMs: number;
}

export interface ShippedDatabase {
  /** The path below the data directory. */
  readonly name: string;
  /** Of its newest file in the store; 0: none yet. */
  readonly txid: number;
  /** Time of the newest commit that is in the store; null: none is. */
  readonly shippedMs: number | null;
  /** How long the oldest commit waits that is not in the store; 0: none does. */
  readonly lagMs: number;
  /** Pages of commits that are not in the store, in bytes. */
  readonly lagBytes: number;
  readonly failure?: ShipFailure;
}

export interface ShipStatus {
  /** Without credentials. */
  readonly url: string;
  /** The longest of all databases. */
  readonly lagMs: number;
  /** Of all databases together. */
  readonly lagBytes: number;
  /** Since the process began. */
  readonly filesWritten: number;
  readonly bytesWritten: number;
  /** Attempts that failed. */
  readonly errors: number;
  /** What keeps all of them, or the database that waits longest, from being shipped. */
  readonly failure?: ShipFailure;
  readonly databases: readonly ShippedDatabase[];
}

export type ToShip =
  | { readonly type: 'start'; readonly options: ShipStartOptions }
  /** The answer to `status` is a ShipStatus. */
  | { readonly type: 'query'; readonly id: number; readonly name: 'status' | 'alive' }
  | { readonly type: 'stop' };
