// Writes as bytes -> the pages that they leave. Pure.
import { parseMainHeader } from '../tail/main-file.ts';
import type { Piece } from './captured-file.ts';

const headerBytes = 100;
const versionForByte = 92;
const changeCounterByte = 24;
const databasePagesByte = 28;

/** The page size as the first page says, if the pieces write that; undefined: they do not. */
export function pageBytesIn(pieces: readonly Piece[]): number | undefined {
  let found: number | undefined;
  for (const piece of pieces) {
    if ('data' in piece && piece.at === 0 && piece.data.length >= headerBytes) {
      found = parseMainHeader(piece.data)?.pageBytes ?? found;
    }
  }
  return found;
}

/**
 * Each page that was written, as the last piece has left it. `before` gives what a page held, for one that was written
 * in part. A file that was cut and grew again has zeros there.
 */
export function pagesOf(
  pieces: readonly Piece[],
  pageBytes: number,
  before: (pageNumber: number) => Buffer | undefined,
): Map<number, Buffer> {
  const pages = new Map<number, Buffer>();
  for (const piece of pieces) {
    if ('size' in piece) cut(pages, piece.size, pageBytes);
    else write(pages, piece.at, piece.data, pageBytes, before);
  }
  return pages;
}

function cut(pages: Map<number, Buffer>, size: number, pageBytes: number): void {
  for (const pageNumber of pages.keys()) if (pageNumber * pageBytes > size) pages.delete(pageNumber);
}

function write(
  pages: Map<number, Buffer>,
  start: number,
  data: Buffer,
  pageBytes: number,
  before: (pageNumber: number) => Buffer | undefined,
): void {
  for (let done = 0; done < data.length; ) {
    const at = start + done;
    const pageNumber = Math.floor(at / pageBytes) + 1;
    const within = at % pageBytes;
    const length = Math.min(pageBytes - within, data.length - done);
    if (length === pageBytes) pages.set(pageNumber, data.subarray(done, done + length));
    else {
      const page = Buffer.alloc(pageBytes, 0);
      (pages.get(pageNumber) ?? before(pageNumber))?.copy(page);
      data.copy(page, within, done, done + length);
      pages.set(pageNumber, page);
    }
    done += length;
  }
}

/** How many pages the database has, as its first page says; a program before 3.7.0 (2010) leaves that to the size. */
export function databasePagesOf(pageOne: Buffer, fileBytes: number, pageBytes: number): number {
  const isKnown = pageOne.readUInt32BE(changeCounterByte) === pageOne.readUInt32BE(versionForByte);
  const pages = pageOne.readUInt32BE(databasePagesByte);
  return isKnown && pages > 0 ? pages : Math.floor(fileBytes / pageBytes);
}
