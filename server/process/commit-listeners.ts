// Who wants to know of commits to a database, by its path.

export class CommitListeners {
  readonly #byPath = new Map<string, Set<() => void>>();

  /** Returns the function that ends it. */
  add(path: string, listener: () => void): () => void {
    const listeners = this.#byPath.get(path) ?? new Set();
    this.#byPath.set(path, listeners.add(listener));
    return () => {
      listeners.delete(listener);
      if (listeners.size === 0 && this.#byPath.get(path) === listeners) this.#byPath.delete(path);
    };
  }

  notify(path: string): void {
    for (const listener of this.#byPath.get(path) ?? []) listener();
  }
}
