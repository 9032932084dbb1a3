// Who may have a session: a few of each database, of which one writes, and not more than so many in all. Whoever finds
// no place waits for one, in order, before anything is asked of SQLite. Pure: no processes, no clock.
import { limits } from '../../messages/limits.ts';

export interface Place {
  readonly path: string;
  writes: boolean;
}

interface Waiting {
  readonly path: string;
  readonly writes: boolean;
  /** It has a place, and wants to be the writer. */
  readonly holder?: Place;
  readonly give: (place: Place) => void;
}

export class Places {
  readonly #taken = new Set<Place>();
  readonly #waiting = new Set<Waiting>();

  /** Calls `give` at once, or when it is its turn. @returns what ends the waiting */
  ask(path: string, writes: boolean, give: (place: Place) => void): () => void {
    return this.#wait({ path, writes, give });
  }

  /** As ask(), for one that has a place and wants to be the writer. */
  askToWrite(holder: Place, give: (place: Place) => void): () => void {
    return this.#wait({ path: holder.path, writes: true, holder, give });
  }

  /** Makes a reader the writer, where there is none. */
  upgrade(place: Place): boolean {
    if (place.writes) return true;
    if (this.#writes(place.path)) return false;
    place.writes = true;
    return true;
  }

  leave(place: Place): void {
    if (this.#taken.delete(place)) this.#pump();
  }

  /** Whether somebody waits for what this place keeps from others. */
  isWaitedFor({ path, writes }: Place): boolean {
    const isFull = this.#taken.size >= limits.sessions;
    const isDatabaseFull = this.#countOf(path) >= limits.sessionsPerDatabase;
    return [...this.#waiting].some((one) => {
      const isKept = one.holder === undefined && (isFull || (one.path === path && isDatabaseFull));
      return isKept || (one.path === path && one.writes && writes);
    });
  }

  #wait(waiting: Waiting): () => void {
    this.#waiting.add(waiting);
    this.#pump();
    return () => {
      this.#waiting.delete(waiting);
      this.#pump();
    };
  }

  #pump(): void {
    /** Databases in which somebody waits for any place: who comes later does not pass. */
    const full = new Set<string>();
    for (const waiting of this.#waiting) {
      const { path, writes, holder } = waiting;
      const isFull = this.#taken.size >= limits.sessions || this.#countOf(path) >= limits.sessionsPerDatabase;
      if (holder === undefined && isFull) full.add(path);
      if ((holder === undefined && full.has(path)) || (writes && this.#writes(path))) continue;
      this.#waiting.delete(waiting);
      const place = holder ?? { path, writes };
      place.writes = writes;
      this.#taken.add(place);
      waiting.give(place);
    }
  }

  #countOf(path: string): number {
    return [...this.#taken].filter((place) => place.path === path).length;
  }

  #writes(path: string): boolean {
    return [...this.#taken].some((place) => place.path === path && place.writes);
  }
}
