// The b-trees of a state of the past, and its pages that none of them has.
import { lockPageOf } from '../lock-page.ts';
import type { OpenLog } from '../log/open-log.ts';
import type { PageMap } from '../log/page-map.ts';
import { Pieces } from '../pieces.ts';
import { overflowPages, type PageSizes, type SchemaRow, usableBytesOf } from './btree.ts';
import { readPageAt } from './pages-at.ts';
import { TablePages } from './table-pages.ts';
import { freePagesOf, isPointerMap } from './unowned-pages.ts';

export class StateTrees {
  readonly log: OpenLog;
  readonly map: PageMap;
  readonly sizes: PageSizes;
  readonly tables: TablePages;
  readonly #pieces = new Pieces();

  private constructor(log: OpenLog, map: PageMap) {
    this.log = log;
    this.map = map;
    const pageBytes = log.pageBytes ?? 0;
    this.tables = new TablePages(
      (page) => this.read(page),
      () => map.databasePages,
    );
    this.sizes = { pageBytes, usableBytes: usableBytesOf(this.read(1)) };
  }

  static async read(log: OpenLog, map: PageMap): Promise<StateTrees> {
    const state = new StateTrees(log, map);
    await state.tables.readAll();
    return state;
  }

  read(page: number): Buffer {
    const content = Buffer.alloc(this.log.pageBytes ?? 0);
    readPageAt(this.log, this.map, page, content);
    return content;
  }

  #has(page: number): boolean {
    return page >= 1 && page <= this.map.databasePages && page !== lockPageOf(this.sizes.pageBytes);
  }

  ownerOf(page: number): SchemaRow | undefined {
    return this.tables.ownerOf(page);
  }

  /** Calls `use` with pages and their contents, in the order in which these are read best. */
  async each(pages: Iterable<number>, use: (page: number, content: Buffer) => void): Promise<void> {
    const ascending = [...pages].sort((a, b) => a - b);
    for (const page of await this.log.inReadingOrder(this.map, ascending)) {
      use(page, this.read(page));
      await this.#pieces.next();
    }
  }

  /** The same with pages of b-trees, and then with the overflow pages of what they hold. */
  async eachWithOverflow(
    pages: Iterable<number>,
    use: (page: number, content: Buffer, holder: number) => void,
  ): Promise<void> {
    const holders = new Map<number, number>();
    let next: number[] = [];
    const follow = (page: number, holder: number): void => {
      if (!this.#has(page) || holders.has(page)) return;
      holders.set(page, holder);
      next.push(page);
    };
    await this.each(pages, (page, content) => {
      use(page, content, page);
      for (const first of overflowPages(content, page, this.sizes.usableBytes)) follow(first, page);
    });
    while (next.length > 0) {
      const now = next;
      next = [];
      await this.each(now, (page, content) => {
        const holder = holders.get(page) ?? page;
        use(page, content, holder);
        follow(content.readUInt32BE(0), holder);
      });
    }
  }

  /** Those that hold nothing. */
  freePages(): Promise<ReadonlySet<number>> {
    return freePagesOf((page) => this.read(page), this.map.databasePages);
  }

  isPointerMap(page: number): boolean {
    return isPointerMap(page, this.read(1));
  }
}
