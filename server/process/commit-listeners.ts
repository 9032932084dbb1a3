// Who wants to know of commits to a database, by its path.

/** `isUpkeep`: of the server's own records (query history, log of native writes), which no client asked for. */
export type CommitListener = (isUpkeep: boolean) => void;

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

  notify(path: string, isUpkeep = false): void {
    for (const listener of this.#byPath.get(path) ?? []) listener(isUpkeep);
  }
}
