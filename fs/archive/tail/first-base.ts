// The base of a log that has none yet: a copy of the main file is made while commits are read. It becomes the base once
// it is complete and everything that was committed meanwhile has been read.
import { rm } from 'node:fs';
import type { CommitLog } from '../commit.ts';
import { copyBase } from './base-copy.ts';

export interface FirstBaseParts {
  /** Where the main file is now. */
  readonly pathOf: () => string;
  /** A path for an unfinished copy. */
  readonly copyPathOf: () => string;
  /** The copy is complete. */
  readonly copied: () => void;
  readonly failed: (error: unknown) => void;
}

interface Copy {
  readonly path: string;
  readonly end: AbortController;
  isComplete: boolean;
}

export class FirstBase {
  readonly #parts: FirstBaseParts;
  #copy: Copy | undefined;
  #copies = 0;

  constructor(parts: FirstBaseParts) {
    this.#parts = parts;
  }

  /** The copy is complete. */
  get isCopied(): boolean {
    return this.#copy?.isComplete ?? false;
  }

  get hasBegun(): boolean {
    return this.#copy !== undefined;
  }

  /** Begins to copy, if no copy is being made. */
  begin(): void {
    if (this.#copy !== undefined) return;
    const path = `${this.#parts.copyPathOf()}-${++this.#copies}`;
    const copy: Copy = { path, end: new AbortController(), isComplete: false };
    this.#copy = copy;
    copyBase(this.#parts.pathOf(), path, copy.end.signal).then(
      () => {
        copy.isComplete = true;
        if (this.#copy !== copy) rm(path, { force: true }, () => {});
        this.#parts.copied();
      },
      (error) => {
        if (this.#copy !== copy) return;
        this.#copy = undefined;
        if (!copy.end.signal.aborted) this.#parts.failed(error);
      },
    );
  }

  /** Every page that a checkpoint changed while the base was copied is in the commits that were read since. */
  hand(log: CommitLog, validFrom: number): void {
    if (this.#copy === undefined) return;
    log.setBase(this.#copy.path, validFrom);
    this.#copy = undefined;
  }

  drop(): void {
    const copy = this.#copy;
    this.#copy = undefined;
    copy?.end.abort();
    if (copy?.isComplete) rm(copy.path, { force: true }, () => {});
  }
}
