// From which commit on states can be had once a new history has its base. The base is copied later than the first
// commits are made, so it may lack what a page held before them. The state of a commit is whole where each of its pages
// was written by then, or was written by no commit until the base was there. Pure.
import type { Commit } from '../commit.ts';

export class FirstStates {
  readonly #written = new Set<number>();
  /** Pages of the database after each commit, the first one first. */
  readonly #sizes: number[] = [];
  #largest = 0;
  #validFrom = 1;

  /** Number of the commit. */
  get validFrom(): number {
    return this.#validFrom;
  }

  /** The next commit, from the first one of a history on. */
  add({ pageNumbers, databasePages }: Pick<Commit, 'pageNumbers' | 'databasePages'>): void {
    for (const page of pageNumbers) {
      if (this.#written.has(page)) continue;
      this.#written.add(page);
      if (page > this.#largest) continue;
      // Nobody knows any more what this page held in the states that have it up to here.
      const last = this.#sizes.findLastIndex((size) => size >= page) + 1;
      this.#validFrom = Math.max(this.#validFrom, last + 1);
    }
    this.#sizes.push(databasePages);
    this.#largest = Math.max(this.#largest, databasePages);
  }
}
