// Ships all databases: looks for new commits, gives each database its turn, and waits where the store is away. Nothing
// is held back for the store but what the commit log keeps anyway.
import type { Log } from '../../log.ts';
import { DatabaseShip } from './database-ship.ts';
import { LogWatch, type Watched } from './log-watch.ts';
import type { ShipFailure, ShippedDatabase, ShipStatus } from './messages.ts';
import { Packer } from './pack.ts';
import { ShipConflict } from './ship-conflict.ts';
import { ShipError } from './ship-error.ts';
import type { ShipStore } from './store.ts';

/** How often the logs are looked at. */
const lookMs = 250;
/** Between two files of a database. */
const fileEveryMs = 1_000;
/** Databases that are shipped at once. */
const atOnce = 4;
const firstRetryMs = 1_000;
const longestRetryMs = 60_000;
const conflictRetryMs = 300_000;

export interface ShipperSpec {
  readonly archiveDir: string;
  /** It is there. */
  readonly workDir: string;
  readonly store: ShipStore;
  readonly keepMs: number;
  readonly log: Log;
  /** Default: Date.now. */
  readonly now?: () => number;
}

interface Entry {
  readonly ship: DatabaseShip;
  watched: Watched;
  /** What was there when the store got all of it. */
  shippedSign: string;
  shippedBytes: number;
  /** Since when something is seen to be there that the store lacks. */
  behindSinceMs: number | undefined;
  /** When its newest attempt began. */
  triedMs: number;
  isBusy: boolean;
  retryMs: number;
  failure: ShipFailure | undefined;
}

export class Shipper {
  readonly #spec: ShipperSpec;
  readonly #now: () => number;
  readonly #watch: LogWatch;
  readonly #packer: Packer;
  readonly #entries = new Map<string, Entry>();
  #timer: NodeJS.Timeout | undefined;
  #running = new Set<Promise<void>>();
  /** Of the store itself: one database tries whether it is back, the others wait. */
  #outage: { readonly failure: ShipFailure; triedMs: number; retryMs: number } | undefined;
  #totals = { filesWritten: 0, bytesWritten: 0, errors: 0 };
  #isStopped = false;

  constructor(spec: ShipperSpec) {
    this.#spec = spec;
    this.#now = spec.now ?? Date.now;
    this.#watch = new LogWatch(spec.archiveDir);
    this.#packer = new Packer(spec.workDir);
  }

  start(): void {
    this.#look();
  }

  /** Ships what is not there yet, for so long at most. A store that is away is not waited for. */
  async stop(timeoutMs: number): Promise<void> {
    this.#isStopped = true;
    clearTimeout(this.#timer);
    let timer: NodeJS.Timeout | undefined;
    const timeout = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, timeoutMs);
    });
    await Promise.race([this.#shipTheRest(), timeout]);
    clearTimeout(timer);
  }

  async #shipTheRest(): Promise<void> {
    await Promise.all(this.#running);
    this.#takeIn();
    const waiting = [...this.#entries.values()].filter(
      ({ watched, shippedSign, failure }) => watched.sign !== shippedSign && failure === undefined,
    );
    const worker = async () => {
      for (let entry = waiting.pop(); entry && this.#outage === undefined; entry = waiting.pop())
        await this.#ship(entry);
    };
    await Promise.all(Array.from({ length: atOnce }, worker));
  }

  #look(): void {
    if (this.#isStopped) return;
    const startMs = performance.now();
    this.#takeIn();
    this.#fill();
    // With many databases a look takes long: then there are fewer of them.
    const pauseMs = Math.max(lookMs, (performance.now() - startMs) * 10);
    this.#timer = setTimeout(() => this.#look(), pauseMs);
  }

  /** What there is now. */
  #takeIn(): void {
    const found = this.#watch.look();
    for (const name of this.#entries.keys()) if (!found.has(name)) this.#entries.delete(name);
    for (const watched of found.values()) {
      const entry = this.#entryOf(watched);
      entry.watched = watched;
      if (watched.sign !== entry.shippedSign) entry.behindSinceMs ??= this.#now();
    }
  }

  #entryOf(watched: Watched): Entry {
    const known = this.#entries.get(watched.name);
    if (known !== undefined) return known;
    const entry: Entry = {
      ship: new DatabaseShip({
        name: watched.name,
        store: this.#spec.store,
        packer: this.#packer,
        keepMs: this.#spec.keepMs,
        now: this.#now,
        wrote: (bytes) => {
          this.#totals.filesWritten++;
          this.#totals.bytesWritten += bytes;
        },
      }),
      watched,
      shippedSign: '',
      shippedBytes: 0,
      behindSinceMs: undefined,
      triedMs: Number.NEGATIVE_INFINITY,
      isBusy: false,
      retryMs: 0,
      failure: undefined,
    };
    this.#entries.set(watched.name, entry);
    return entry;
  }

  #fill(): void {
    const now = this.#now();
    const outage = this.#outage;
    if (outage !== undefined && (now < outage.triedMs + outage.retryMs || this.#running.size > 0)) return;
    const limit = outage === undefined ? atOnce : 1;
    const ready = [...this.#entries.values()].filter((entry) => isReady(entry, now));
    ready.sort((a, b) => a.triedMs - b.triedMs);
    for (const entry of ready.slice(0, Math.max(0, limit - this.#running.size))) {
      if (outage !== undefined) outage.triedMs = now;
      const run: Promise<void> = this.#ship(entry).finally(() => {
        this.#running.delete(run);
        if (!this.#isStopped) this.#fill();
      });
      this.#running.add(run);
    }
  }

  async #ship(entry: Entry): Promise<void> {
    const { ship, watched } = entry;
    entry.isBusy = true;
    entry.triedMs = this.#now();
    try {
      await ship.ship(watched.folder);
      // Without a mark its first copy is being made: look again.
      if (ship.waitingSinceMs === undefined) {
        entry.shippedSign = watched.sign;
        entry.shippedBytes = watched.appendedBytes;
        entry.behindSinceMs = undefined;
      }
      this.#succeeded(entry);
    } catch (error) {
      this.#failed(entry, error);
    } finally {
      entry.isBusy = false;
    }
  }

  #succeeded(entry: Entry): void {
    const { url } = this.#spec.store;
    if (this.#outage !== undefined) {
      this.#spec.log('info', 'ship-goes-on', { url, seconds: this.#secondsSince(this.#outage.failure) });
    } else if (entry.failure !== undefined) {
      const { name } = entry.watched;
      this.#spec.log('info', 'ship-goes-on', { url, database: name, seconds: this.#secondsSince(entry.failure) });
    }
    this.#outage = undefined;
    entry.failure = undefined;
    entry.retryMs = 0;
  }

  #secondsSince({ sinceMs }: ShipFailure): number {
    return Math.round((this.#now() - sinceMs) / 1000);
  }

  #failed(entry: Entry, error: unknown): void {
    this.#totals.errors++;
    const { url } = this.#spec.store;
    const code = error instanceof ShipError ? error.code : error instanceof ShipConflict ? 'conflict' : 'failed';
    const message = error instanceof Error ? error.message : String(error);
    const failure = { code, message, sinceMs: this.#now() } as const;
    const retryMs = (before: number): number => Math.min(Math.max(firstRetryMs, before * 2), longestRetryMs);
    if (isOfStore(code)) {
      // Once for all of them, and once for the time that it lasts.
      if (this.#outage === undefined) this.#spec.log('warn', 'ship-failing', { url, code, message });
      const sinceMs = this.#outage?.failure.sinceMs ?? failure.sinceMs;
      this.#outage = {
        failure: { ...failure, sinceMs },
        triedMs: this.#now(),
        retryMs: retryMs(this.#outage?.retryMs ?? 0),
      };
      return;
    }
    if (entry.failure === undefined) {
      this.#spec.log('warn', 'ship-failing', { url, database: entry.watched.name, code, message });
    }
    entry.failure = { ...failure, sinceMs: entry.failure?.sinceMs ?? failure.sinceMs };
    entry.retryMs = code === 'conflict' ? conflictRetryMs : retryMs(entry.retryMs);
    if (code === 'conflict' || code === 'damaged' || code === 'missing') entry.ship.forgetStore();
  }

  get status(): ShipStatus {
    const databases = [...this.#entries.values()].map((entry) => this.#statusOf(entry));
    const worst = databases.filter(({ failure }) => failure !== undefined).sort((a, b) => b.lagMs - a.lagMs)[0];
    const failure = this.#outage?.failure ?? worst?.failure;
    return {
      url: this.#spec.store.url,
      lagMs: Math.max(0, ...databases.map(({ lagMs }) => lagMs)),
      lagBytes: databases.reduce((sum, { lagBytes }) => sum + lagBytes, 0),
      ...this.#totals,
      ...(failure && { failure }),
      databases,
    };
  }

  #statusOf({ ship, watched, shippedSign, shippedBytes, behindSinceMs, failure }: Entry): ShippedDatabase {
    const isCurrent = watched.sign === shippedSign;
    // The store says since when, once it has answered.
    const sinceMs = ship.waitingSinceMs ?? behindSinceMs ?? this.#now();
    return {
      name: watched.name,
      txid: ship.txid,
      shippedMs: ship.shippedMs,
      lagMs: isCurrent ? 0 : Math.max(0, this.#now() - sinceMs),
      lagBytes: isCurrent ? 0 : Math.max(0, watched.appendedBytes - shippedBytes),
      ...(failure && { failure }),
    };
  }
}

function isReady({ ship, watched, shippedSign, triedMs, isBusy, retryMs }: Entry, now: number): boolean {
  if (isBusy || now < triedMs + Math.max(fileEveryMs, retryMs)) return false;
  return watched.sign !== shippedSign || now >= ship.dueMs;
}

function isOfStore(code: ShipFailure['code']): boolean {
  return code === 'away' || code === 'denied' || code === 'full' || code === 'bad-url' || code === 'unsupported';
}
