// Keeps the tree of keys of one table up to date: reads levels when they are opened, and all open ones again after a
// change.
import { signal } from '@preact/signals';
import { errorText, isAbort } from '../api/client.ts';
import type { KeptTree } from './kept-trees.ts';
import { levelLimit, readLevel } from './requests.ts';
import {
  closed,
  emptyTree,
  guessDelimiter,
  type KeyTree,
  opened,
  prefixesOf,
  shownLevels,
  withFailure,
  withLoading,
  withPage,
} from './tree.ts';

/** The server sends at most so many entries at a time. */
const largestPage = 1_000;

export interface TreePlace {
  readonly db: string;
  readonly table: string;
  /** Keys that contain this, as a flat list; '' for the tree. */
  readonly search: string;
}

export class TreeStore {
  readonly tree = signal<KeyTree>(emptyTree);
  /** What separates the levels: '' for a flat list, null until it is known. */
  readonly delimiter = signal<string | null>(null);
  readonly #place: TreePlace;
  readonly #stop = new AbortController();

  /** `delimiter` null: whatever most keys have. `kept` is what was shown before. */
  constructor(place: TreePlace, delimiter: string | null, kept?: KeptTree) {
    this.#place = place;
    this.delimiter.value = kept?.delimiter ?? (place.search === '' ? delimiter : '');
    if (kept !== undefined) this.tree.value = kept.tree;
  }

  async start(): Promise<void> {
    if (this.tree.peek() !== emptyTree) return this.reload();
    if (this.delimiter.peek() !== null) return this.load('');
    this.delimiter.value = '/';
    await this.load('');
    const guess = guessDelimiter(this.tree.peek().levels.get('')?.entries ?? []);
    this.delimiter.value = guess;
    if (guess !== '/') await this.load('');
  }

  stop(): void {
    this.#stop.abort();
  }

  /** The first page of a level, or the one `after` a cursor. */
  async load(prefix: string, after?: string): Promise<void> {
    this.tree.value = withLoading(this.tree.peek(), prefix);
    try {
      const page = await this.#page(prefix, after, levelLimit);
      this.tree.value = withPage(this.tree.peek(), prefix, page, after);
    } catch (error) {
      if (!isAbort(error)) this.tree.value = withFailure(this.tree.peek(), prefix, errorText(error));
    }
  }

  async toggle(prefix: string): Promise<void> {
    const tree = this.tree.peek();
    if (tree.open.has(prefix)) {
      this.tree.value = closed(tree, prefix);
      return;
    }
    this.tree.value = opened(tree, prefix);
    await this.load(prefix);
  }

  /** Opens whatever stands above a key. */
  async reveal(key: string): Promise<void> {
    for (const prefix of prefixesOf(key, this.delimiter.peek() ?? '/')) {
      if (this.tree.peek().open.has(prefix)) continue;
      this.tree.value = opened(this.tree.peek(), prefix);
      await this.load(prefix);
    }
  }

  /** All levels that are shown, as far as they were shown before. Rows stay while it reads. */
  async reload(): Promise<void> {
    await Promise.all(shownLevels(this.tree.peek()).map((prefix) => this.#reloadLevel(prefix)));
  }

  async #reloadLevel(prefix: string): Promise<void> {
    const wanted = Math.max(levelLimit, this.tree.peek().levels.get(prefix)?.entries.length ?? 0);
    try {
      let page = await this.#page(prefix, undefined, Math.min(wanted, largestPage));
      let { entries } = page;
      while (page.next !== null && entries.length < wanted) {
        page = await this.#page(prefix, page.next, Math.min(wanted - entries.length, largestPage));
        entries = [...entries, ...page.entries];
      }
      this.tree.value = withPage(this.tree.peek(), prefix, { entries, next: page.next });
    } catch (error) {
      if (!isAbort(error)) this.tree.value = withFailure(this.tree.peek(), prefix, errorText(error));
    }
  }

  #page(prefix: string, after: string | undefined, limit: number) {
    const { search } = this.#place;
    const level = search === '' ? { prefix, delimiter: this.delimiter.peek() || 'none' } : { search };
    return readLevel(this.#place, { ...level, after, limit }, this.#stop.signal);
  }
}
