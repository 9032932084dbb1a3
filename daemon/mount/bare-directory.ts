// The directory below the mount point. While nothing is mounted, a program that looks for a database there makes an empty
// file of its own. If it still has that file open when the mount comes over it, it looks for app.db-wal by its path, finds
// the one of the real database, and deletes it, as SQLite does beside an empty file: committed work is lost (seen with
// eight containers that went on trying during a restart). So nothing is mounted over a file that is open.
import { closeSync, constants, fstatSync, openSync, readdirSync, unlinkSync } from 'node:fs';
import { constants as os } from 'node:os';
import { setTimeout as delay } from 'node:timers/promises';
import { tryLease } from '../../fs/index.ts';
import { CommandError, exitCodes } from '../cli/errors.ts';
import { isImmutable, setImmutable } from './immutable.ts';

const { EAGAIN } = os.errno;
const waitMs = 5_000;
const retryMs = 20;

export class BareDirectory {
  readonly #path: string;
  readonly #fd: number;
  /** Empty files that were removed; programs may still have them open. */
  readonly #removed: number[] = [];
  #isSealed = false;

  /** Takes hold of the directory itself, which stays in reach when something is mounted over it. */
  constructor(path: string) {
    this.#path = path;
    this.#fd = openSync(path, constants.O_RDONLY | constants.O_DIRECTORY);
  }

  /**
   * Resolves when no program has a file of the directory open. From then on none can be made, where the file system and
   * this process's rights allow to forbid it; look again after mounting. @throws CommandError when it takes too long
   */
  async whenUnused(): Promise<void> {
    const endsAtMs = performance.now() + waitMs;
    for (;;) {
      this.#removeEmptyFiles();
      this.#seal();
      const used = this.usedFiles();
      if (used.length === 0 && !this.#hasEmptyFile()) return;
      if (performance.now() >= endsAtMs) {
        throw new CommandError(
          exitCodes.failed,
          `files in the directory below the mount are open: ${used.join(', ') || 'new ones all the time'} in ${this.#path}`,
          { hint: 'end the programs that made them while nothing was mounted' },
        );
      }
      await delay(retryMs);
      this.#unseal();
    }
  }

  /** Names of files of the directory, removed ones as "(removed)", that some program has open. */
  usedFiles(): string[] {
    const removed = this.#removed.filter(isOpenElsewhere).map(() => '(removed)');
    return [...removed, ...this.#files().filter((name) => this.#look(name, isOpenElsewhere) === true)];
  }

  /** Anybody may make files again. */
  close(): void {
    this.#unseal();
    for (const fd of [...this.#removed, this.#fd]) closeSync(fd);
  }

  #files(): string[] {
    return readdirSync(this.#pathOf('.'), { withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => entry.name);
  }

  #hasEmptyFile(): boolean {
    return this.#files().some((name) => this.#look(name, isEmpty) === true);
  }

  /** They hold nothing, and a program would open them instead of the database. An operator's own seal is left alone. */
  #removeEmptyFiles(): void {
    if (isImmutable(this.#fd)) return;
    for (const name of this.#files()) {
      const fd = this.#open(name);
      if (fd === undefined) continue;
      if (!isEmpty(fd)) closeSync(fd);
      else {
        this.#removed.push(fd);
        unlinkSync(this.#pathOf(name));
      }
    }
  }

  #seal(): void {
    if (!isImmutable(this.#fd)) this.#isSealed = setImmutable(this.#fd, true);
  }

  #unseal(): void {
    if (this.#isSealed) setImmutable(this.#fd, false);
    this.#isSealed = false;
  }

  #look<T>(name: string, question: (fd: number) => T): T | undefined {
    const fd = this.#open(name);
    if (fd === undefined) return undefined;
    try {
      return question(fd);
    } finally {
      closeSync(fd);
    }
  }

  #open(name: string): number | undefined {
    try {
      return openSync(this.#pathOf(name), constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
    } catch {
      return undefined; // removed meanwhile
    }
  }

  /** Leads to the directory itself, whatever is mounted over it. */
  #pathOf(name: string): string {
    return `/proc/self/fd/${this.#fd}/${name}`;
  }
}

function isEmpty(fd: number): boolean {
  return fstatSync(fd).size === 0;
}

/** A file system without leases gives no answer, which is taken for no. */
function isOpenElsewhere(fd: number): boolean {
  return tryLease(fd) === EAGAIN;
}
