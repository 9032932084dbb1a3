// Gauges of the daemon as its supervisor sees it: whether the mount is up, what is degraded, how often a process died.
import { Counter, Gauge, type Registry } from 'prom-client';
import type { DaemonState } from '../index.ts';
import { ArchiveMetrics } from './archive-metrics.ts';
import { RamdiskMetrics } from './ramdisk-metrics.ts';
import { ShipMetrics } from './ship-metrics.ts';

export class DaemonMetrics {
  readonly #mountUp: Gauge;
  readonly #degraded: Gauge;
  readonly #fenced: Gauge;
  readonly #walBytes: Gauge;
  readonly #restarts: Counter;
  readonly #archive: ArchiveMetrics;
  readonly #ship: ShipMetrics;
  readonly #ramdisk: RamdiskMetrics;

  constructor(registry: Registry, version: string) {
    const registers = [registry];
    this.#archive = new ArchiveMetrics(registry);
    this.#ship = new ShipMetrics(registry);
    this.#ramdisk = new RamdiskMetrics(registry);
    const build = new Gauge({
      name: 'hoody_sqlite_build_info',
      help: '1, with the version of the program that runs and of its Node.',
      labelNames: ['version', 'node'],
      registers,
    });
    build.set({ version, node: process.version }, 1);
    const started = new Gauge({
      name: 'process_start_time_seconds',
      help: 'Unix time at which the server process started.',
      registers,
    });
    started.set(Date.now() / 1000 - process.uptime());
    this.#mountUp = new Gauge({
      name: 'hoody_sqlite_mount_up',
      help: '1 while the mount is served, 0 while it is not, or while nothing is mounted.',
      registers,
    });
    this.#degraded = new Gauge({
      name: 'hoody_sqlite_degraded',
      help: 'Things that do not work as asked for; `hoody-sqlite status` names them.',
      registers,
    });
    this.#fenced = new Gauge({
      name: 'hoody_sqlite_fenced_databases',
      help: 'Databases that are locked for programs which have them open through a mount that has died.',
      registers,
    });
    this.#walBytes = new Gauge({
      name: 'hoody_sqlite_wal_bytes',
      help: 'Size of the write-ahead logs of all databases that somebody has open.',
      registers,
    });
    this.#restarts = new Counter({
      name: 'hoody_sqlite_child_restarts_total',
      help: 'How often the supervisor has started a process again, by its role.',
      labelNames: ['role'],
      registers,
    });
  }

  /** A supervisor that does not answer leaves the figures of before. */
  show(state: DaemonState): void {
    this.#mountUp.set(state.isMountUp ? 1 : 0);
    this.#degraded.set(state.degraded);
    this.#fenced.set(state.fencedDatabases);
    this.#walBytes.set(state.walBytes);
    this.#archive.show(state.archive);
    this.#ship.show(state.ship);
    this.#ramdisk.show(state.ramdisk);
    this.#restarts.reset();
    for (const [role, count] of Object.entries(state.restarts)) this.#restarts.inc({ role }, count);
  }
}
