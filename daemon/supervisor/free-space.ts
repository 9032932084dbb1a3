// Free space of the data directory, asked on a thread of Node's pool: a file system that hangs (a dead NFS server, a
// disk that does not answer) must not hang the supervisor, and costs it one such thread at most.
import type { StatsFs } from 'node:fs';
import { statfs } from 'node:fs/promises';

const patienceMs = 1000;

export class FreeSpace {
  readonly #statfs: (path: string) => Promise<StatsFs>;
  /** The question that is not answered yet. */
  #asked: Promise<number | null> | undefined;

  constructor(ask: (path: string) => Promise<StatsFs> = statfs) {
    this.#statfs = ask;
  }

  /** null where the file system refuses to say, or says nothing for a second. `path` is the same every time. */
  async bytes(path: string): Promise<number | null> {
    this.#asked ??= this.#ask(path);
    let timer: NodeJS.Timeout | undefined;
    const timeout = new Promise<null>((resolve) => {
      timer = setTimeout(() => resolve(null), patienceMs);
    });
    try {
      return await Promise.race([this.#asked, timeout]);
    } finally {
      clearTimeout(timer);
    }
  }

  async #ask(path: string): Promise<number | null> {
    try {
      const { bavail, bsize } = await this.#statfs(path);
      return bavail * bsize;
    } catch {
      return null;
    } finally {
      this.#asked = undefined;
    }
  }
}
