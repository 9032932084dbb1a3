// Which `db` is a directory of files, and may be served as a store.
import { lstat, readFile, realpath, stat, statfs } from 'node:fs/promises';
import { dirname, isAbsolute, normalize } from 'node:path';
import { ApiError } from '../../messages/errors.ts';
import { holdsWorkingCopies, isInside, type PathRules } from '../../messages/paths.ts';
import { identityOf, openDirectory } from './handles.ts';
import { Hashes } from './hashes.ts';
import { DirectoryStore } from './store.ts';
import { Turns } from './turns.ts';

/** Of one directory: each may be as large as an answer. */
const largeReads = 4;

/** Of linux/magic.h: proc, sysfs, cgroup, cgroup2, debugfs, tracefs, securityfs, devpts, configfs, bpf. */
const kernelFileSystems: ReadonlySet<number> = new Set([
  0x9fa0, 0x62656572, 0x27e0eb, 0x63677270, 0x64626720, 0x74726163, 0x73636673, 0x1cd1, 0x62656570, 0xcafe4a11,
]);

export interface DirectoryRules extends PathRules {
  readonly mounted: boolean;
  /** Paths that executors have open, or have tried to open. */
  readonly openPaths: () => readonly string[];
}

export class Directories {
  readonly #rules: DirectoryRules;
  readonly #hashes = new Hashes();
  readonly #writers = new Turns(1);
  readonly #readers = new Turns(largeReads);

  constructor(rules: DirectoryRules) {
    this.#rules = rules;
  }

  /** What GET /health/cache shows. */
  get sizes(): { readonly size: number; readonly max_size: number; readonly held: number } {
    return { size: this.#hashes.size, max_size: this.#hashes.maxSize, held: 0 };
  }

  /**
   * The store that `db` names, which the caller closes. null: it is (or would be) a database.
   * @throws ApiError FORBIDDEN for a directory elsewhere while paths are confined, PATH_IS_DIRECTORY inside the mount
   */
  async open(name: string): Promise<DirectoryStore | null> {
    const path = this.#pathOf(name);
    if (path === null) return null;
    if (!this.#isAllowed(path)) {
      if (!name.endsWith('/')) return null;
      throw new ApiError('FORBIDDEN', `directories outside ${this.#rules.root} are not served`);
    }
    const found = await lstat(path).catch(() => null);
    if (found === null || !found.isDirectory()) return null;
    return await this.#openReal(await realpath(path));
  }

  /** By its name alone: most requests are for databases, and nothing is to be waited for. */
  isDatabase(name: string): boolean {
    return this.#pathOf(name) === null;
  }

  /** null for what only a database can be called. */
  #pathOf(name: string): string | null {
    // What is no path at all, the rules for databases refuse.
    if (!isAbsolute(name) || /[?#\0]/.test(name)) return null;
    const path = normalize(name).replace(/(?<=.)\/$/, '');
    return this.#isOfMount(path) ? null : path;
  }

  async #openReal(path: string): Promise<DirectoryStore> {
    if (!this.#isAllowed(path)) throw new ApiError('FORBIDDEN', 'the path leaves the database directory');
    const closed = await this.#closed();
    const isClosed = this.#isOfMount(path) || holdsWorkingCopies(path, this.#rules);
    if (isClosed || (await isBelowAny(path, closed))) throw ofMount();
    if (kernelFileSystems.has((await statfs(path)).type)) {
      throw new ApiError('FORBIDDEN', "the files of this directory are the kernel's, not on a disk");
    }
    const handle = await openDirectory(path);
    try {
      const { dev } = await handle.stat({ bigint: true });
      if (dev === (await this.#mountDevice())) throw ofMount();
      return new DirectoryStore({
        path,
        handle,
        bounds: { dev, closed },
        hashes: this.#hashes,
        writers: this.#writers,
        readers: this.#readers,
        isOpen: (file) => this.#rules.openPaths().includes(file),
      });
    } catch (error) {
      await handle.close();
      throw error;
    }
  }

  /** The files behind the mount are opened through it, and what is on it is opened as a database. */
  #isOfMount(path: string): boolean {
    const { mounted, root, dataDir } = this.#rules;
    return mounted && (isInside(path, root) || isInside(path, dataDir));
  }

  #isAllowed(path: string): boolean {
    return this.#rules.allowAnyAbsoluteDbPath || isInside(path, this.#rules.root);
  }

  /** Behind the mount, by device and inode, so that no bind mount hides it. */
  async #closed(): Promise<ReadonlySet<string>> {
    const { mounted, dataDir } = this.#rules;
    return new Set(mounted ? [identityOf(await stat(dataDir, { bigint: true }))] : []);
  }

  /** From the kernel's list: a question to the mount itself could wait for it. */
  async #mountDevice(): Promise<bigint | null> {
    if (!this.#rules.mounted) return null;
    const lines = (await readFile('/proc/self/mountinfo', 'utf8')).split('\n').map((line) => line.split(' '));
    const place = this.#rules.root.replace(
      /[ \t\n\\]/g,
      (character) => `\\${character.charCodeAt(0).toString(8).padStart(3, '0')}`,
    );
    const [major, minor] = (lines.findLast((fields) => fields[4] === place)?.[2] ?? '').split(':').map(Number);
    if (major === undefined || minor === undefined) return null;
    // As makedev(3) of glibc puts them together.
    const [high, low] = [BigInt(major), BigInt(minor)];
    return ((high & 0xfffff000n) << 32n) | ((high & 0xfffn) << 8n) | ((low & 0xffffff00n) << 12n) | (low & 0xffn);
  }
}

async function isBelowAny(path: string, closed: ReadonlySet<string>): Promise<boolean> {
  if (closed.size === 0) return false;
  for (let at = path; ; at = dirname(at)) {
    if (closed.has(identityOf(await stat(at, { bigint: true })))) return true;
    if (at === dirname(at)) return false;
  }
}

function ofMount(): ApiError {
  return new ApiError('PATH_IS_DIRECTORY', 'the path is a directory of the mount, which holds databases');
}
