// Background writing in transactions that are over soon: nobody on the mount waits for it for long.
import type { Connection } from '../../connection.ts';

/** The write lock is given back after this time; a single big row may take longer. */
const lockMs = 8;
/** One call works about so long; what is left is done by the next. */
const workMs = 150;

/** Does items one by one, in transactions that end after `lockMs`, until `workMs` are over. */
export class SmallTransactions {
  readonly #connection: Connection;
  readonly #startedMs = performance.now();
  #isOverdue = false;

  constructor(connection: Connection) {
    this.#connection = connection;
  }

  /** Whether work was left undone. */
  isOverdue(): boolean {
    return this.#isOverdue;
  }

  hasTime(): boolean {
    if (performance.now() - this.#startedMs < workMs) return true;
    this.#isOverdue = true;
    return false;
  }

  /** @returns how many items were done */
  write<Item>(items: readonly Item[], change: (item: Item) => void): number {
    const { statement, announce, rollBack } = this.#connection;
    let done = 0;
    while (done < items.length && this.hasTime()) {
      statement('BEGIN IMMEDIATE').run();
      try {
        const startedMs = performance.now();
        for (let item = items[done]; item !== undefined && performance.now() - startedMs < lockMs; item = items[done]) {
          change(item);
          done += 1;
        }
        announce('committing');
        statement('COMMIT').run();
        announce('committed');
      } finally {
        rollBack();
      }
    }
    return done;
  }
}
