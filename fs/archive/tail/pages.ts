// Which pages of a transaction the log takes, in which order. Pure.

/** The page that holds SQLite's lock bytes at 1 GiB; it never has content. */
export function lockPage(pageBytes: number): number {
  return 0x40000000 / pageBytes + 1;
}

export interface PageSet {
  readonly pageNumbers: Uint32Array;
  readonly pages: Buffer;
}

/**
 * Ascending, without the lock page and pages behind the end. Pages by which the database has grown from `pagesBefore`,
 * and that nobody wrote, are zeros: what an earlier, longer database had there is gone.
 */
export function pageSetOf(
  written: ReadonlyMap<number, Buffer>,
  pageBytes: number,
  databasePages: number,
  pagesBefore = databasePages,
): PageSet {
  const excluded = lockPage(pageBytes);
  const numbers: number[] = [];
  for (const number of written.keys()) if (number <= databasePages && number !== excluded) numbers.push(number);
  for (let number = pagesBefore + 1; number <= databasePages; number++) {
    if (!written.has(number) && number !== excluded) numbers.push(number);
  }
  const [first = 0] = numbers;
  const only = numbers.length === 1 ? written.get(first) : undefined;
  if (only !== undefined) return { pageNumbers: Uint32Array.of(first), pages: only };
  const pageNumbers = Uint32Array.from(numbers).sort();
  const pages = Buffer.alloc(pageNumbers.length * pageBytes);
  pageNumbers.forEach((number, index) => {
    written.get(number)?.copy(pages, index * pageBytes);
  });
  return { pageNumbers, pages };
}
