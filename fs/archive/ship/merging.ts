// Files of higher levels: one of level 1 for all of level 0 of half a minute, and so on, as Litestream has it. They are
// made of the commit log, so nothing is read back. And the end of files that no moment needs any more.
import type { OpenLog } from '../log/open-log.ts';
import { changesBetween } from '../past/changes-between.ts';
import { type Chain, listLevel, mergedLevels, nameIn, type Place, usedLevels } from './chain.ts';
import { markOf } from './marks.ts';
import { firstLevel, type LtxName, snapshotLevel } from './names.ts';
import type { Packed, Packer } from './pack.ts';
import type { ShipStore } from './store.ts';

/** Files of level 0 stay so long after they were written: readers that follow need them. */
const looseMs = 300_000;
const snapshotEveryMs = 24 * 3_600_000;
const pruneEveryMs = 3_600_000;
/** Names that are removed at once. */
const removedAtOnce = 500;

export interface MergingSpec {
  readonly name: string;
  readonly store: ShipStore;
  readonly packer: Packer;
  readonly keepMs: number;
  readonly now: () => number;
  readonly write: (name: LtxName, packed: Packed, timeMs: number) => Promise<boolean>;
}

export class Merging {
  readonly #spec: MergingSpec;
  /** By level: when the next merge is due. */
  readonly #dueMs = new Map<number, number>();
  #pruneDueMs: number;

  constructor(spec: MergingSpec) {
    this.#spec = spec;
    this.#pruneDueMs = spec.now();
    for (const { level, intervalMs } of mergedLevels) this.#dueMs.set(level, this.#next(intervalMs));
  }

  /** Each database at a moment of its own, so that not all are merged at once. */
  #next(intervalMs: number): number {
    let hash = 0;
    for (const char of this.#spec.name) hash = (Math.imul(hash, 31) + char.charCodeAt(0)) >>> 0;
    const shift = hash % intervalMs;
    return (Math.floor((this.#spec.now() - shift) / intervalMs) + 1) * intervalMs + shift;
  }

  /** Nothing says what changed up to this snapshot: every level goes on there. What is not merged stays as it is. */
  begin(chain: Chain, place: Place): void {
    const covered = chain.merged.get(1)?.txid ?? 0;
    chain.loose = chain.loose.filter(({ txid }) => txid <= covered || txid > place.txid);
    for (const { level } of mergedLevels) chain.merged.set(level, place);
  }

  isSnapshotDue({ txid, snapshot }: Chain): boolean {
    return snapshot === undefined || (snapshot.txid < txid && this.#spec.now() >= snapshot.writtenMs + snapshotEveryMs);
  }

  dueMs(chain: Chain): number {
    const times = mergedLevels
      .filter(({ level }) => (chain.merged.get(level)?.txid ?? 0) < (below(chain, level)?.txid ?? 0))
      .map(({ level }) => this.#dueMs.get(level) ?? 0);
    const [oldest] = this.#coveredLoose(chain);
    if (oldest !== undefined) times.push(oldest.writtenMs + looseMs);
    const { snapshot } = chain;
    if (snapshot !== undefined && snapshot.txid < chain.txid) times.push(snapshot.writtenMs + snapshotEveryMs);
    times.push(this.#pruneDueMs);
    return Math.min(...times);
  }

  /** @returns false: the commit log cannot say any more what changed, so a snapshot is needed */
  async merge(log: OpenLog, chain: Chain): Promise<boolean> {
    for (const { level, intervalMs } of mergedLevels) {
      if (this.#spec.now() < (this.#dueMs.get(level) ?? 0)) continue;
      this.#dueMs.set(level, this.#next(intervalMs));
      const [from, to] = [chain.merged.get(level), below(chain, level)];
      if (from === undefined || to === undefined || from.txid >= to.txid) continue;
      if (!(await this.#mergeOne(log, level, from, to))) return false;
      chain.merged.set(level, to);
    }
    return true;
  }

  async #mergeOne(log: OpenLog, level: number, from: Place, to: Place): Promise<boolean> {
    const isKept = (log.base?.validFrom ?? Number.POSITIVE_INFINITY) <= from.mark.number;
    if (!isKept || markOf(log, to.mark.number)?.nodeId !== to.mark.nodeId) return false;
    const changes = changesBetween(log, from.mark.number, to.mark.number, from.mark.databasePages);
    const name = { level, minTxid: from.txid + 1, maxTxid: to.txid };
    const header = { pageBytes: log.pageBytes ?? 0, ...to.mark, minTxid: name.minTxid, maxTxid: name.maxTxid };
    await this.#spec.packer.withChanges(log, changes, header, (packed) =>
      this.#spec.write(name, packed, to.mark.timeMs),
    );
    return true;
  }

  /** Removes what no moment of the time that is kept needs. */
  async prune(chain: Chain): Promise<void> {
    await this.#pruneLoose(chain);
    if (this.#spec.now() < this.#pruneDueMs) return;
    this.#pruneDueMs = this.#spec.now() + pruneEveryMs;
    const { store, name, keepMs } = this.#spec;
    const oldMs = this.#spec.now() - keepMs;
    let [horizon, old]: [number, string[]] = [0, []];
    const snapshots: { readonly txid: number; readonly name: string }[] = [];
    for await (const file of listLevel(store, name, snapshotLevel)) {
      snapshots.push({ txid: file.maxTxid, name: file.name });
      if (file.writtenMs < oldMs) horizon = Math.max(horizon, file.maxTxid);
    }
    if (horizon === 0) return;
    old = snapshots.filter(({ txid }) => txid < horizon).map((file) => file.name);
    for (const level of usedLevels) {
      if (level === snapshotLevel) continue;
      for await (const file of listLevel(store, name, level)) {
        if (file.maxTxid <= horizon) old.push(file.name);
        if (old.length >= removedAtOnce) await store.remove(old.splice(0));
      }
    }
    await store.remove(old);
    chain.loose = chain.loose.filter(({ txid }) => txid > horizon);
  }

  #coveredLoose(chain: Chain): Chain['loose'] {
    const covered = chain.merged.get(1)?.txid ?? 0;
    // The newest stays, for readers that look for the newest file there.
    return chain.loose.filter(({ txid }) => txid <= covered && txid < chain.txid);
  }

  async #pruneLoose(chain: Chain): Promise<void> {
    const oldMs = this.#spec.now() - looseMs;
    const old = this.#coveredLoose(chain).filter(({ writtenMs }) => writtenMs <= oldMs);
    if (old.length === 0) return;
    const { store, name } = this.#spec;
    const names = old.map(({ txid }) => nameIn(store, name, { level: firstLevel, minTxid: txid, maxTxid: txid }));
    await store.remove(names);
    chain.loose = chain.loose.filter((file) => !old.includes(file));
  }
}

/** What a level is made of: the end of the one below. */
function below(chain: Chain, level: number): Place | undefined {
  if (level > 1) return chain.merged.get(level - 1);
  return chain.mark && { txid: chain.txid, mark: chain.mark };
}
