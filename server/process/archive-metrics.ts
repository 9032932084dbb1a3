// Gauges of the commits that are kept. They have no values where none are kept.
import { Gauge, type Registry } from 'prom-client';
import type { ArchiveFigures } from '../index.ts';

const gauges: readonly {
  readonly name: string;
  readonly help: string;
  readonly of: (all: ArchiveFigures) => number;
}[] = [
  { name: 'databases', help: 'Databases whose commits are kept.', of: ({ databases }) => databases },
  { name: 'commits', help: 'Commits that are kept and can be listed.', of: ({ commits }) => commits },
  { name: 'bytes', help: 'What the logs of commits take on the disk.', of: ({ bytes }) => bytes },
  { name: 'budget_bytes', help: 'What they may take.', of: ({ budgetBytes }) => budgetBytes },
  { name: 'lag_bytes', help: 'Bytes of write-ahead logs that are not read yet.', of: ({ lagBytes }) => lagBytes },
  { name: 'lag_seconds', help: 'How long the oldest of these waits.', of: ({ lagMs }) => lagMs / 1000 },
  { name: 'gaps', help: 'Times at which commits were missed.', of: ({ gaps }) => gaps },
];

export class ArchiveMetrics {
  readonly #registry: Registry;
  #gauges: readonly { readonly gauge: Gauge; readonly of: (all: ArchiveFigures) => number }[] | undefined;

  constructor(registry: Registry) {
    this.#registry = registry;
  }

  /** null leaves the figures of before, or none. */
  show(figures: ArchiveFigures | null): void {
    if (figures === null) return;
    this.#gauges ??= gauges.map(({ name, help, of }) => ({
      gauge: new Gauge({ name: `hoody_sqlite_archive_${name}`, help, registers: [this.#registry] }),
      of,
    }));
    for (const { gauge, of } of this.#gauges) gauge.set(of(figures));
  }
}
