// A log of random commits, and what is shipped of it: every file that the store has must lead to the state that was.
import { closeSync, mkdirSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'vitest';
import { FolderLogStore } from '../../../../fs/archive/log/log-store.ts';
import { LogUpkeep } from '../../../../fs/archive/log/upkeep.ts';
import type { Retention } from '../../../../fs/archive/messages.ts';
import { DatabaseShip } from '../../../../fs/archive/ship/database-ship.ts';
import { openStore } from '../../../../fs/archive/ship/open-store.ts';
import { Packer } from '../../../../fs/archive/ship/pack.ts';
import { restoreTo } from '../../../../fs/archive/ship/restore.ts';
import { planRestore } from '../../../../fs/archive/ship/restore-plan.ts';
import { ShipError } from '../../../../fs/archive/ship/ship-error.ts';
import type { ShipStore, StoredObject } from '../../../../fs/archive/ship/store.ts';
import { LoggedModel, type State, sumsOf } from '../logged-model.ts';

const keepAll: Retention = { everyCommitSeconds: 1e9, thinnedSeconds: 1e9, budgetBytes: 1e12 };

/** Does its work, or half of it, and then says that it has not. */
export class FlakyStore implements ShipStore {
  readonly #inner: ShipStore;
  failure: 'before' | 'after' | undefined;

  constructor(inner: ShipStore) {
    this.#inner = inner;
  }

  get url(): string {
    return this.#inner.url;
  }

  list(prefix: string): AsyncIterable<StoredObject> {
    return this.#inner.list(prefix);
  }

  read(name: string, range?: { offset: number; bytes: number }): Promise<Buffer> {
    return this.#inner.read(name, range);
  }

  async write(name: string, content: Buffer | { path: string }, options?: object): Promise<boolean> {
    if (this.failure === 'before') throw new ShipError('away', 'not there');
    const isNew = await this.#inner.write(name, content, options);
    if (this.failure === 'after') throw new ShipError('away', 'gone again');
    return isNew;
  }

  warnings(): Promise<readonly string[]> {
    return this.#inner.warnings();
  }

  remove(names: readonly string[]): Promise<void> {
    return this.#inner.remove(names);
  }
}

export class ShippedModel {
  readonly folder = mkdtempSync(join(tmpdir(), 'ship-model-'));
  readonly store = new FlakyStore(openStore(join(this.folder, 'store')));
  /** What the model lived through: time of each commit, and its state. */
  readonly moments: { readonly timeMs: number; readonly state: State }[] = [];
  nowMs = Date.UTC(2026, 0, 1);
  logs: FolderLogStore;
  readonly #archiveDir = join(this.folder, 'archive');
  readonly #segmentBytes: number;
  #model: LoggedModel;
  #inode = 1;
  #seed: number;
  ship: DatabaseShip;
  makesBases = true;
  /** Time of the newest commit when the first file was written. */
  firstShippedMs = Number.POSITIVE_INFINITY;
  readonly keepMs: number;

  constructor(seed: number, options: { keepMs?: number; segmentBytes?: number } = {}) {
    mkdirSync(join(this.folder, 'work'));
    this.#seed = seed;
    this.keepMs = options.keepMs ?? 3600_000;
    this.#segmentBytes = options.segmentBytes ?? 16 * 1024;
    this.logs = new FolderLogStore(this.#archiveDir, { segmentBytes: this.#segmentBytes });
    this.#model = this.#newModel();
    this.ship = this.newShip();
  }

  #newModel(): LoggedModel {
    this.#seed++;
    const pageBytes = 512 << (this.#seed % 2);
    return new LoggedModel({ seed: this.#seed, startMs: this.nowMs, stepMs: 4_000, pageBytes });
  }

  newShip(store: ShipStore = this.store): DatabaseShip {
    return new DatabaseShip({
      name: 'app.db',
      store,
      packer: new Packer(join(this.folder, 'work')),
      keepMs: this.keepMs,
      now: () => this.nowMs,
      wrote: () => {
        this.firstShippedMs = Math.min(this.firstShippedMs, Math.floor(this.moments.at(-1)?.timeMs ?? 0));
      },
    });
  }

  get logFolder(): string {
    return this.logs.incarnations.at(-1)?.folder ?? '';
  }

  commit(): void {
    const id = { inode: String(this.#inode), device: '1', name: 'app.db' };
    const { log, isNew } = this.logs.open(id);
    const number = log.append(this.#model.next(isNew ? 'base' : 'commit'));
    if (isNew && this.makesBases) {
      const path = this.logs.unfinishedBasePath(id);
      writeFileSync(path, Buffer.concat(this.#model.states[0] ?? []));
      log.setBase(path, 1);
    }
    const timeMs = this.#model.times[number] ?? 0;
    this.moments.push({ timeMs, state: this.#model.states[number] ?? [] });
    this.nowMs = Math.max(this.nowMs, timeMs + 1);
  }

  /** The file is replaced by another one. */
  replace(): void {
    this.#inode++;
    this.#model = this.#newModel();
  }

  restartArchive(): void {
    this.logs.close();
    this.logs = new FolderLogStore(this.#archiveDir, { segmentBytes: this.#segmentBytes });
  }

  async upkeep(retention: Partial<Retention> = {}): Promise<void> {
    const parts = { archiveDir: this.#archiveDir, store: this.logs, nowMs: () => this.nowMs, log: () => {} };
    await new LogUpkeep({ ...parts, retention: { ...keepAll, ...retention } }).round();
  }

  async restored(atMs?: number): Promise<{ readonly timeMs: number; readonly sums: string[] }> {
    const plan = await planRestore(this.store, 'app.db', atMs);
    const path = join(this.folder, 'restored');
    closeSync(openSync(path, 'w'));
    await restoreTo(this.store, plan, path, () => {});
    const bytes = readFileSync(path);
    const first = this.moments.findLast(({ timeMs }) => Math.floor(timeMs) <= plan.timeMs);
    const pageBytes = first?.state[0]?.length ?? 512;
    const pages = Array.from({ length: bytes.length / pageBytes }, (_, index) =>
      bytes.subarray(index * pageBytes, (index + 1) * pageBytes),
    );
    return { timeMs: plan.timeMs, sums: sumsOf(pages) };
  }

  /** What was at this time; of commits in the same millisecond, the last. */
  sumsAt(timeMs: number): string[] {
    return sumsOf(this.moments.findLast((moment) => Math.floor(moment.timeMs) <= timeMs)?.state ?? []);
  }

  /** The newest moment, and about so many others. @returns how many can be restored */
  async check(count: number): Promise<number> {
    const newest = await this.restored();
    expect(newest.sums).toEqual(this.sumsAt(newest.timeMs));
    let checked = 1;
    const step = Math.max(1, Math.floor(this.moments.length / count));
    for (let index = 0; index < this.moments.length; index += step) {
      const at = Math.floor(this.moments[index]?.timeMs ?? 0);
      let found: Awaited<ReturnType<ShippedModel['restored']>>;
      try {
        found = await this.restored(at);
      } catch (error) {
        expect(error, `${at}`).toMatchObject({ code: 'missing' });
        expect(at).toBeLessThan(Math.max(this.firstShippedMs, this.nowMs - this.keepMs));
        continue;
      }
      expect(found.timeMs).toBeLessThanOrEqual(at);
      expect([found.timeMs, found.sums]).toEqual([found.timeMs, this.sumsAt(found.timeMs)]);
      checked++;
    }
    return checked;
  }

  remove(): void {
    this.logs.close();
    rmSync(this.folder, { recursive: true });
  }
}
