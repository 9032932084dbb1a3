// A folder as a store. Files are written beside their place, synced, and renamed; their mtime is the object's time.
import { randomUUID } from 'node:crypto';
import { constants } from 'node:fs';
import { copyFile, type FileHandle, link, mkdir, open, readdir, rename, rm, stat } from 'node:fs/promises';
import { basename, dirname, join, resolve, sep } from 'node:path';
import { pathToFileURL } from 'node:url';
import { ShipError, type ShipErrorCode } from './ship-error.ts';
import type { ShipStore, StoredObject, WriteOptions } from './store.ts';

const unfinished = '.tmp';
/** What a killed process has left is removed after that time. */
const leftoverAgeMs = 3_600_000;

export class FileStore implements ShipStore {
  readonly url: string;
  readonly #root: string;
  /** Folders that are there, and free of leftovers. */
  readonly #ready = new Set<string>();

  /** @param root an absolute path; it is made when something is written */
  constructor(root: string) {
    this.#root = resolve(root);
    this.url = pathToFileURL(this.#root).href;
  }

  async *list(prefix: string): AsyncIterable<StoredObject> {
    const folder = prefix.slice(0, prefix.lastIndexOf('/') + 1);
    yield* this.#walk(folder, prefix);
  }

  async read(name: string, range?: { readonly offset: number; readonly bytes: number }): Promise<Buffer> {
    return this.#attempt(name, async (path) => {
      const handle = await open(path, constants.O_RDONLY);
      try {
        if (range === undefined) return await handle.readFile();
        return await readRange(handle, range, `${this.url}/${name}`);
      } finally {
        await handle.close();
      }
    });
  }

  async write(name: string, content: Buffer | { readonly path: string }, options: WriteOptions = {}): Promise<boolean> {
    return this.#attempt(name, async (path) => {
      const folder = dirname(path);
      await this.#prepare(folder);
      const draft = join(folder, `.${basename(name)}.${randomUUID()}${unfinished}`);
      try {
        await fill(draft, content, options.timeMs ?? Date.now());
        const isNew = options.onlyIfNew === true ? await placeIfNew(draft, path) : await place(draft, path);
        await syncFolder(folder);
        return isNew;
      } catch (error) {
        this.#ready.delete(folder); // somebody may have removed it
        throw error;
      } finally {
        await rm(draft, { force: true });
      }
    });
  }

  async remove(names: readonly string[]): Promise<void> {
    for (const name of names) await this.#attempt(name, (path) => rm(path, { force: true }));
  }

  async warnings(): Promise<readonly string[]> {
    return [];
  }

  async *#walk(folder: string, prefix: string): AsyncIterable<StoredObject> {
    for (const { name, isFolder } of await this.#entries(folder)) {
      const whole = `${folder}${name}`;
      if (isFolder && (whole.startsWith(prefix) || prefix.startsWith(`${whole}/`))) {
        yield* this.#walk(`${whole}/`, prefix);
      }
      if (isFolder || !whole.startsWith(prefix) || name.endsWith(unfinished)) continue;
      const found = await stat(this.#path(whole)).catch(() => undefined);
      if (found !== undefined) yield { name: whole, bytes: found.size, timeMs: found.mtimeMs };
    }
  }

  /** Ascending, as the names of all objects below are. */
  async #entries(folder: string): Promise<readonly { readonly name: string; readonly isFolder: boolean }[]> {
    return this.#attempt(folder, async (path) => {
      const entries = await readdir(path, { withFileTypes: true }).catch((error: NodeJS.ErrnoException) => {
        if (error.code === 'ENOENT' || error.code === 'ENOTDIR') return [];
        throw error;
      });
      return entries
        .filter((entry) => entry.isFile() || entry.isDirectory())
        .map((entry) => ({ name: entry.name, isFolder: entry.isDirectory() }))
        .sort((a, b) => Buffer.compare(sortKey(a), sortKey(b)));
    });
  }

  async #prepare(folder: string): Promise<void> {
    if (this.#ready.has(folder)) return;
    await makeFolder(folder);
    const now = Date.now();
    for (const name of await readdir(folder)) {
      if (!name.startsWith('.') || !name.endsWith(unfinished)) continue;
      const path = join(folder, name);
      const { ctimeMs } = await stat(path).catch(() => ({ ctimeMs: now }));
      if (now - ctimeMs > leftoverAgeMs) await rm(path, { force: true });
    }
    this.#ready.add(folder);
  }

  #path(name: string): string {
    const path = resolve(this.#root, name);
    if (path !== this.#root && !path.startsWith(this.#root === sep ? sep : `${this.#root}${sep}`)) {
      throw new ShipError('bad-url', `${name} leads out of ${this.url}`);
    }
    return path;
  }

  async #attempt<T>(name: string, work: (path: string) => Promise<T>): Promise<T> {
    const path = this.#path(name);
    try {
      return await work(path);
    } catch (error) {
      if (error instanceof ShipError) throw error;
      const { code, message } = error as NodeJS.ErrnoException;
      throw new ShipError(codes[code ?? ''] ?? 'away', `${this.url}: ${message}${advice[code ?? ''] ?? ''}`, {
        cause: error,
      });
    }
  }
}

const codes: Readonly<Record<string, ShipErrorCode>> = {
  ENOENT: 'missing',
  EACCES: 'denied',
  EPERM: 'denied',
  EROFS: 'denied',
  ENOSPC: 'full',
  EDQUOT: 'full',
};
const advice: Readonly<Record<string, string>> = {
  EACCES: '. Give the user of this program the right to write there',
  EROFS: '. Mount it for writing',
  ENOSPC: '. Make room there',
  EDQUOT: '. Make room there',
};

function sortKey({ name, isFolder }: { readonly name: string; readonly isFolder: boolean }): Buffer {
  return Buffer.from(isFolder ? `${name}/` : name);
}

async function readRange(
  handle: FileHandle,
  { offset, bytes }: { readonly offset: number; readonly bytes: number },
  shown: string,
): Promise<Buffer> {
  const content = Buffer.alloc(bytes);
  for (let done = 0; done < bytes; ) {
    const { bytesRead } = await handle.read(content, done, bytes - done, offset + done);
    if (bytesRead === 0) throw new ShipError('damaged', `${shown} has no ${bytes} bytes at ${offset}`);
    done += bytesRead;
  }
  return content;
}

async function fill(draft: string, content: Buffer | { readonly path: string }, timeMs: number): Promise<void> {
  if (!Buffer.isBuffer(content)) await copyFile(content.path, draft, constants.COPYFILE_FICLONE);
  const handle = await open(draft, Buffer.isBuffer(content) ? 'wx' : 'r+');
  try {
    if (Buffer.isBuffer(content)) await handle.writeFile(content);
    // Node cuts seconds down to a whole microsecond: half of one more keeps the millisecond.
    await handle.utimes(Date.now() / 1000, timeMs / 1000 + 5e-7);
    await handle.sync();
  } finally {
    await handle.close();
  }
}

async function place(draft: string, path: string): Promise<true> {
  await rename(draft, path);
  return true;
}

/** A hard link is made only where nothing has the name. */
async function placeIfNew(draft: string, path: string): Promise<boolean> {
  try {
    await link(draft, path);
    return true;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'EEXIST') return false;
    if (code !== 'EPERM' && code !== 'ENOTSUP' && code !== 'EOPNOTSUPP' && code !== 'ENOSYS') throw error;
    // No hard links here: the best that is left.
    const isThere = await stat(path).then(
      () => true,
      () => false,
    );
    return isThere ? false : place(draft, path);
  }
}

/** Node's own `recursive` never ends where a folder takes no other (/proc). */
async function makeFolder(folder: string): Promise<void> {
  try {
    await mkdir(folder);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'EEXIST') return;
    if (code !== 'ENOENT') throw error;
    const parent = dirname(folder);
    if (!(await stat(parent).catch(() => undefined))?.isDirectory()) await makeFolder(parent);
    // The parent is there by now. Another may be faster here, too.
    await mkdir(folder).catch((second: NodeJS.ErrnoException) => {
      if (second.code !== 'EEXIST') throw second;
    });
  }
  await syncFolder(dirname(folder));
}

async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, constants.O_RDONLY | constants.O_DIRECTORY);
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
