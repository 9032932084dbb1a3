// Prometheus metrics of the server process. Per request only one histogram is touched, through children that are kept,
// as a look-up by labels is most of what an observation costs.
import { Counter, Gauge, Histogram, Registry } from 'prom-client';
import type { DaemonState, FsCounters } from '../index.ts';
import { DaemonMetrics } from './daemon-metrics.ts';
import { openStreamCount } from './http/event-stream.ts';

const secondsBuckets = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30];
const jobsBuckets = [1, 2, 4, 8, 16, 32, 64, 128, 256];

export interface MetricsSources {
  readonly queuedJobs: () => number;
  readonly openDatabases: () => number;
  readonly executors: () => number;
  /** Executors that ended while they had work, deadlines included. */
  readonly executorDeaths: () => number;
  readonly version: string;
  /** Counters of the fs process; null without a mount. */
  readonly fsCounters: () => Promise<FsCounters | null>;
  /** null when the supervisor does not answer. */
  readonly daemonState: () => Promise<DaemonState | null>;
}

export class Metrics {
  readonly #registry = new Registry();
  readonly #seconds: Histogram;
  readonly #groupJobs: Histogram;
  readonly #observers = new Map<string, (seconds: number) => void>();
  readonly #groups = new Map<string, (jobs: number) => void>();
  readonly #fuseRequests: Counter;
  readonly #lockWaits: Counter;
  readonly #lockWaitSeconds: Counter;
  readonly #refusedForRoom: Counter;
  readonly #longestStep: Gauge;
  readonly #slowSteps: Counter;
  readonly #sources: MetricsSources;
  readonly #daemon: DaemonMetrics;
  #requests = 0;

  constructor(sources: MetricsSources) {
    this.#sources = sources;
    this.#daemon = new DaemonMetrics(this.#registry, sources.version);
    const registers = [this.#registry];
    this.#seconds = new Histogram({
      name: 'hoody_sqlite_request_seconds',
      help: 'Time from request to answer, by route and status.',
      labelNames: ['route', 'status'],
      buckets: secondsBuckets,
      registers,
    });
    this.#groupJobs = new Histogram({
      name: 'hoody_sqlite_group_jobs',
      help: 'Jobs that went to an executor together, by lane.',
      labelNames: ['lane'],
      buckets: jobsBuckets,
      registers,
    });
    addGauge(this.#registry, 'queued_jobs', 'Jobs that wait or run.', sources.queuedJobs);
    addGauge(this.#registry, 'open_databases', 'Databases that executors have open.', sources.openDatabases);
    addGauge(this.#registry, 'executors', 'Executor processes.', sources.executors);
    addGauge(this.#registry, 'streams', 'Event streams that somebody reads.', openStreamCount);
    new Counter({
      name: 'hoody_sqlite_executor_deaths_total',
      help: 'Executors that ended while they had work.',
      registers,
      collect() {
        this.reset();
        this.inc(sources.executorDeaths());
      },
    });
    addGauge(this.#registry, 'resident_bytes', 'Resident memory of the server process.', () =>
      process.memoryUsage.rss(),
    );
    this.#fuseRequests = new Counter({
      name: 'hoody_sqlite_fuse_requests_total',
      help: 'Requests of the kernel to the fs process, by opcode.',
      labelNames: ['opcode'],
      registers,
    });
    this.#lockWaits = new Counter({
      name: 'hoody_sqlite_lock_waits_total',
      help: 'Lock requests that waited.',
      registers,
    });
    this.#lockWaitSeconds = new Counter({
      name: 'hoody_sqlite_lock_wait_seconds_total',
      help: 'Time that lock requests waited.',
      registers,
    });
    this.#refusedForRoom = new Counter({
      name: 'hoody_sqlite_fs_refused_for_room_total',
      help: 'Locks, waits and opens refused since the memory in which a successor of the fs process finds them is full.',
      registers,
    });
    this.#longestStep = new Gauge({
      name: 'hoody_sqlite_fs_longest_step_seconds',
      help: 'The longest time since its start that the fs process was busy with one thing and served no lock.',
      registers,
    });
    this.#slowSteps = new Counter({
      name: 'hoody_sqlite_fs_slow_steps_total',
      help: 'How often it was busy with one thing for 5 ms and more.',
      registers,
    });
  }

  get requests(): number {
    return this.#requests;
  }

  observe(route: string, status: number, seconds: number): void {
    this.#requests += 1;
    const name = `${route} ${status}`;
    let observer = this.#observers.get(name);
    if (observer === undefined) {
      const child = this.#seconds.labels({ route, status });
      observer = (value) => child.observe(value);
      this.#observers.set(name, observer);
    }
    observer(seconds);
  }

  observeGroup(lane: string, jobs: number): void {
    let observer = this.#groups.get(lane);
    if (observer === undefined) {
      const child = this.#groupJobs.labels({ lane });
      observer = (value) => child.observe(value);
      this.#groups.set(lane, observer);
    }
    observer(jobs);
  }

  get contentType(): string {
    return this.#registry.contentType;
  }

  async text(): Promise<string> {
    const [counters, daemon] = await Promise.all([this.#sources.fsCounters(), this.#sources.daemonState()]);
    if (daemon !== null) this.#daemon.show(daemon);
    if (counters !== null) {
      this.#fuseRequests.reset();
      for (const [opcode, count] of Object.entries(counters.requests)) this.#fuseRequests.inc({ opcode }, count);
      this.#lockWaits.reset();
      this.#lockWaits.inc(counters.lockWaits);
      this.#lockWaitSeconds.reset();
      this.#lockWaitSeconds.inc(counters.lockWaitMs / 1000);
      this.#refusedForRoom.reset();
      this.#refusedForRoom.inc(counters.refusedForRoom);
      this.#longestStep.set(counters.longestStepMs / 1000);
      this.#slowSteps.reset();
      this.#slowSteps.inc(counters.slowSteps);
    }
    return this.#registry.metrics();
  }
}

function addGauge(registry: Registry, name: string, help: string, read: () => number): void {
  new Gauge({
    name: `hoody_sqlite_${name}`,
    help,
    registers: [registry],
    collect() {
      this.set(read());
    },
  });
}
