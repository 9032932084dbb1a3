// All kept commits in a few figures, for `status` and /metrics.
import type { ArchiveStatus } from '../../fs/index.ts';

export interface ArchiveSummary {
  /** Databases whose commits are kept. */
  readonly databases: number;
  /** Commits of these that can be listed. */
  readonly commits: number;
  /** What the logs take on the disk, and what they may take. */
  readonly bytes: number;
  readonly budgetBytes: number;
  /** Of write-ahead logs, what is not read yet. */
  readonly lagBytes: number;
  /** How long the oldest of that waits. */
  readonly lagMs: number;
  /** Times at which commits were missed. */
  readonly gaps: number;
  /** Databases whose commits are not kept, and why. */
  readonly left: readonly { readonly database: string; readonly reason: string }[];
}

export function summaryOf({ databases, bytes, budgetBytes }: ArchiveStatus): ArchiveSummary {
  const kept = databases.filter(({ state }) => state !== 'off');
  const sum = (of: (database: (typeof kept)[number]) => number) => kept.reduce((total, one) => total + of(one), 0);
  return {
    databases: kept.length,
    commits: sum(({ commits }) => commits),
    bytes,
    budgetBytes,
    lagBytes: sum(({ lagBytes }) => lagBytes),
    lagMs: Math.max(0, ...kept.map(({ lagMs }) => lagMs ?? 0)),
    gaps: sum(({ gaps }) => gaps),
    left: databases
      .filter(({ state }) => state === 'off')
      .map(({ name, reason }) => ({ database: name, reason: reason ?? 'no reason is known' })),
  };
}
