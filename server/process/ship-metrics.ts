// Figures of the copy of all commits elsewhere. They have no values where there is none.
import { Counter, Gauge, type Registry } from 'prom-client';
import type { ShipFigures } from '../index.ts';

interface Figure {
  readonly name: string;
  readonly help: string;
  readonly of: (all: ShipFigures) => number;
}

const gauges: readonly Figure[] = [
  { name: 'databases', help: 'Databases that are shipped.', of: ({ databases }) => databases },
  { name: 'lag_bytes', help: 'Pages of commits that are not in the store yet.', of: ({ lagBytes }) => lagBytes },
  { name: 'lag_seconds', help: 'How long the oldest of these waits.', of: ({ lagMs }) => lagMs / 1000 },
  { name: 'failing', help: '1 while the store, or a database, cannot be shipped.', of: ({ isFailing }) => +isFailing },
];
const counters: readonly Figure[] = [
  { name: 'files_total', help: 'Files that were written to the store.', of: ({ filesWritten }) => filesWritten },
  { name: 'bytes_total', help: 'What these hold.', of: ({ bytesWritten }) => bytesWritten },
  { name: 'errors_total', help: 'Attempts to ship that failed.', of: ({ errors }) => errors },
];

export class ShipMetrics {
  readonly #registry: Registry;
  #shown: readonly ((figures: ShipFigures) => void)[] | undefined;

  constructor(registry: Registry) {
    this.#registry = registry;
  }

  /** null leaves the figures of before, or none. */
  show(figures: ShipFigures | null): void {
    if (figures === null) return;
    this.#shown ??= this.#make();
    for (const show of this.#shown) show(figures);
  }

  #make(): readonly ((figures: ShipFigures) => void)[] {
    const settings = ({ name, help }: Figure) => ({
      name: `hoody_sqlite_ship_${name}`,
      help,
      registers: [this.#registry],
    });
    return [
      ...gauges.map((figure) => {
        const gauge = new Gauge(settings(figure));
        return (figures: ShipFigures) => gauge.set(figure.of(figures));
      }),
      ...counters.map((figure) => {
        const counter = new Counter(settings(figure));
        return (figures: ShipFigures) => {
          counter.reset();
          counter.inc(figure.of(figures));
        };
      }),
    ];
  }
}
