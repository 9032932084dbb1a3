// One incarnation as its readers see it: its base, its segments, and what a page was at a commit. It works beside the
// process that appends, compresses and folds: an ENOENT means that a file was just replaced, and opening again helps.
import { closeSync, fstatSync, openSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { Pieces } from '../pieces.ts';
import { BlockCache, ClosedSegment } from './closed-segment.ts';
import { databasePagesOf, numberOf, pagesOf, RECORD_BYTES } from './commit-record.ts';
import { codeOf, readInto } from './disk.ts';
import { type Identity, parseIdentity } from './identity.ts';
import { type BaseFile, type ClosedFile, identityFile, listLog } from './log-files.ts';
import { inBase, PageMap } from './page-map.ts';
import { RawSegment } from './raw-segment.ts';
import { LogDamage, type Segment } from './segment.ts';

export class OpenLog {
  readonly folder: string;
  readonly identity: Identity;
  readonly base: BaseFile | undefined;
  /** Ascending, those without a commit left out. */
  readonly segments: readonly Segment[];
  /** Index of each one's first page among the pages of all. */
  readonly starts: readonly number[];
  readonly baseFd: number | undefined;

  private constructor(folder: string, identity: Identity, base: BaseFile | undefined, segments: readonly Segment[]) {
    this.folder = folder;
    this.identity = identity;
    this.base = base;
    this.segments = segments;
    let start = 0;
    this.starts = segments.map(({ pages }) => {
      start += pages;
      return start - pages;
    });
    this.baseFd = base === undefined ? undefined : openSync(base.path, 'r');
  }

  /**
   * `skip` is told of segments that cannot be opened, which are left out; without it the first one is thrown. `after`:
   * only segments with commits behind this number.
   * @throws LogDamage, NodeJS.ErrnoException
   */
  static open(folder: string, skip?: (damage: LogDamage) => void, after = 0): OpenLog {
    for (let attempt = 1; ; attempt++) {
      try {
        return OpenLog.#openOnce(folder, after, skip);
      } catch (error) {
        if (codeOf(error) !== 'ENOENT' || attempt === 5) throw error;
      }
    }
  }

  static #openOnce(folder: string, after: number, skip?: (damage: LogDamage) => void): OpenLog {
    const identity = parseIdentity(readFileSync(join(folder, identityFile)));
    const { base, closed, raw } = listLog(folder);
    const cache = new BlockCache();
    const segments: Segment[] = [];
    try {
      const add = (open: () => Segment): void => {
        try {
          segments.push(open());
        } catch (error) {
          if (!(error instanceof LogDamage) || skip === undefined) throw error;
          skip(error);
        }
      };
      for (const file of closed) if (file.last > after) add(() => openClosed(file, cache));
      for (const [index, first] of raw.entries()) {
        const next = raw[index + 1] ?? Number.POSITIVE_INFINITY;
        if (next - 1 > after) add(() => RawSegment.open(folder, first));
      }
      const [empty, full] = [segments.filter(isEmpty), segments.filter((segment) => !isEmpty(segment))];
      for (const segment of empty) segment.close();
      return new OpenLog(
        folder,
        identity,
        base,
        full.sort((a, b) => a.first - b.first),
      );
    } catch (error) {
      for (const segment of segments) segment.close();
      throw error;
    }
  }

  get pageBytes(): number | undefined {
    return this.segments[0]?.pageBytes;
  }

  /** Pages in the base's file. */
  get basePages(): number {
    return this.baseFd === undefined ? 0 : Math.ceil(fstatSync(this.baseFd).size / (this.pageBytes ?? 1));
  }

  /** Where every page lies at this commit. */
  mapAt(number: number): PageMap {
    const map = new PageMap();
    for (const index of this.segments.keys()) this.#apply(map, index, number);
    return map;
  }

  /** The same, with pauses in between. */
  async mapAtInSteps(number: number): Promise<PageMap> {
    const map = new PageMap();
    for (const index of this.segments.keys()) {
      this.#apply(map, index, number);
      await setImmediate();
    }
    return map;
  }

  #apply(map: PageMap, index: number, upTo: number): void {
    const segment = this.segments[index];
    if (segment === undefined || segment.first > upTo) return;
    const [records, numbers] = [segment.records(), segment.numbers()];
    const count = records.length / RECORD_BYTES;
    let at = 0;
    for (let record = 0; record < count && numberOf(records, record) <= upTo; record++) {
      const end = at + pagesOf(records, record);
      map.apply(databasePagesOf(records, record), numbers.subarray(at, end), (this.starts[index] ?? 0) + at);
      at = end;
    }
  }

  /** The content of the page with this index among the pages of all segments. @throws LogDamage */
  readLogged(index: number, target: Buffer, at: number): void {
    const place = this.#segmentOf(index);
    this.segments[place]?.readPage(index - (this.starts[place] ?? 0), target, at);
  }

  /** Where that content stands: who reads many reads them in this order. */
  positionOf(index: number): number {
    const place = this.#segmentOf(index);
    const start = this.starts[place] ?? 0;
    return start + (this.segments[place]?.positionOf(index - start) ?? 0);
  }

  #segmentOf(index: number): number {
    let [low, high] = [0, this.starts.length - 1];
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if ((this.starts[middle] ?? 0) <= index) low = middle;
      else high = middle - 1;
    }
    return low;
  }

  /**
   * Page numbers, ascending, in the order in which their contents lie: zeros and those of the base first. A segment
   * that is read for the first time has to be put in order: one at a time, with pauses in between.
   */
  async inReadingOrder(map: PageMap, pages: readonly number[]): Promise<number[]> {
    const pieces = new Pieces();
    const [zeros, ofBase]: [number[], number[]] = [[], []];
    const bySegment: number[][] = this.segments.map(() => []);
    for (const page of pages) {
      const place = map.placeOf(page);
      if (place >= 0) bySegment[this.#segmentOf(place)]?.push(page);
      else (place === inBase ? ofBase : zeros).push(page);
      await pieces.next();
    }
    const ordered = [...zeros, ...ofBase];
    for (const own of bySegment) {
      const positions = new Map(own.map((page) => [page, this.positionOf(map.placeOf(page))]));
      for (const page of own.sort((a, b) => (positions.get(a) ?? 0) - (positions.get(b) ?? 0))) ordered.push(page);
      await pieces.next();
    }
    return ordered;
  }

  /** A page of the base; zeros beyond its end. @returns whether there is a base */
  readBase(pageNumber: number, target: Buffer, at: number, pageBytes: number): boolean {
    if (this.baseFd === undefined) return false;
    const part = target.subarray(at, at + pageBytes);
    part.fill(0, readInto(this.baseFd, part, (pageNumber - 1) * pageBytes));
    return true;
  }

  /** A page as the map says. @returns false: it is in the base, and there is none */
  readPage(map: PageMap, pageNumber: number, target: Buffer, at = 0): boolean {
    const pageBytes = this.pageBytes ?? 0;
    const place = map.placeOf(pageNumber);
    if (place === inBase) return this.readBase(pageNumber, target, at, pageBytes);
    if (place < 0) target.fill(0, at, at + pageBytes);
    else this.readLogged(place, target, at);
    return true;
  }

  close(): void {
    for (const segment of this.segments) segment.close();
    if (this.baseFd !== undefined) closeSync(this.baseFd);
  }
}

/** @throws LogDamage when another segment was given its name */
function openClosed({ path, first, last }: ClosedFile, cache: BlockCache): ClosedSegment {
  const segment = ClosedSegment.open(path, cache);
  if (segment.first === first && segment.last === last) return segment;
  segment.close();
  throw new LogDamage(`${path}: its content is that of commits ${segment.first} to ${segment.last}`);
}

function isEmpty({ commits }: Segment): boolean {
  return commits === 0;
}
