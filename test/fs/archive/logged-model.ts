// Random commits, and the states that they make, kept in memory: what a log must give back.
import { createHash } from 'node:crypto';
import type { Commit, CommitKind, CommitLog } from '../../../fs/archive/commit.ts';
import { OpenLog } from '../../../fs/archive/log/open-log.ts';
import type { PageMap } from '../../../fs/archive/log/page-map.ts';
import { wholeFrom } from '../../helpers/seeded-random.ts';

export type State = readonly Buffer[];

export class LoggedModel {
  readonly pageBytes: number;
  /** After each commit: states[n] is that of commit n. */
  readonly states: State[] = [];
  readonly times: number[] = [];
  #pages: Buffer[];
  #timeMs: number;
  readonly #random: (below: number) => number;
  readonly #stepMs: number;

  constructor(options: { seed: number; pageBytes?: number; pages?: number; startMs?: number; stepMs?: number }) {
    this.pageBytes = options.pageBytes ?? 512;
    this.#random = wholeFrom(options.seed);
    this.#stepMs = options.stepMs ?? 10;
    this.#timeMs = options.startMs ?? 1_700_000_000_000;
    this.#pages = Array.from({ length: options.pages ?? 20 }, () => this.#page());
    this.states.push([...this.#pages]);
    this.times.push(this.#timeMs);
  }

  #page(): Buffer {
    const page = Buffer.alloc(this.pageBytes, this.#random(256));
    page.writeUInt32LE(this.#random(2 ** 31), 8);
    return page;
  }

  /** Sums of the newest state. */
  get head(): string[] {
    return this.sumsAt(this.states.length - 1);
  }

  /** {@link sumsOf} the state of a commit. */
  sumsAt(number: number): string[] {
    return sumsOf(this.states[number] ?? []);
  }

  /** Writes some pages; sometimes the database grows (leaving a page unwritten now and then) or shrinks. */
  next(kind: CommitKind = 'commit'): Commit {
    const random = this.#random;
    const before = this.#pages.length;
    const size = random(6) === 0 ? Math.max(1, before + random(9) - 4) : before;
    const written = new Set<number>();
    for (let page = before + 1; page <= size; page++) if (random(4) > 0) written.add(page);
    for (let count = random(4); count >= 0; count--) written.add(1 + random(size));
    const numbers = [...written].sort((a, b) => a - b);
    const contents = numbers.map(() => this.#page());
    return this.commit(kind, size, numbers, contents);
  }

  commit(kind: CommitKind, size: number, numbers: readonly number[], contents: readonly Buffer[]): Commit {
    const pages = this.#pages.slice(0, size);
    while (pages.length < size) pages.push(Buffer.alloc(this.pageBytes));
    for (const [index, number] of numbers.entries()) pages[number - 1] = contents[index] ?? Buffer.alloc(0);
    this.#pages = pages;
    this.#timeMs += 1 + this.#random(this.#stepMs);
    this.states.push(pages);
    this.times.push(this.#timeMs);
    const writer = this.#random(5);
    return {
      kind,
      timeMs: this.#timeMs,
      writer: writer === 0 ? null : { pid: 100 + writer, command: `python3 app.py --n ${writer}`, container: 'web' },
      ...(kind === 'resync' ? { reason: 'the archive was away' } : {}),
      pageBytes: this.pageBytes,
      databasePages: size,
      pageNumbers: Uint32Array.from(numbers),
      pages: Buffer.concat(contents),
      position: { salt1: 0xfffffff0, salt2: 2, frames: this.states.length, checksum1: 0x80000001, checksum2: 4 },
    };
  }
}

/** Short enough to be compared and shown. */
export function sumsOf(pages: readonly (Buffer | undefined)[]): string[] {
  return pages.map((page) => (page === undefined ? 'missing' : createHash('sha1').update(page).digest('hex')));
}

/** The state at a commit, as the files of a log have it. */
export function stateIn(folder: string, number: number): string[] {
  const log = OpenLog.open(folder);
  try {
    const map: PageMap = log.mapAt(number);
    const pages = Array.from({ length: map.databasePages }, (_, index) => {
      const content = Buffer.alloc(log.pageBytes ?? 0);
      return log.readPage(map, index + 1, content) ? content : undefined;
    });
    return sumsOf(pages);
  } finally {
    log.close();
  }
}

export function headOf(log: CommitLog): string[] {
  return sumsOf(Array.from({ length: log.last?.databasePages ?? 0 }, (_, index) => log.page(index + 1)));
}
