// Who wants to know of commits to a database, by its path.

/** By a request, by a program on the mount, or the server's own records (query history, log of native writes). */
export type CommitBy = 'request' | 'program' | 'upkeep';

export type CommitListener = (by: CommitBy) => void;

export class CommitListeners {
  readonly #byPath = new Map<string, Set<CommitListener>>();

  /** Returns the function that ends it. */
  add(path: string, listener: CommitListener): () => void {
    const listeners = this.#byPath.get(path) ?? new Set();
    this.#byPath.set(path, listeners.add(listener));
    return () => {
      listeners.delete(listener);
      if (listeners.size === 0 && this.#byPath.get(path) === listeners) this.#byPath.delete(path);
    };
  }

  notify(path: string, by: CommitBy): void {
    for (const listener of this.#byPath.get(path) ?? []) listener(by);
  }
}
