// Reads the pages that lead to another state from their file, and checks them before one is written.
import { fstatSync, openSync, readSync } from 'node:fs';
import type { PageFile } from '../messages/rewinder.ts';

const numberBytes = 4;
/** SQLite's lock bytes lie in the page at this offset, which is never used. */
const pendingByte = 0x4000_0000;

export interface Pages {
  /** Ascending. */
  readonly numbers: Uint32Array;
  /** Puts the content of the page at this place of `numbers` into `target`. */
  read(place: number, target: Uint8Array): void;
}

/** @throws Error for a file that is not whole, or names a page twice or one that cannot be */
export function openPageFile({ path, pages, pageBytes, databasePages }: PageFile): Pages {
  const fd = openSync(path, 'r');
  const entryBytes = numberBytes + pageBytes;
  const { size } = fstatSync(fd);
  if (size !== pages * entryBytes) throw new Error(`the pages have ${size} bytes instead of ${pages * entryBytes}`);
  const lockPage = pendingByte / pageBytes + 1;
  const number = Buffer.alloc(numberBytes);
  const entries = Array.from({ length: pages }, (_, entry) => {
    readAll(fd, number, entry * entryBytes);
    return { entry, page: number.readUInt32LE(0) };
  });
  entries.sort((one, other) => one.page - other.page);
  entries.forEach(({ page }, place) => {
    if (page <= (entries[place - 1]?.page ?? 0) || page > databasePages || page === lockPage) {
      throw new Error(`page ${page} cannot be among the pages`);
    }
  });
  const read: Pages['read'] = (place, target) => {
    readAll(fd, target, (entries[place]?.entry ?? pages) * entryBytes + numberBytes);
  };
  return { numbers: Uint32Array.from(entries, ({ page }) => page), read };
}

function readAll(fd: number, target: Uint8Array, at: number): void {
  for (let done = 0; done < target.length; ) {
    const read = readSync(fd, target, done, target.length - done, at + done);
    if (read === 0) throw new Error('the file with the pages ended early');
    done += read;
  }
}
