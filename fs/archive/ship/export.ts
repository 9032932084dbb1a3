// All kept commits of one database as LTX files, once: a snapshot, then a file for each commit, so every single moment
// can be restored or read from them.

import { lockPageOf } from '../lock-page.ts';
import { databasePagesOf, numberOf, pagesOf, RECORD_BYTES } from '../log/commit-record.ts';
import { listIncarnations } from '../log/log-store.ts';
import { OpenLog } from '../log/open-log.ts';
import { type Changes, changesBetween, zeroPage } from '../past/changes-between.ts';
import { oldestMoment } from '../past/commit-search.ts';
import { PastError } from '../past/past-error.ts';
import { listLevel, nameIn, type Place } from './chain.ts';
import { headerOf } from './database-ship.ts';
import { type Mark, markAt, markOf } from './marks.ts';
import { firstLevel, type LtxName, snapshotLevel } from './names.ts';
import { type Packed, Packer } from './pack.ts';
import { ShipError } from './ship-error.ts';
import type { ShipStore } from './store.ts';

/** So many files are merged into one of level 1 as well: a restore reads fewer. */
const mergedAtOnce = 256;

export interface ExportSpec {
  readonly archiveDir: string;
  /** The path below the data directory. */
  readonly database: string;
  readonly store: ShipStore;
  /** For files that are being made. */
  readonly workDir: string;
  /** Bytes of pages. */
  readonly onProgress: (progress: { readonly doneBytes: number; readonly totalBytes: number }) => void;
}

export interface Exported {
  readonly commits: number;
  readonly files: number;
  readonly bytes: number;
  /** Times of the first and the last moment, in milliseconds since 1970. */
  readonly fromMs: number;
  readonly toMs: number;
}

/** @throws PastError, ShipError (`unsupported`: there are files already), LogDamage */
export async function exportCommits(spec: ExportSpec): Promise<Exported> {
  const { archiveDir, database, store } = spec;
  const folders = listIncarnations(archiveDir).filter(({ identity }) => identity.name === database);
  const [newest] = folders.slice(-1);
  if (newest === undefined) throw new PastError('not-archived', `${database} has no history`);
  for (const level of [firstLevel, snapshotLevel]) {
    for await (const { name } of listLevel(store, database, level)) {
      throw new ShipError('unsupported', `${store.url} has files of ${database} already (${name}): name another place`);
    }
  }
  const log = OpenLog.open(newest.folder);
  try {
    return await new Export(spec, log).run();
  } finally {
    log.close();
  }
}

class Export {
  readonly #spec: ExportSpec;
  readonly #log: OpenLog;
  readonly #packer: Packer;
  #files = 0;
  #bytes = 0;
  #commits = 0;

  constructor(spec: ExportSpec, log: OpenLog) {
    this.#spec = spec;
    this.#log = log;
    this.#packer = new Packer(spec.workDir);
  }

  async run(): Promise<Exported> {
    const log = this.#log;
    const oldest = oldestMoment(log);
    const begin = oldest && markOf(log, oldest.number);
    if (begin === undefined) {
      throw new PastError('not-archived', `${this.#spec.database}: the first copy is still being made; try again`);
    }
    const totalBytes = log.segments.reduce((sum, { pages, pageBytes }) => sum + pages * pageBytes, 0);
    let doneBytes = 0;
    await this.#snapshot({ txid: 1, mark: begin });
    let [place, merged]: [Place, Place] = [
      { txid: 1, mark: begin },
      { txid: 1, mark: begin },
    ];
    for (const { mark, changes } of eachCommit(log, begin)) {
      place = { txid: place.txid + 1, mark };
      await this.#changes({ level: firstLevel, minTxid: place.txid, maxTxid: place.txid }, changes, mark);
      // Litestream's own reader overlooks that a database got smaller, but for a snapshot.
      if (changes.hasShrunk) await this.#snapshot(place);
      if (place.txid - merged.txid === mergedAtOnce) merged = await this.#merge(merged, place);
      this.#commits++;
      doneBytes += changes.loggedPages * (log.pageBytes ?? 0);
      this.#spec.onProgress({ doneBytes, totalBytes });
    }
    const [files, bytes, commits] = [this.#files, this.#bytes, this.#commits];
    return { commits: commits + 1, files, bytes, fromMs: begin.timeMs, toMs: place.mark.timeMs };
  }

  async #snapshot({ txid, mark }: Place): Promise<void> {
    const name = { level: snapshotLevel, minTxid: 1, maxTxid: txid };
    await this.#packer.withSnapshot(this.#log, mark.number, headerOf(this.#log, name, mark), (packed) =>
      this.#write(name, packed, mark),
    );
  }

  async #merge(from: Place, to: Place): Promise<Place> {
    const changes = changesBetween(this.#log, from.mark.number, to.mark.number, from.mark.databasePages);
    await this.#changes({ level: 1, minTxid: from.txid + 1, maxTxid: to.txid }, changes, to.mark);
    return to;
  }

  #changes(name: LtxName, changes: Changes, mark: Mark): Promise<void> {
    return this.#packer.withChanges(this.#log, changes, headerOf(this.#log, name, mark), (packed) =>
      this.#write(name, packed, mark),
    );
  }

  async #write(name: LtxName, packed: Packed, mark: Mark): Promise<void> {
    const { store, database } = this.#spec;
    await store.write(nameIn(store, database, name), packed, { timeMs: mark.timeMs });
    this.#files++;
    this.#bytes += Buffer.isBuffer(packed) ? packed.length : packed.bytes;
  }
}

/** Each kept commit behind this one, with what it changed. */
function* eachCommit(log: OpenLog, after: Mark): Generator<{ readonly mark: Mark; readonly changes: Changes }> {
  const lockPage = lockPageOf(log.pageBytes ?? 0);
  let pagesBefore = after.databasePages;
  for (const [index, segment] of log.segments.entries()) {
    if (segment.last <= after.number) continue;
    const [records, numbers, start] = [segment.records(), segment.numbers(), log.starts[index] ?? 0];
    for (let record = 0, at = 0; record < records.length / RECORD_BYTES; record++) {
      const [databasePages, loggedPages, from] = [databasePagesOf(records, record), pagesOf(records, record), at];
      at += loggedPages;
      if (numberOf(records, record) <= after.number) continue;
      const pages = new Map<number, number>();
      for (let page = from; page < at; page++) pages.set(numbers[page] ?? 0, start + page);
      const written = pages.size;
      for (let page = pagesBefore + 1; page <= databasePages; page++) {
        if (page !== lockPage && !pages.has(page)) pages.set(page, zeroPage);
      }
      const sorted = pages.size === written ? pages : new Map([...pages].sort(([a], [b]) => a - b));
      const hasShrunk = databasePages < pagesBefore;
      yield { mark: markAt(records, record), changes: { pages: sorted, databasePages, hasShrunk, loggedPages } };
      pagesBefore = databasePages;
    }
  }
}
