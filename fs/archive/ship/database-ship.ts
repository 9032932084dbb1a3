// Brings the commits of one database to the store: what changed since the last time as one file, a whole database where
// that is not enough, and then the files of higher levels. What is there already says the store.
import { OpenLog } from '../log/open-log.ts';
import type { LtxHeader } from '../ltx/header.ts';
import { type Changes, changesBetween } from '../past/changes-between.ts';
import { type Chain, nameIn, type Place, readChain } from './chain.ts';
import { headMark, type Mark, markOf } from './marks.ts';
import { Merging } from './merging.ts';
import { firstLevel, type LtxName, snapshotLevel } from './names.ts';
import type { Packed, Packer } from './pack.ts';
import { ShipConflict } from './ship-conflict.ts';
import type { ShipStore } from './store.ts';

/** A whole database so small is shipped whenever it got smaller. */
const smallBytes = 256 * 1024;

export interface DatabaseShipSpec {
  readonly name: string;
  readonly store: ShipStore;
  readonly packer: Packer;
  readonly keepMs: number;
  readonly now: () => number;
  readonly wrote: (bytes: number) => void;
}

export class DatabaseShip {
  readonly #spec: DatabaseShipSpec;
  readonly #merging: Merging;
  #chain: Chain | undefined;
  /** Of the log that was shipped last. */
  #folder = '';
  /** This process has written to the store: nobody else should. */
  #hasWritten = false;
  /** It got smaller since its last snapshot. */
  #hasShrunk = false;
  #bytesSinceSnapshot = 0;
  /** Time of the oldest commit that the store lacks; undefined: it has all, as of the last look. */
  #waitingSinceMs: number | undefined;

  constructor(spec: DatabaseShipSpec) {
    this.#spec = spec;
    this.#merging = new Merging({ ...spec, write: (name, packed, timeMs) => this.#write(name, packed, timeMs) });
  }

  get txid(): number {
    return this.#chain?.txid ?? 0;
  }

  get shippedMs(): number | null {
    return this.#chain?.mark?.timeMs ?? null;
  }

  get waitingSinceMs(): number | undefined {
    return this.#waitingSinceMs;
  }

  /** When there is something to do even if nothing is committed. */
  get dueMs(): number {
    return this.#chain?.mark === undefined ? Number.POSITIVE_INFINITY : this.#merging.dueMs(this.#chain);
  }

  /** Ships what there is now. @throws ShipError, ShipConflict, PastError, LogDamage, NodeJS.ErrnoException */
  async ship(folder: string): Promise<void> {
    const log = OpenLog.open(folder, undefined, this.#readBehind(folder));
    this.#folder = folder;
    try {
      const head = headMark(log);
      if (head === undefined) return;
      this.#chain ??= await readChain(this.#spec.store, log);
      this.#lookAt(log, head, this.#chain);
      const from = this.#goesOnFrom(log, head, this.#chain);
      if (from === undefined) await this.#beginAnew(log, head, this.#chain);
      else if (from.number < head.number) await this.#shipChanges(log, from, head, this.#chain);
      if (this.#chain?.mark?.nodeId === head.nodeId) this.#waitingSinceMs = undefined;
      if (this.#chain?.mark !== undefined) await this.#maintain(log, this.#chain);
    } finally {
      log.close();
    }
  }

  /** Commits up to this number are needed no more: a long log has many segments. */
  #readBehind(folder: string): number {
    if (this.#chain?.mark === undefined || folder !== this.#folder) return 0;
    const marks = [this.#chain.mark, ...[...this.#chain.merged.values()].map(({ mark }) => mark)];
    return Math.min(...marks.map(({ number }) => number)) - 1;
  }

  /** Another program may have written there meanwhile. */
  forgetStore(): void {
    this.#chain = undefined;
    this.#hasWritten = false;
  }

  #lookAt(log: OpenLog, head: Mark, { mark, incarnation }: Chain): void {
    const shipped = incarnation === log.identity.incarnation ? (mark?.number ?? 0) : 0;
    if (shipped >= head.number) return;
    this.#waitingSinceMs ??= (markOf(log, shipped + 1) ?? head).timeMs;
  }

  /** The commit that the store ends with, where what came after it says all that differs. */
  #goesOnFrom(log: OpenLog, head: Mark, { mark, incarnation }: Chain): Mark | undefined {
    if (mark === undefined || incarnation !== log.identity.incarnation) return undefined;
    const isSame = head.number > mark.number || (head.number === mark.number && head.nodeId === mark.nodeId);
    return isSame && (log.base?.validFrom ?? Number.POSITIVE_INFINITY) <= mark.number ? mark : undefined;
  }

  async #shipChanges(log: OpenLog, from: Mark, head: Mark, chain: Chain): Promise<void> {
    const changes = changesBetween(log, from.number, head.number, from.databasePages);
    const txid = chain.txid + 1;
    const name = { level: firstLevel, minTxid: txid, maxTxid: txid };
    const isNew = await this.#writeChanges(log, changes, name, head);
    if (!isNew) return this.#taken(log);
    chain.txid = txid;
    chain.mark = head;
    chain.loose.push({ txid, writtenMs: this.#spec.now() });
    this.#hasWritten = true;
    this.#hasShrunk ||= changes.hasShrunk;
  }

  #writeChanges(log: OpenLog, changes: Changes, name: LtxName, mark: Mark): Promise<boolean> {
    const header = headerOf(log, name, mark);
    return this.#spec.packer.withChanges(log, changes, header, (packed) => this.#write(name, packed, mark.timeMs));
  }

  /**
   * A new log, or a store that has nothing of it: the whole database takes the next number. Another program could give
   * its next changes the same one: so it is a file of level 0, too, whose name only one of them gets.
   */
  async #beginAnew(log: OpenLog, head: Mark, chain: Chain): Promise<void> {
    if (log.base === undefined || log.base.validFrom > head.number) return; // its first copy is being made
    const place = { txid: chain.txid + 1, mark: head };
    const snapshot = { level: snapshotLevel, minTxid: 1, maxTxid: place.txid };
    if (!(await this.#writeWhole(log, snapshot, head))) return this.#taken(log);
    if (place.txid > 1) {
      const first = { level: firstLevel, minTxid: place.txid, maxTxid: place.txid };
      if (!(await this.#writeWhole(log, first, head))) {
        await this.#spec.store.remove([nameIn(this.#spec.store, this.#spec.name, snapshot)]);
        return this.#taken(log);
      }
    }
    this.#merging.begin(chain, place);
    chain.txid = place.txid;
    chain.mark = head;
    chain.incarnation = log.identity.incarnation;
    this.#hasWritten = true;
    this.#tookSnapshot(chain);
  }

  async #writeWhole({ folder }: OpenLog, name: LtxName, mark: Mark): Promise<boolean> {
    const log = OpenLog.open(folder);
    try {
      const header = headerOf(log, name, mark);
      return await this.#spec.packer.withSnapshot(log, mark.number, header, (packed) =>
        this.#write(name, packed, mark.timeMs),
      );
    } finally {
      log.close();
    }
  }

  #tookSnapshot(chain: Chain): void {
    chain.snapshot = { txid: chain.txid, writtenMs: this.#spec.now() };
    this.#hasShrunk = false;
    this.#bytesSinceSnapshot = 0;
  }

  async #maintain(log: OpenLog, chain: Chain): Promise<void> {
    const { mark } = chain;
    if (mark === undefined || chain.incarnation !== log.identity.incarnation) return;
    const place = { txid: chain.txid, mark };
    if (this.#wantsSnapshot(log, chain)) await this.#snapshot(log, place, chain);
    if (!(await this.#merging.merge(log, chain))) {
      await this.#snapshot(log, place, chain);
      this.#merging.begin(chain, place);
    }
    await this.#merging.prune(chain);
  }

  async #snapshot(log: OpenLog, place: Place, chain: Chain): Promise<void> {
    const name = { level: snapshotLevel, minTxid: 1, maxTxid: place.txid };
    if (chain.snapshot?.txid !== place.txid) await this.#writeWhole(log, name, place.mark);
    this.#tookSnapshot(chain);
  }

  /** Litestream's own reader overlooks that a database got smaller, until it finds a snapshot. */
  #wantsSnapshot(log: OpenLog, chain: Chain): boolean {
    if (this.#merging.isSnapshotDue(chain)) return true;
    const bytes = (chain.mark?.databasePages ?? 0) * (log.pageBytes ?? 0);
    return this.#hasShrunk && (bytes <= smallBytes || this.#bytesSinceSnapshot >= bytes);
  }

  /** Somebody else has written the next file: this program, before it was killed, or another one. */
  async #taken({ folder }: OpenLog): Promise<void> {
    const log = OpenLog.open(folder);
    const chain = await readChain(this.#spec.store, log).finally(() => log.close());
    if (chain.mark === undefined && this.#hasWritten) throw new ShipConflict(this.#spec.name, this.#spec.store.url);
    this.#chain = chain;
  }

  async #write(name: LtxName, packed: Packed, timeMs: number): Promise<boolean> {
    const { store } = this.#spec;
    const isNew = await store.write(nameIn(store, this.#spec.name, name), packed, { timeMs, onlyIfNew: true });
    const bytes = Buffer.isBuffer(packed) ? packed.length : packed.bytes;
    this.#bytesSinceSnapshot += bytes;
    if (isNew) this.#spec.wrote(bytes);
    return isNew;
  }
}

export function headerOf(log: OpenLog, { minTxid, maxTxid }: LtxName, mark: Mark): LtxHeader {
  const { timeMs, nodeId, databasePages } = mark;
  return { pageBytes: log.pageBytes ?? 0, databasePages, minTxid, maxTxid, timeMs, nodeId };
}
