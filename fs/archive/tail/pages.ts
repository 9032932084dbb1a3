// Which pages of a transaction the log takes, in which order. Pure.

/** The page that holds SQLite's lock bytes at 1 GiB; it never has content. */
export function lockPage(pageBytes: number): number {
  return 0x40000000 / pageBytes + 1;
}

/** Memory for the pages of commits that are appended together: one piece, for all of them, again and again. */
export class PageRoom {
  readonly #bytes: Buffer;
  #taken = 0;

  constructor(bytes: number) {
    this.#bytes = Buffer.allocUnsafeSlow(bytes);
  }

  /** What was taken before is not needed any more. */
  clear(): void {
    this.#taken = 0;
  }

  /** Of any content, right behind what was taken before; elsewhere where no room is left. */
  take(bytes: number): Buffer {
    if (this.#taken + bytes > this.#bytes.length) return Buffer.allocUnsafeSlow(bytes);
    this.#taken += bytes;
    return this.#bytes.subarray(this.#taken - bytes, this.#taken);
  }
}

export interface PageSet {
  readonly pageNumbers: Uint32Array;
  readonly pages: Buffer;
}

/**
 * Ascending, without the lock page and pages behind the end. Pages by which the database has grown from `pagesBefore`,
 * and that nobody wrote, are zeros: what an earlier, longer database had there is gone.
 * @param take memory for the contents
 */
export function pageSetOf(
  written: ReadonlyMap<number, Buffer>,
  pageBytes: number,
  databasePages: number,
  pagesBefore = databasePages,
  take: (bytes: number) => Buffer = Buffer.allocUnsafeSlow,
): PageSet {
  const excluded = lockPage(pageBytes);
  const numbers: number[] = [];
  for (const number of written.keys()) if (number <= databasePages && number !== excluded) numbers.push(number);
  for (let number = pagesBefore + 1; number <= databasePages; number++) {
    if (!written.has(number) && number !== excluded) numbers.push(number);
  }
  const pageNumbers = Uint32Array.from(numbers);
  if (numbers.length > 1) pageNumbers.sort();
  const pages = take(pageNumbers.length * pageBytes);
  let at = 0;
  for (const number of pageNumbers) {
    const content = written.get(number);
    if (content === undefined) pages.fill(0, at, at + pageBytes);
    else pages.set(content, at);
    at += pageBytes;
  }
  return { pageNumbers, pages };
}
