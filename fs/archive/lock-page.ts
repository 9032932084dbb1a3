// The page that SQLite leaves out, because its locks lie there: https://sqlite.org/fileformat2.html#the_lock_byte_page

const lockPageStart = 2 ** 30;

export function lockPageOf(pageBytes: number): number {
  return lockPageStart / pageBytes + 1;
}
