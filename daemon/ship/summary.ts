// All that is shipped in a few figures, for `status` and /metrics.
import type { ShipStatus } from '../../fs/index.ts';

export interface ShipSummary {
  /** Without credentials and options. */
  readonly url: string;
  readonly databases: number;
  /** Pages of commits that are not in the store yet, in bytes, and how long the oldest of these commits waits. */
  readonly lagBytes: number;
  readonly lagMs: number;
  /** Since the ship process began. */
  readonly filesWritten: number;
  readonly bytesWritten: number;
  readonly errors: number;
  /** Why nothing, or not all of it, is shipped right now; null while all is well. */
  readonly failure: { readonly message: string; readonly since: string } | null;
}

export function summaryOf({ databases, failure, ...figures }: ShipStatus): ShipSummary {
  const { url, lagBytes, lagMs, filesWritten, bytesWritten, errors } = figures;
  return {
    url,
    databases: databases.length,
    lagBytes,
    lagMs,
    filesWritten,
    bytesWritten,
    errors,
    failure: failure ? { message: failure.message, since: new Date(failure.sinceMs).toISOString() } : null,
  };
}

/** For the list of what does not work as asked for. */
export function shipFault(ship: ShipSummary | undefined): string[] {
  if (!ship?.failure) return [];
  const { message, since } = ship.failure;
  return [`commits are not shipped since ${since}: ${message}`];
}
