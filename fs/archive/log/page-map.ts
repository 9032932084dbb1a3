// Where the newest content of each page lies, after any number of commits: in memory, 4 bytes a page.

/** The page is what the base says. */
export const inBase = -1;
/** The page is zero: the database was cut before it, grew again, and nothing was written there since. */
export const isZero = -2;

// How a place is stored: the index of a logged page + 2.
const [storedBase, storedZero, storedFirst] = [0, 1, 2];

export class PageMap {
  databasePages = 0;
  #stored = new Uint32Array(256);
  /** Pages beyond those of the first commit are not what the base has there. */
  #basePages = -1;

  /** `firstIndex`: of its first page among all that were logged. Commits come in their order. */
  apply(databasePages: number, numbers: Uint32Array, firstIndex: number): void {
    if (this.#basePages === -1) this.#basePages = databasePages;
    this.#reach(databasePages);
    if (databasePages < this.databasePages) this.#stored.fill(storedZero, databasePages + 1, this.databasePages + 1);
    this.databasePages = databasePages;
    for (let index = 0; index < numbers.length; index++) {
      this.#stored[numbers[index] ?? 0] = firstIndex + index + storedFirst;
    }
  }

  #reach(pages: number): void {
    const length = this.#stored.length;
    if (pages < length) return;
    const longer = new Uint32Array(Math.max(pages + 1, Math.ceil(length * 1.5)));
    longer.set(this.#stored);
    this.#stored = longer;
  }

  /** {@link inBase}, {@link isZero}, or the index of a logged page. */
  placeOf(pageNumber: number): number {
    const stored = this.#stored[pageNumber] ?? storedBase;
    if (stored >= storedFirst) return stored - storedFirst;
    return stored === storedZero || pageNumber > this.#basePages ? isZero : inBase;
  }
}
