// Gauges of databases in RAM. They have no values where none is.
import { Gauge, type Registry } from 'prom-client';
import type { RamdiskFigures } from '../index.ts';

const gauges: readonly {
  readonly name: string;
  readonly help: string;
  readonly of: (all: RamdiskFigures) => number;
}[] = [
  { name: 'databases', help: 'Databases that work in RAM.', of: ({ databases }) => databases },
  { name: 'used_bytes', help: 'What the tmpfs holds.', of: ({ usedBytes }) => usedBytes },
  { name: 'size_bytes', help: 'What it has room for.', of: ({ sizeBytes }) => sizeBytes },
  { name: 'lag_seconds', help: 'How far the durable copies may be behind.', of: ({ lagMs }) => lagMs / 1000 },
  { name: 'lag_bytes', help: 'Bytes of write-ahead logs that are not copied yet.', of: ({ lagBytes }) => lagBytes },
  { name: 'refused', help: 'Databases of which nobody knows which copy counts.', of: ({ refused }) => refused },
];

export class RamdiskMetrics {
  readonly #registry: Registry;
  #gauges: readonly { readonly gauge: Gauge; readonly of: (all: RamdiskFigures) => number }[] | undefined;

  constructor(registry: Registry) {
    this.#registry = registry;
  }

  /** null leaves the figures of before, or none. */
  show(figures: RamdiskFigures | null): void {
    if (figures === null) return;
    this.#gauges ??= gauges.map(({ name, help, of }) => ({
      gauge: new Gauge({ name: `hoody_sqlite_ramdisk_${name}`, help, registers: [this.#registry] }),
      of,
    }));
    for (const { gauge, of } of this.#gauges) gauge.set(of(figures));
  }
}
