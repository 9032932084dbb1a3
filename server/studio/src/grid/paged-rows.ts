// The rows of a table of any size, read page by page by key. Keeps one stretch of pages that follow each other; goes on
// at its ends, and begins a new one where the scroll bar jumps. Knows the server only by the function it is given.
import { type ReadonlySignal, signal } from '@preact/signals';
import type { StudioRow, StudioRows, StudioRowsRequest } from '../../../messages/studio/rows.ts';
import { changedCells, rowId } from '../live/changed-cells.ts';

export type From = NonNullable<StudioRowsRequest['from']>;
export type FetchPage = (from: From | undefined, limit: number, signal: AbortSignal) => Promise<StudioRows>;

interface Page {
  readonly rows: readonly StudioRow[];
  readonly previous: string | null;
  readonly next: string | null;
}

export const pageRows = 200;
/** Rows from the end of what is loaded at which the next page is fetched. */
const aheadRows = 100;
/** Farther away than this the stretch is given up and a new one begun. */
const nearRows = 600;
const mostRows = 6000;
/** A dragged scroll bar passes many places: the one where it rests this long is read. */
const jumpPauseMs = 70;
const flashMs = 1700;

export class PagedRows {
  readonly #fetchPage: FetchPage;
  readonly #version = signal(0);
  readonly #shiftListeners = new Set<(rows: number) => void>();
  #pages: Page[] = [];
  /** Number of the first loaded row, from 0. */
  #start = 0;
  /** Rows are numbered from the beginning or from an exact end, and not by guess. */
  #isNumbered = true;
  #count: number | null = null;
  #isExact = false;
  #window = { first: 0, last: 0 };
  #running: { readonly abort: AbortController; readonly isJump: boolean } | null = null;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #startCursor: string | null = null;
  #wasAnswered = false;
  #isStopped = false;

  /** The last page that could not be read, until one can. */
  readonly error = signal<unknown>(null);
  readonly isLoading = signal(false);
  /** By row id of live/changed-cells.ts: the places of values that somebody changed a moment ago. */
  changed: ReadonlyMap<string, ReadonlySet<number>> = new Map();
  #flashTimer: ReturnType<typeof setTimeout> | undefined;
  /** Milliseconds that the server took for the last page. */
  readonly ms = signal(0);

  constructor(fetchPage: FetchPage) {
    this.#fetchPage = fetchPage;
  }

  get version(): ReadonlySignal<number> {
    return this.#version;
  }

  get #end(): number {
    return this.#start + this.#pages.reduce((sum, { rows }) => sum + rows.length, 0);
  }

  /** Number of the first row that is loaded, or will be. */
  get firstRow(): number {
    return Math.max(0, this.#start);
  }

  get hasAnswer(): boolean {
    return this.#wasAnswered;
  }

  /** Known, or estimated: at least what is loaded, and more where there is more. */
  get count(): number {
    const hasMore = this.#pages.length === 0 || this.#pages.at(-1)?.next !== null;
    const known = this.#wasAnswered ? this.#end + (hasMore ? 1 : 0) : 0;
    return Math.max(known, this.#count ?? (hasMore && this.#wasAnswered ? this.#end + pageRows : known));
  }

  get isExact(): boolean {
    return this.#isExact;
  }

  /** Numbers of rows are right, not about right. */
  get isNumbered(): boolean {
    return this.#isNumbered;
  }

  row(index: number): StudioRow | undefined {
    let at = index - this.#start;
    if (at < 0) return undefined;
    for (const { rows } of this.#pages) {
      if (at < rows.length) return rows[at];
      at -= rows.length;
    }
    return undefined;
  }

  loaded(): readonly StudioRow[] {
    return this.#pages.flatMap(({ rows }) => rows);
  }

  onShift(listener: (rows: number) => void): () => void {
    this.#shiftListeners.add(listener);
    return () => this.#shiftListeners.delete(listener);
  }

  setCount(rows: number, isExact: boolean): void {
    this.#count = rows;
    this.#isExact = isExact;
    this.#changed();
  }

  /** Before anything is read: the first page begins where a row was left, about so many rows from the first one. */
  startAt(row: number, at: string, count: number): void {
    this.#start = row;
    this.#count = Math.max(count, row + 1);
    this.#isNumbered = false; // rows before it may have come or gone
    this.#startCursor = at;
  }

  need(first: number, last: number): void {
    if (this.#isStopped) return;
    this.#window = { first, last };
    this.#readWhatIsMissing();
  }

  /**
   * Reads what is on the screen again. The old rows stay until the new ones are there. With `flash` the cells that
   * differ are in `changed` for a moment. Where `mayMove` says no, an answer that would move a row on the screen is
   * dropped: then this resolves with false.
   */
  async reload({
    flash = false,
    mayMove = () => true,
  }: {
    readonly flash?: boolean;
    readonly mayMove?: () => boolean;
  } = {}): Promise<boolean> {
    let isTaken = true;
    const top = this.row(this.#window.first);
    const from: From | undefined = this.#window.first === 0 || top === undefined ? undefined : { at: top.at };
    const start = from === undefined ? 0 : this.#window.first;
    await this.#load(from, false, (page) => {
      const [before, known] = [this.loaded(), this.#end - start];
      isTaken = !this.#wouldMove(page.rows, start) || mayMove();
      if (!isTaken) return;
      this.#pages = [page];
      this.#start = start;
      if (flash) this.#flash(changedCells(before, page.rows.slice(0, known)));
    });
    return isTaken;
  }

  /** Whether a row on the screen would stand elsewhere. Rows that come behind the last one move none. */
  #wouldMove(rows: readonly StudioRow[], start: number): boolean {
    for (let place = this.#window.first; place <= this.#window.last; place += 1) {
      const [shown, next] = [this.row(place), rows[place - start]];
      if (shown !== undefined && (next === undefined || rowId(shown) !== rowId(next))) return true;
    }
    return false;
  }

  #flash(cells: ReadonlyMap<string, ReadonlySet<number>>): void {
    this.changed = cells;
    clearTimeout(this.#flashTimer);
    this.#flashTimer = setTimeout(() => {
      this.changed = new Map();
      this.#changed();
    }, flashMs);
  }

  stop(): void {
    this.#isStopped = true;
    clearTimeout(this.#flashTimer);
    clearTimeout(this.#timer);
    this.#running?.abort.abort();
    this.#running = null;
  }

  #readWhatIsMissing(): void {
    const { first, last } = this.#window;
    clearTimeout(this.#timer);
    if (!this.#wasAnswered) {
      if (this.#running === null) this.#begin(first);
      return;
    }
    const isFar = first > this.#end + nearRows || last < this.#start - nearRows;
    if (isFar) {
      this.#timer = setTimeout(() => this.#begin(first), jumpPauseMs);
      return;
    }
    if (this.#running?.isJump) return;
    const next = this.#pages.at(-1)?.next ?? null;
    const previous = this.#pages[0]?.previous ?? null;
    if (this.#running !== null) return;
    if (last >= this.#end - aheadRows && next !== null) void this.#append(next);
    else if (first < this.#start + aheadRows && previous !== null) void this.#prepend(previous);
  }

  /** Begins a new stretch at about this row. */
  #begin(row: number): void {
    if (this.#startCursor !== null) {
      this.#beginAtCursor(this.#startCursor);
      return;
    }
    const count = this.#count ?? 0;
    const from = Math.max(0, row - aheadRows / 2);
    const isEnd = this.#isExact && from > 0 && from + pageRows >= count;
    const place: From | undefined = from === 0 || count === 0 ? undefined : isEnd ? 'end' : { fraction: from / count };
    void this.#load(place, true, (page) => {
      this.#pages = [page];
      this.#start = place === undefined ? 0 : isEnd ? Math.max(0, count - page.rows.length) : from;
      this.#isNumbered = place === undefined || isEnd;
    });
  }

  /** Where the row is gone with all behind it, or its cursor with it: from the first row. */
  #beginAtCursor(at: string): void {
    this.#startCursor = null;
    let isFound = false;
    const read = this.#load({ at }, true, (page) => {
      isFound = page.rows.length > 0;
      if (isFound) this.#pages = [page];
    });
    void read.then(() => {
      if (!isFound && !this.#isStopped && this.#running === null) this.#begin(0);
    });
  }

  #append(cursor: string): Promise<void> {
    return this.#load({ after: cursor }, false, (page) => {
      this.#pages = [...this.#pages, page];
      while (this.#end - this.#start > mostRows) this.#start += this.#pages.shift()?.rows.length ?? 0;
    });
  }

  #prepend(cursor: string): Promise<void> {
    return this.#load({ before: cursor }, false, (page) => {
      this.#pages = [page, ...this.#pages];
      this.#start -= page.rows.length;
      while (this.#end - this.#start > mostRows) this.#pages.pop();
    });
  }

  async #load(from: From | undefined, isJump: boolean, take: (page: Page) => void): Promise<void> {
    this.#running?.abort.abort();
    const running = { abort: new AbortController(), isJump };
    this.#running = running;
    this.isLoading.value = true;
    try {
      const page = await this.#fetchPage(from, pageRows, running.abort.signal);
      if (this.#running !== running) return;
      this.#running = null;
      this.#wasAnswered = true;
      this.error.value = null;
      this.ms.value = page.ms;
      take(page);
      this.#renumber();
      this.#changed();
      this.isLoading.value = false;
      this.#readWhatIsMissing();
    } catch (error) {
      if (this.#running !== running) return;
      this.#running = null;
      this.isLoading.value = false;
      if (!running.abort.signal.aborted) this.error.value = error;
    }
  }

  /** Guessed numbers become right where an end of the table is met. */
  #renumber(): void {
    if (this.#pages[0]?.previous === null && this.#start !== 0) this.#shift(-this.#start);
    else if (this.#start < 0) this.#shift(aheadRows - this.#start);
    const isAtEnd = this.#pages.at(-1)?.next === null;
    if (this.#pages[0]?.previous === null) this.#isNumbered = true;
    if (!isAtEnd) {
      if (this.#count === null || this.#end < this.#count) return;
      this.#count = this.#end + pageRows; // there are more than were counted
      this.#isExact = false;
      return;
    }
    if (this.#isNumbered) {
      this.#count = this.#end;
      this.#isExact = true;
    } else if (this.#isExact && this.#count !== null) {
      const rows = this.#count - this.#end;
      if (this.#start + rows >= 0) this.#shift(rows);
      this.#isNumbered = true;
    } else this.#count = this.#end;
  }

  #shift(rows: number): void {
    if (rows === 0) return;
    this.#start += rows;
    this.#window = { first: this.#window.first + rows, last: this.#window.last + rows };
    for (const listener of this.#shiftListeners) listener(rows);
  }

  #changed(): void {
    this.#version.value += 1;
  }
}
