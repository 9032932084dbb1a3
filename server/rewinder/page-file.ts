// Reads the pages that lead to another state from their file, and checks them before one is written.
import { fstatSync, openSync, readSync } from 'node:fs';
import type { PageFile } from '../messages/rewinder.ts';

const numberBytes = 4;
/** SQLite's lock bytes lie in the page at this offset, which is never used. */
const pendingByte = 0x4000_0000;

export interface Pages {
  readonly numbers: Uint32Array;
  /** Puts the content of the page at this place of `numbers` into `target`. */
  read(place: number, target: Uint8Array): void;
}

/** @throws Error for a file that is not whole, or in no order */
export function openPageFile({ path, pages, pageBytes, databasePages }: PageFile): Pages {
  const fd = openSync(path, 'r');
  const entryBytes = numberBytes + pageBytes;
  const { size } = fstatSync(fd);
  if (size !== pages * entryBytes) throw new Error(`the pages have ${size} bytes instead of ${pages * entryBytes}`);
  const lockPage = pendingByte / pageBytes + 1;
  const numbers = new Uint32Array(pages);
  const number = Buffer.alloc(numberBytes);
  for (let place = 0; place < pages; place += 1) {
    readAll(fd, number, place * entryBytes);
    const page = number.readUInt32LE(0);
    if (page <= (numbers[place - 1] ?? 0) || page > databasePages || page === lockPage) {
      throw new Error(`page ${page} cannot stand where it stands`);
    }
    numbers[place] = page;
  }
  return { numbers, read: (place, target) => readAll(fd, target, place * entryBytes + numberBytes) };
}

function readAll(fd: number, target: Uint8Array, at: number): void {
  for (let done = 0; done < target.length; ) {
    const read = readSync(fd, target, done, target.length - done, at + done);
    if (read === 0) throw new Error('the file with the pages ended early');
    done += read;
  }
}
