// Which table or index the pages of a database belong to, at a moment and from commit to commit. It reads sqlite_schema
// and interior pages only: all leaves of a b-tree are equally deep. Free pages, pointer maps and lock pages belong to
// nobody. Overflow pages mostly follow from a leaf that is written with them; but SQLite writes a value that keeps its
// length in place, so a commit may have overflow pages to which nothing leads that it has written. Then all leaves are
// read once, to find whose they are. Page 1 is written by most transactions for its counters: it belongs to
// sqlite_schema where the schema changed.
import { Pieces } from '../pieces.ts';
import {
  childrenOf,
  encodingOf,
  isInterior,
  overflowPages,
  type ReadPage,
  type SchemaRow,
  schemaRows,
  usableBytesOf,
} from './btree.ts';
import { freeCountOf, freePagesOf, isPointerMap } from './unowned-pages.ts';

export const schemaTable: SchemaRow = {
  name: 'sqlite_schema',
  table: 'sqlite_schema',
  root: 1,
  type: 'table',
  sql: '',
};
const cookieAt = 40;

interface Tree {
  readonly row: SchemaRow;
  /** Levels: 1 where the root is a leaf. */
  depth: number;
  readonly interior: Map<number, Interior>;
}

interface Interior {
  /** 1 for the root. */
  readonly level: number;
  readonly children: readonly number[];
}

export class TablePages {
  readonly #readPage: ReadPage;
  readonly #pageCount: () => number;
  readonly #pieces = new Pieces();
  #trees: Tree[] = [];
  /** Index of a page's tree + 1. */
  #owners = new Uint32Array(0);
  #cookie = 0;
  /** Of overflow pages, as far as nothing has been written since that could have given them to another tree. */
  #overflow: Map<number, SchemaRow> | undefined;
  /** Pages and free pages: while both stay the same, a page that nobody writes stays with its tree. */
  #size = '';

  /** `readPage` and `pageCount` tell of the newest commit that was handed to {@link afterCommit}. */
  constructor(readPage: ReadPage, pageCount: () => number) {
    this.#readPage = readPage;
    this.#pageCount = pageCount;
  }

  /** Reads everything anew. */
  async readAll(): Promise<void> {
    this.#trees = [];
    this.#overflow = undefined;
    this.#owners = new Uint32Array(this.#pageCount() + 1);
    if (this.#pageCount() === 0) return;
    const first = this.#readPage(1);
    this.#cookie = first.readUInt32BE(cookieAt);
    const encoding = encodingOf(first);
    const schema = await this.#readTree(schemaTable);
    for (const page of this.#pagesOf(schema)) {
      for (const row of schemaRows(this.#readPage(page), page, this.#readPage, encoding)) await this.#readTree(row);
    }
  }

  async #readTree(row: SchemaRow): Promise<Tree> {
    const tree: Tree = { row, depth: this.#depthOf(row.root), interior: new Map() };
    this.#trees.push(tree);
    if (this.#own(this.#trees.length, row.root)) await this.#readBelow(tree, this.#trees.length, [[row.root, 1]]);
    return tree;
  }

  /** All but overflow pages. */
  pagesOf(row: SchemaRow): number[] {
    const tree = this.#trees.find((one) => one.row === row);
    return tree === undefined ? [] : this.#pagesOf(tree);
  }

  /** Of a page that a b-tree has. */
  isLeaf(page: number): boolean {
    return this.#trees[(this.#owners[page] ?? 0) - 1]?.interior.has(page) !== true;
  }

  #pagesOf({ row, interior }: Tree): number[] {
    return [row.root, ...[...interior.values()].flatMap(({ children }) => children)];
  }

  /** Owns all pages below these, each with its level. */
  async #readBelow(tree: Tree, owner: number, pages: [page: number, level: number][]): Promise<void> {
    for (let next = pages.pop(); next !== undefined; next = pages.pop()) {
      const [page, level] = next;
      if (level >= tree.depth) continue;
      const children = childrenOf(this.#readPage(page), page).filter((child) => this.#own(owner, child));
      tree.interior.set(page, { level, children });
      if (level + 1 < tree.depth) for (const child of children) pages.push([child, level + 1]);
      await this.#pieces.next();
    }
  }

  /** A page that has an owner already is a damaged tree's: it is not followed again. */
  #own(owner: number, page: number): boolean {
    if (page < 1 || page > this.#pageCount() || this.#owners[page] !== 0) return false;
    this.#owners[page] = owner;
    return true;
  }

  /** Levels of a tree: 1 for a root that is a leaf. */
  #depthOf(root: number): number {
    let depth = 0;
    for (let page: number | undefined = root; page !== undefined && page <= this.#pageCount() && depth < 40; depth++) {
      const content = this.#readPage(page);
      page = isInterior(content, page) ? childrenOf(content, page)[0] : undefined;
    }
    return depth;
  }

  /** Tables and indexes that the pages belong to, and those that they belonged to before. */
  async afterCommit(pages: ArrayLike<number>): Promise<SchemaRow[]> {
    const rows = new Set<SchemaRow>();
    this.#addOwners(pages, rows);
    const unowned = Array.from(pages).filter((page) => page !== 1 && this.ownerOf(page) === undefined);
    const first = this.#readPage(1);
    const hasNewSchema = first.readUInt32BE(cookieAt) !== this.#cookie;
    if (hasNewSchema) await this.readAll();
    else await this.#readChangedTrees(pages);
    this.#addOwners(pages, rows);
    if (hasNewSchema) rows.add(schemaTable);
    await this.#addOverflowOwners(pages, unowned, rows);
    return [...rows];
  }

  /** `unowned`: those of the pages that no b-tree had before. */
  async #addOverflowOwners(pages: ArrayLike<number>, unowned: readonly number[], rows: Set<SchemaRow>): Promise<void> {
    const strays = await this.#straysOf(pages, unowned);
    const size = `${this.#pageCount()} ${freeCountOf(this.#readPage(1))}`;
    if (size !== this.#size) this.#overflow = undefined;
    this.#size = size;
    for (const page of Array.from(pages)) if (!strays.has(page)) this.#overflow?.delete(page);
    if ([...strays].some((page) => this.#overflow?.has(page) !== true)) this.#overflow = await this.#readOverflow();
    for (const page of strays) {
      const row = this.#overflow?.get(page);
      if (row !== undefined) rows.add(row);
    }
  }

  /** Overflow pages to which no page leads that was written with them. */
  async #straysOf(pages: ArrayLike<number>, unowned: readonly number[]): Promise<ReadonlySet<number>> {
    const first = this.#readPage(1);
    const strays = new Set(
      unowned.filter(
        (page) => page <= this.#pageCount() && this.ownerOf(page) === undefined && !isPointerMap(page, first),
      ),
    );
    const followed = new Set<number>();
    for (let index = 0; index < pages.length && strays.size > 0; index++) {
      const page = pages[index] ?? 0;
      if (this.ownerOf(page) === undefined) continue;
      for (const next of this.#chainsOf(page, followed)) strays.delete(next);
      await this.#pieces.next();
    }
    if (strays.size > 0) for (const page of await freePagesOf(this.#readPage, this.#pageCount())) strays.delete(page);
    return strays;
  }

  /** The overflow pages of the cells of a page, but for those that are `followed` already. */
  *#chainsOf(page: number, followed: Set<number>): Generator<number> {
    for (let next of overflowPages(this.#readPage(page), page, usableBytesOf(this.#readPage(1)))) {
      while (next > 0 && next <= this.#pageCount() && !followed.has(next)) {
        followed.add(next);
        yield next;
        next = this.#readPage(next).readUInt32BE(0);
      }
    }
  }

  async #readOverflow(): Promise<Map<number, SchemaRow>> {
    const owners = new Map<number, SchemaRow>();
    const followed = new Set<number>();
    for (const page of this.pages()) {
      const row = this.ownerOf(page);
      for (const next of this.#chainsOf(page, followed)) if (row !== undefined) owners.set(next, row);
      await this.#pieces.next();
    }
    return owners;
  }

  get rows(): SchemaRow[] {
    return this.#trees.map(({ row }) => row);
  }

  /** All but overflow pages of all b-trees, ascending. */
  *pages(): Generator<number> {
    for (const [page, owner] of this.#owners.entries()) if (owner > 0) yield page;
  }

  /** undefined: no b-tree has it. */
  ownerOf(page: number): SchemaRow | undefined {
    return this.#trees[(this.#owners[page] ?? 0) - 1]?.row;
  }

  /** Tables and indexes that the pages belong to, but for page 1. */
  ownersOf(pages: ArrayLike<number>): SchemaRow[] {
    const rows = new Set<SchemaRow>();
    this.#addOwners(pages, rows);
    return [...rows];
  }

  #addOwners(pages: ArrayLike<number>, rows: Set<SchemaRow>): void {
    for (let index = 0; index < pages.length; index++) {
      const page = pages[index] ?? 0;
      const tree = page === 1 ? undefined : this.#trees[(this.#owners[page] ?? 0) - 1];
      if (tree !== undefined) rows.add(tree.row);
    }
  }

  /** A tree has other pages only below those of its root and its interior pages that were written. */
  async #readChangedTrees(pages: ArrayLike<number>): Promise<void> {
    if (this.#pageCount() + 1 > this.#owners.length) {
      const longer = new Uint32Array(Math.ceil(this.#pageCount() * 1.2) + 1);
      longer.set(this.#owners);
      this.#owners = longer;
    }
    const changed: [owner: number, page: number, level: number][] = [];
    for (let index = 0; index < pages.length; index++) {
      const page = pages[index] ?? 0;
      const owner = this.#owners[page] ?? 0;
      const tree = this.#trees[owner - 1];
      if (tree?.row.root === page) changed.push([owner, page, 1]);
      else if (tree?.interior.has(page)) changed.push([owner, page, tree.interior.get(page)?.level ?? 1]);
    }
    // All are cleared before one is read: a page may have gone from one to another.
    for (const [owner, page] of changed) this.#clearBelow(owner, page);
    for (const [owner, page, level] of changed) {
      const tree = this.#trees[owner - 1];
      if (tree === undefined) continue;
      if (level === 1) tree.depth = this.#depthOf(page);
      // One that was below another that has changed is no longer there, or was read with that.
      if (this.#owners[page] === owner && !tree.interior.has(page)) await this.#readBelow(tree, owner, [[page, level]]);
    }
  }

  #clearBelow(owner: number, top: number): void {
    const tree = this.#trees[owner - 1];
    const pages = [top];
    for (let page = pages.pop(); page !== undefined; page = pages.pop()) {
      const children = tree?.interior.get(page)?.children ?? [];
      tree?.interior.delete(page);
      for (const child of children) this.#owners[child] = 0;
      pages.push(...children);
    }
  }
}
