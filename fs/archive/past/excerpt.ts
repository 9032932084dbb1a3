// An excerpt of a state: a database file that holds all definitions, and of each table the rows that may be others than
// in another state. What both states have in the same leaf of a b-tree with rowids is left out on both sides, so the
// rows that differ are those that differ between the two excerpts. The file is sparse, every page has its own number,
// and interior pages are made anew behind the last one. A table without rowids, or one whose definition is not the same
// in both, is there as a whole if anything of it differs. Indexes are empty: whoever reads by one fills it first.
import { writeSync } from 'node:fs';
import { type FileHandle, open, rm } from 'node:fs/promises';
import { lockPageOf } from '../lock-page.ts';
import { Pieces } from '../pieces.ts';
import {
  childrenOf,
  emptyLeaf,
  hasRowids,
  interiorPage,
  mostChildren,
  type PageSizes,
  type SchemaRow,
  separatorsOf,
} from './btree.ts';
import { anybodysFile } from './materialise.ts';
import type { StateTrees } from './state-trees.ts';
import { schemaTable } from './table-pages.ts';

/** `touched`: pages of b-trees that are not what they are in the other state. */
export interface ExcerptSide {
  readonly state: StateTrees;
  readonly touched: ReadonlySet<number>;
}

/** `path` must not exist. @throws PastError, NodeJS.ErrnoException, and the file is not there */
export async function writeExcerpt(side: ExcerptSide, other: ExcerptSide, path: string): Promise<void> {
  const file = await open(path, 'wx');
  try {
    await file.chmod(anybodysFile);
    await new Excerpt(side, other, file).write();
    await file.close();
  } catch (error) {
    await file.close();
    await rm(path, { force: true });
    throw error;
  }
}

class Excerpt {
  readonly #state: StateTrees;
  readonly #touched: ReadonlySet<number>;
  readonly #other: ExcerptSide;
  readonly #file: FileHandle;
  readonly #pieces = new Pieces();
  /** As they are in the state. The overflow pages of what they hold are written as well. */
  readonly #kept = new Set<number>();
  readonly #made = new Map<number, Buffer>();
  #pages: number;

  constructor({ state, touched }: ExcerptSide, other: ExcerptSide, file: FileHandle) {
    this.#state = state;
    this.#touched = touched;
    this.#other = other;
    this.#file = file;
    this.#pages = state.map.databasePages;
  }

  async write(): Promise<void> {
    const others = new Map(this.#other.state.tables.rows.map((row) => [row.name, row]));
    const touched = new Set([
      ...touchedNames(this.#state, this.#touched),
      ...touchedNames(this.#other.state, this.#other.touched),
    ]);
    for (const row of this.#state.tables.rows) {
      const other = others.get(row.name);
      const isSame = other?.type === row.type && other.sql === row.sql;
      const isWanted = row.type === 'table' && (touched.has(row.name) || !isSame);
      if (row === schemaTable) this.#keep(this.#state.tables.pagesOf(row));
      else if (!isWanted) this.#made.set(row.root, emptyLeaf(this.#state.read(row.root), this.#state.sizes));
      else if (isSame && hasRowids(this.#state.read(row.root), row.root)) await this.#prune(row);
      else this.#keep(this.#state.tables.pagesOf(row));
    }
    await this.#writePages();
  }

  #keep(pages: readonly number[]): void {
    for (const page of pages) this.#kept.add(page);
  }

  /** The tree with those of its leaves only that are not the same in the other state. */
  async #prune({ root }: SchemaRow): Promise<void> {
    const leaves: Child[] = [];
    await this.#addTouchedLeaves(root, undefined, leaves);
    this.#keep(leaves.map(({ page }) => page));
    const [first] = leaves;
    if (first?.page === root) return;
    if (first === undefined) this.#made.set(root, emptyLeaf(this.#state.read(root), this.#state.sizes));
    else if (leaves.length === 1) this.#made.set(root, this.#state.read(first.page));
    else this.#made.set(root, this.#join(leaves));
  }

  async #addTouchedLeaves(page: number, last: Buffer | undefined, leaves: Child[]): Promise<void> {
    if (this.#state.tables.isLeaf(page)) {
      // What one side keeps the other has to keep too.
      if (this.#touched.has(page) || this.#other.touched.has(page)) leaves.push({ page, last });
      return;
    }
    const content = this.#state.read(page);
    const separators = separatorsOf(content, page);
    for (const [index, child] of childrenOf(content, page).entries()) {
      await this.#addTouchedLeaves(child, separators[index] ?? last, leaves);
    }
    await this.#pieces.next();
  }

  /** Levels of interior pages above two or more pages. @returns the uppermost page, which has no number yet */
  #join(pages: readonly Child[]): Buffer {
    const { sizes } = this.#state;
    const groups = Math.ceil(pages.length / mostChildren(sizes));
    if (groups === 1) return joined(pages, sizes);
    const parents = Array.from({ length: groups }, (_, group): Child => {
      const [begin, end] = [group, group + 1].map((at) => Math.floor((at * pages.length) / groups));
      const own = pages.slice(begin, end);
      const page = this.#newPage();
      this.#made.set(page, joined(own, sizes));
      return { page, last: own.at(-1)?.last };
    });
    return this.#join(parents);
  }

  #newPage(): number {
    this.#pages += this.#pages + 1 === lockPageOf(this.#state.sizes.pageBytes) ? 2 : 1;
    return this.#pages;
  }

  async #writePages(): Promise<void> {
    const { pageBytes } = this.#state.sizes;
    await this.#file.truncate(this.#pages * pageBytes);
    const write = (page: number, content: Buffer): void => {
      if (page === 1) adjustHeader(content, this.#pages);
      writeSync(this.#file.fd, content, 0, pageBytes, (page - 1) * pageBytes);
    };
    await this.#state.eachWithOverflow(this.#kept, write);
    for (const [page, content] of this.#made) {
      write(page, content);
      await this.#pieces.next();
    }
  }
}

interface Child {
  readonly page: number;
  /** No rowid below it is larger; undefined: it is the last one. */
  readonly last: Buffer | undefined;
}

function joined(children: readonly Child[], sizes: PageSizes): Buffer {
  const separators = children.slice(0, -1).flatMap(({ last }) => (last === undefined ? [] : [last]));
  return interiorPage(
    children.map(({ page }) => page),
    separators,
    sizes,
  );
}

function touchedNames(state: StateTrees, touched: ReadonlySet<number>): string[] {
  return [...touched].flatMap((page) => state.ownerOf(page)?.name ?? []);
}

/** No free pages, no pointer maps, no write-ahead log. */
function adjustHeader(first: Buffer, pages: number): void {
  first.fill(1, 18, 20);
  first.writeUInt32BE(pages, 28);
  first.fill(0, 32, 40);
  first.fill(0, 52, 56);
  first.fill(0, 64, 68);
  first.copy(first, 92, 24, 28); // the number of pages is valid for this change counter
}
