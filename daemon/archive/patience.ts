// How long a question about the past may take.
import type { ArchiveQuestion } from '../../fs/index.ts';

const secondMs = 1_000;
const minuteMs = 60 * secondMs;

/** Whole databases are read and written by the second group, all logs by the third. */
const patienceMs: Readonly<Record<ArchiveQuestion['op'], number>> = {
  settle: 5 * secondMs,
  status: 30 * secondMs,
  history: 30 * secondMs,
  resolve: 30 * secondMs,
  'changed-pages': 30 * secondMs,
  'mark-rewind': 30 * secondMs,
  'last-rewind': 30 * secondMs,

  'changed-tables': 10 * minuteMs,
  materialise: 10 * minuteMs,
  parts: 10 * minuteMs,
  patch: 10 * minuteMs,

  prune: 60 * minuteMs,
  verify: 60 * minuteMs,
};

/** What is no question of the table gets the time of a quick one, for the answer that it is none. */
export function patienceMsFor({ op }: ArchiveQuestion): number {
  return patienceMs[op] ?? secondMs;
}
