// Pages that belong to no b-tree and hold nothing of one (https://sqlite.org/fileformat2.html): free pages, and pointer
// maps, which say which page leads to each of those behind them (`auto_vacuum`).
import { lockPageOf } from '../lock-page.ts';
import { Pieces } from '../pieces.ts';
import { type ReadPage, usableBytesOf } from './btree.ts';

const firstTrunkAt = 32;
const freeCountAt = 36;
const largestRootAt = 52;

/** As the header of the database says. */
export function freeCountOf(first: Buffer): number {
  return first.readUInt32BE(freeCountAt);
}

export async function freePagesOf(readPage: ReadPage, pageCount: number): Promise<ReadonlySet<number>> {
  const free = new Set<number>();
  const pieces = new Pieces();
  const first = readPage(1);
  const mostLeaves = Math.floor(usableBytesOf(first) / 4) - 2;
  const lockPage = lockPageOf(first.length);
  let trunk = first.readUInt32BE(firstTrunkAt);
  while (trunk >= 1 && trunk <= pageCount && trunk !== lockPage && !free.has(trunk)) {
    free.add(trunk);
    const content = readPage(trunk);
    const leaves = Math.min(content.readUInt32BE(4), mostLeaves);
    for (let leaf = 0; leaf < leaves; leaf++) free.add(content.readUInt32BE(8 + 4 * leaf));
    trunk = content.readUInt32BE(0);
    await pieces.next();
  }
  return free;
}

export function isPointerMap(page: number, first: Buffer): boolean {
  if (page < 2 || first.readUInt32BE(largestRootAt) === 0) return false;
  const span = Math.floor(usableBytesOf(first) / 5) + 1;
  const map = Math.floor((page - 2) / span) * span + 2;
  return page === (map === lockPageOf(first.length) ? map + 1 : map);
}
