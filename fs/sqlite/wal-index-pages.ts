// The page numbers of the frames of a write-ahead log, as the `-shm` file has them: blocks of 32 KiB, each with an
// array of page numbers before its hash table; the header takes a part of the first block (walHashGet in SQLite's
// wal.c, https://sqlite.org/walformat.html#the_wal_index_file_format). Pure.
import { walIndexBytes } from './wal-index.ts';

const blockBytes = 32 << 10;
const framesInBlock = 4096;
const framesInFirstBlock = framesInBlock - walIndexBytes / 4;

/** Page numbers of frames that follow each other, in one piece of the file. */
export interface PagesPiece {
  readonly byte: number;
  readonly frames: number;
}

/** Where those of the frames behind `from` up to `end` lie; frames count from 1. Each is a u32 of the machine. */
function piecesOfPages(from: number, end: number): PagesPiece[] {
  const pieces: PagesPiece[] = [];
  for (let frame = from + 1; frame <= end; ) {
    const inLater = frame - 1 - framesInFirstBlock;
    const block = inLater < 0 ? 0 : 1 + Math.floor(inLater / framesInBlock);
    const at = block === 0 ? frame - 1 : inLater % framesInBlock;
    const frames = Math.min(end - frame + 1, (block === 0 ? framesInFirstBlock : framesInBlock) - at);
    pieces.push({ byte: block * blockBytes + (block === 0 ? walIndexBytes : 0) + 4 * at, frames });
    frame += frames;
  }
  return pieces;
}

/**
 * Page numbers of the frames behind `from` up to `end`. `read` reads from the `-shm` file and returns how many bytes
 * there were. undefined where the file is too short.
 */
export function loggedPages(
  read: (into: Buffer, byte: number) => number,
  from: number,
  end: number,
): Uint32Array | undefined {
  const pages = new Uint32Array(end - from);
  let at = 0;
  for (const { byte, frames } of piecesOfPages(from, end)) {
    const into = Buffer.from(pages.buffer, 4 * at, 4 * frames);
    if (read(into, byte) < into.length) return undefined;
    at += frames;
  }
  return pages;
}
