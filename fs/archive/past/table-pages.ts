// Which table or index the pages of a database belong to, at a moment and from commit to commit. It reads sqlite_schema
// and interior pages only: all leaves of a b-tree are equally deep. Free pages, overflow pages (their row's leaf is
// written with them), pointer maps and lock pages belong to nobody. Page 1 is written by most transactions for its
// counters: it belongs to sqlite_schema where the schema changed.
import { Pieces } from '../pieces.ts';
import { childrenOf, encodingOf, isInterior, type ReadPage, type SchemaRow, schemaRows } from './btree.ts';

const schemaTable: SchemaRow = { name: 'sqlite_schema', table: 'sqlite_schema', root: 1 };
const cookieAt = 40;

interface Tree {
  readonly row: SchemaRow;
  readonly interior: Set<number>;
  /** All pages but overflow pages. */
  readonly pages: number[];
}

export class TablePages {
  readonly #readPage: ReadPage;
  readonly #pageCount: () => number;
  readonly #pieces = new Pieces();
  #trees: Tree[] = [];
  /** Index of a page's tree + 1. */
  #owners = new Uint32Array(0);
  #cookie = 0;

  /** `readPage` and `pageCount` tell of the newest commit that was handed to {@link afterCommit}. */
  constructor(readPage: ReadPage, pageCount: () => number) {
    this.#readPage = readPage;
    this.#pageCount = pageCount;
  }

  /** Reads everything anew. */
  async readAll(): Promise<void> {
    this.#trees = [];
    this.#owners = new Uint32Array(this.#pageCount() + 1);
    if (this.#pageCount() === 0) return;
    const first = this.#readPage(1);
    this.#cookie = first.readUInt32BE(cookieAt);
    const encoding = encodingOf(first);
    const schema = await this.#readTree(schemaTable);
    for (const page of schema.pages) {
      for (const row of schemaRows(this.#readPage(page), page, this.#readPage, encoding)) await this.#readTree(row);
    }
  }

  async #readTree(row: SchemaRow): Promise<Tree> {
    const tree: Tree = { row, interior: new Set(), pages: [] };
    this.#trees.push(tree);
    await this.#fill(tree, this.#trees.length);
    return tree;
  }

  async #fill(tree: Tree, owner: number): Promise<void> {
    const depth = this.#depthOf(tree.row.root);
    let level = [tree.row.root];
    this.#own(tree, owner, tree.row.root);
    for (let above = 1; above < depth; above++) {
      const below: number[] = [];
      for (const page of level) {
        tree.interior.add(page);
        for (const child of childrenOf(this.#readPage(page), page)) {
          if (this.#own(tree, owner, child)) below.push(child);
        }
        await this.#pieces.next();
      }
      level = below;
    }
  }

  #own(tree: Tree, owner: number, page: number): boolean {
    // A page that has an owner already is a damaged tree's: it is not followed again.
    if (page < 1 || page > this.#pageCount() || this.#owners[page] !== 0) return false;
    tree.pages.push(page);
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
    const first = this.#readPage(1);
    const hasNewSchema = first.readUInt32BE(cookieAt) !== this.#cookie;
    if (hasNewSchema) await this.readAll();
    else await this.#readChangedTrees(pages);
    this.#addOwners(pages, rows);
    if (hasNewSchema) rows.add(schemaTable);
    return [...rows];
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

  /** A tree has other pages only where its root or an interior page was written. */
  async #readChangedTrees(pages: ArrayLike<number>): Promise<void> {
    if (this.#pageCount() + 1 > this.#owners.length) {
      const longer = new Uint32Array(Math.ceil(this.#pageCount() * 1.2) + 1);
      longer.set(this.#owners);
      this.#owners = longer;
    }
    const changed = new Set<number>();
    for (let index = 0; index < pages.length; index++) {
      const page = pages[index] ?? 0;
      const owner = this.#owners[page] ?? 0;
      const tree = this.#trees[owner - 1];
      if (tree !== undefined && (tree.interior.has(page) || tree.row.root === page)) changed.add(owner);
    }
    // All are cleared before one is filled: a page may have gone from one to another.
    for (const owner of changed) this.#clear(owner);
    for (const owner of changed) {
      const tree = this.#trees[owner - 1];
      if (tree !== undefined) await this.#fill(tree, owner);
    }
  }

  #clear(owner: number): void {
    const tree = this.#trees[owner - 1];
    for (const page of tree?.pages ?? []) this.#owners[page] = 0;
    if (tree !== undefined) tree.pages.length = 0;
    tree?.interior.clear();
  }
}
