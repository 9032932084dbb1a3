// All databases in RAM: has each one copied in time, and answers about them.
import { existsSync, rmSync, statfsSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { Log } from '../log.ts';
import { Copier } from './copier.ts';
import { dropFromRam, dropOfEarlierBoot, judge, load, loadChosen, refusedOf } from './load.ts';
import type { FlushAnswer, PreparedMove, TierQuestion, TierStartOptions, TierStatus } from './messages.ts';
import { forget, stampsOf } from './place.ts';
import { findPlaces, ownBytesOf } from './places.ts';
import { keepReserve } from './reserve.ts';

/** Looks so many times within the time that a durable copy may be behind. */
const looksPerLag = 4;
const leastPauseMs = 10;
const warnedLagMs = 10_000;
const flushPatienceMs = 10_000;
const flushRetryMs = 20;

export class Tier {
  readonly #options: TierStartOptions;
  readonly #log: Log;
  /** By the path of the file in RAM. */
  readonly #copiers = new Map<string, Copier>();
  #refused = new Map<string, string>();
  readonly #end = new AbortController();
  readonly #warned = new Set<string>();
  #running: Promise<void> | undefined;

  constructor(options: TierStartOptions, log: Log) {
    this.#options = options;
    this.#log = log;
  }

  /** Resolves when everything that belongs in RAM is there. */
  async prepare(): Promise<void> {
    const { dataDir, root, mayLoad } = this.#options;
    if (mayLoad) dropOfEarlierBoot(root, this.#log);
    const places = findPlaces(dataDir, root);
    // While the mount serves, what is in RAM counts.
    this.#refused = mayLoad ? judge(places, this.#log) : refusedOf(places);
    if (mayLoad) await loadChosen(this.#options, this.#log);
  }

  run(): void {
    this.#running = this.#loop();
  }

  /** Brings every durable copy up to date and ends. */
  async stop(): Promise<void> {
    this.#end.abort();
    await this.#running;
    const { behind } = await this.#flush(undefined);
    for (const [database, reason] of Object.entries(behind)) {
      this.#log('error', 'ramdisk-not-flushed', { database, reason, effect: 'a reboot would lose its newest commits' });
    }
  }

  async answer(question: TierQuestion): Promise<TierStatus | FlushAnswer | PreparedMove> {
    if (question.op === 'status') return this.#status();
    if (question.op === 'flush') return await this.#flush(question.path);
    if (question.op === 'keep') return this.#keep(question.path, question.copy);
    return question.to === 'ram' ? await this.#prepareRam(question.path) : await this.#prepareDisk(question.path);
  }

  async #loop(): Promise<void> {
    const pauseMs = Math.max(leastPauseMs, this.#options.lagMs / looksPerLag);
    while (!this.#end.signal.aborted) {
      this.#find();
      keepReserve(this.#options.root);
      await Promise.all([...this.#copiers.values()].map((copier) => copier.poll()));
      this.#warn();
      await delay(pauseMs, undefined, { signal: this.#end.signal }).catch(() => {});
    }
  }

  /** A program waits until the log of a database, by its path, may be begun anew. */
  copySoon(path: string): void {
    for (const copier of this.#copiers.values()) if (copier.place.path === path) void copier.poll(true);
  }

  /** Databases come and go, and get other names. */
  #find(): void {
    const { dataDir, root } = this.#options;
    const found = new Map(findPlaces(dataDir, root).map((place) => [place.ram, place]));
    for (const [ram, copier] of this.#copiers) {
      const place = found.get(ram);
      if (place !== undefined && place.durable === copier.place.durable) continue;
      this.#copiers.delete(ram);
      if (!existsSync(ram)) forget(copier.place);
    }
    for (const [ram, place] of found) {
      if (this.#copiers.has(ram) || this.#refused.has(place.path)) continue;
      if (existsSync(place.durable)) this.#copiers.set(ram, new Copier(place, this.#log));
    }
  }

  #warn(): void {
    for (const { place, status } of this.#copiers.values()) {
      const isLate = status.lagMs > warnedLagMs;
      if (isLate && !this.#warned.has(place.path)) {
        const { lagMs, lagBytes, trouble = 'it is written all the time' } = status;
        this.#log('warn', 'ramdisk-lag', { database: place.path, lagMs: Math.round(lagMs), lagBytes, reason: trouble });
        this.#warned.add(place.path);
      } else if (!isLate) this.#warned.delete(place.path);
    }
  }

  #status(): TierStatus {
    this.#find(); // one may have moved a moment ago
    const { blocks, bavail, bsize } = statfsSync(this.#options.root);
    return {
      databases: [...this.#copiers.values()].map(({ status }) => status),
      refused: Object.fromEntries(this.#refused),
      ownBytes: ownBytesOf(findPlaces(this.#options.dataDir, this.#options.root)),
      usedBytes: (blocks - bavail) * bsize,
      sizeBytes: blocks * bsize,
    };
  }

  async #flush(path: string | undefined): Promise<FlushAnswer> {
    this.#find();
    const wanted = [...this.#copiers.values()].filter(({ place }) => path === undefined || place.path === path);
    const behind: Record<string, string> = {};
    await Promise.all(
      wanted.map(async (copier) => {
        if (!(await this.#flushOne(copier))) behind[copier.place.path] = copier.status.trouble ?? 'it is being written';
      }),
    );
    if (path !== undefined && wanted.length === 0) behind[path] = 'it is not in RAM';
    return { behind };
  }

  async #flushOne(copier: Copier): Promise<boolean> {
    const endsMs = performance.now() + flushPatienceMs;
    for (;;) {
      if ((await copier.pollAnew()) || copier.copyPlainly()) return true;
      if (performance.now() > endsMs) return false;
      await delay(flushRetryMs);
    }
  }

  async #prepareRam(path: string): Promise<PreparedMove> {
    const stamps = stampsOf(join(this.#options.dataDir, path));
    const loaded = await load(this.#options, path, 'moving');
    return typeof loaded === 'string' ? { ok: false, reason: loaded } : { ok: true, stamps };
  }

  /** The durable copy has everything that the files in RAM with these stamps hold. */
  async #prepareDisk(path: string): Promise<PreparedMove> {
    this.#find();
    const copier = [...this.#copiers.values()].find(({ place }) => place.path === path);
    if (copier === undefined) return { ok: false, reason: 'it is not in RAM' };
    const stamps = stampsOf(copier.place.ram);
    if (!(await this.#flushOne(copier))) return { ok: false, reason: copier.status.trouble ?? 'it is being written' };
    return { ok: true, stamps };
  }

  #keep(path: string, copy: 'ram' | 'disk'): PreparedMove {
    const { dataDir, root } = this.#options;
    const place = findPlaces(dataDir, root).find((known) => known.path === path);
    if (place === undefined || !this.#refused.has(path))
      return { ok: false, reason: 'nothing is to be decided about it' };
    if (copy === 'disk') dropFromRam(place);
    rmSync(join(place.folder, 'refused', place.name), { force: true });
    rmSync(join(place.folder, 'positions', place.name), { force: true });
    this.#refused.delete(path);
    return { ok: true, stamps: [] };
  }
}
