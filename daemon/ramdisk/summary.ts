// All databases in RAM in a few figures, for `status` and /metrics.
import type { TierStatus } from '../../fs/index.ts';
import type { RamdiskFigures } from '../../server/index.ts';

export function summaryOfTier({ databases, refused, usedBytes, sizeBytes }: TierStatus): RamdiskFigures {
  return {
    databases: databases.length,
    usedBytes,
    sizeBytes,
    lagMs: Math.round(Math.max(0, ...databases.map(({ lagMs }) => lagMs))),
    lagBytes: databases.reduce((sum, { lagBytes }) => sum + lagBytes, 0),
    refused: Object.keys(refused).length,
  };
}

const warnedLagMs = 10_000;

/** One sentence for each thing that an operator should know. */
export function troublesOfTier({ databases, refused }: TierStatus): string[] {
  return [
    ...Object.entries(refused).map(([path, reason]) => `${path} cannot be opened: ${reason}`),
    ...databases
      .filter(({ lagMs }) => lagMs > warnedLagMs)
      .map(({ path, lagMs, trouble = 'it is written all the time' }) => {
        return `the durable copy of ${path} is ${Math.round(lagMs / 1000)} s behind: ${trouble}`;
      }),
  ];
}
