// One open directory as a store: each key is a file, each slash in it a directory.
import { randomBytes } from 'node:crypto';
import { type BigIntStats, constants } from 'node:fs';
import { type FileHandle, open, readdir, rename, stat, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import { ApiError } from '../../messages/errors.ts';
import { ramFolder, sidecars } from '../../messages/paths.ts';
import { checkSize } from '../../messages/reply.ts';
import { type Bounds, below, enter, fileStat, ignore, openFile, openParent } from './handles.ts';
import { type Hashes, hashOfBytes, hashOfFile } from './hashes.ts';
import { type ListedFile, listFiles } from './list.ts';
import type { Turns } from './turns.ts';

/** Below every directory that was written: files on their way. No key leads into it. */
const ownDirectory = '.hoody_sqlite';
/** They are no part of a key. */
const closedNames: readonly string[] = [ownDirectory, ramFolder];
const sqliteMagic = 'SQLite format 3\0';
const nameMaxBytes = 255;
/** What an ended process has left there. */
const leftoverMs = 3_600_000;

export interface FoundFile {
  readonly stat: BigIntStats;
  readonly hash: string;
}

export interface StoreParts {
  /** Resolved. */
  readonly path: string;
  readonly handle: FileHandle;
  readonly bounds: Bounds;
  readonly hashes: Hashes;
  /** One writer of a file at a time; few large reads at once. */
  readonly writers: Turns;
  readonly readers: Turns;
  /** An executor has this file open, or has tried to open it. */
  readonly isOpen: (path: string) => boolean;
}

export class DirectoryStore {
  readonly #parts: StoreParts;

  constructor(parts: StoreParts) {
    this.#parts = parts;
  }

  get path(): string {
    return this.#parts.path;
  }

  async close(): Promise<void> {
    await this.#parts.handle.close();
  }

  forgetHashes(): void {
    this.#parts.hashes.forget(this.path);
  }

  /** null: there is no such key. */
  read(key: string, maxBytes: number): Promise<(FoundFile & { readonly bytes: Buffer }) | null> {
    return this.#parts.readers.run(this.path, () =>
      this.#withFile(key, async (file) => {
        const before = await file.stat({ bigint: true });
        checkSize(Number(before.size), maxBytes);
        const bytes = await readAtMost(file, Number(before.size));
        const known = this.#parts.hashes.known(this.path, before);
        const hash = known ?? (await hashOfBytes(bytes));
        if (known === undefined && bytes.length === Number(before.size)) {
          await this.#remember(file, before, hash);
        }
        return { stat: before, hash, bytes };
      }),
    );
  }

  /** `isLate` ends the reading of a large file. */
  look(key: string, isLate: () => boolean): Promise<FoundFile | null> {
    return this.#withFile(key, async (file) => {
      const before = await file.stat({ bigint: true });
      const known = this.#parts.hashes.known(this.path, before);
      if (known !== undefined) return { stat: before, hash: known };
      const hash = await hashOfFile(file, isLate);
      await this.#remember(file, before, hash);
      return { stat: before, hash };
    });
  }

  /**
   * Makes new bytes of the old ones (null: none), with no other write of this server in between. Who reads meanwhile
   * sees the old file or the new one.
   */
  edit(key: string, change: (read: () => Promise<Buffer | null>) => Promise<Buffer>): Promise<Buffer> {
    const names = namesOf(key);
    return this.#parts.writers.run(join(this.path, ...names), async () => {
      const bytes = await change(async () => (await this.#withFile(key, (file) => file.readFile())) ?? null);
      const parent = await openParent(this.#parts.handle, names, this.#parts.bounds, true);
      if (parent === null) throw new ApiError('CONFLICT', 'the directory of the key was removed meanwhile; try again');
      try {
        await this.#replace(parent, names, bytes);
      } finally {
        await parent.close();
      }
      return bytes;
    });
  }

  /** false: there was no such key. */
  async delete(key: string): Promise<boolean> {
    const names = namesOf(key);
    const parent = await openParent(this.#parts.handle, names, this.#parts.bounds, false);
    if (parent === null) return false;
    try {
      const name = names.at(-1) ?? '';
      await this.#refuseDatabase(parent, names);
      const found = await fileStat(parent, name).catch((error: unknown) => {
        // A directory is no key.
        if (error instanceof ApiError && error.code === 'CONFLICT') return null;
        throw error;
      });
      if (found === null) return false;
      await unlink(below(parent, name));
      await syncDirectory(parent);
      return true;
    } finally {
      await parent.close();
    }
  }

  /** Keys in byte order. @throws ApiError RESPONSE_TOO_LARGE for more than can be looked at */
  list(prefix: string): Promise<string[]> {
    return this.#parts.readers.run(this.path, () =>
      listFiles(this.#parts.handle, this.#parts.bounds, prefix, closedNames),
    );
  }

  /** What is known of some keys; without those that are gone by now. */
  async stats(keys: readonly string[]): Promise<ListedFile[]> {
    const files: ListedFile[] = [];
    for (const key of keys) {
      const names = key.split('/');
      const parent = await openParent(this.#parts.handle, names, this.#parts.bounds, false).catch(() => null);
      if (parent === null) continue;
      try {
        const found = await fileStat(parent, names.at(-1) ?? '').catch(() => null);
        if (found !== null) files.push({ key, stat: found });
      } finally {
        await parent.close();
      }
    }
    return files;
  }

  async #withFile<Result>(key: string, use: (file: FileHandle) => Promise<Result>): Promise<Result | null> {
    const names = namesOf(key);
    const { handle, bounds } = this.#parts;
    const parent = await openParent(handle, names, bounds, false);
    if (parent === null) return null;
    try {
      await this.#refuseDatabase(parent, names);
      const file = await openFile(parent, names.at(-1) ?? '', bounds);
      if (file === null) return null;
      try {
        return await use(file);
      } finally {
        await file.close();
      }
    } finally {
      await parent.close();
    }
  }

  async #remember(file: FileHandle, before: BigIntStats, hash: string): Promise<void> {
    const after = await file.stat({ bigint: true });
    const isSame = after.size === before.size && after.mtimeNs === before.mtimeNs && after.ctimeNs === before.ctimeNs;
    if (isSame) this.#parts.hashes.remember(this.path, before, hash);
  }

  async #replace(parent: FileHandle, names: readonly string[], bytes: Buffer): Promise<void> {
    const name = names.at(-1) ?? '';
    await this.#refuseDatabase(parent, names);
    const current = await fileStat(parent, name);
    const own = await enter(this.#parts.handle, ownDirectory, this.#parts.bounds, true);
    if (own === null) throw new ApiError('CONFLICT', `${ownDirectory} was removed meanwhile; try again`);
    try {
      await removeLeftovers(own);
      const draft = `put-${randomBytes(8).toString('hex')}`;
      const mode = current === null ? 0o666 : Number(current.mode) & 0o777;
      const flags = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW;
      const file = await open(below(own, draft), flags, mode);
      try {
        try {
          if (current !== null) await file.chmod(mode);
          await file.writeFile(bytes);
          await file.sync();
        } finally {
          await file.close();
        }
        await rename(below(own, draft), below(parent, name));
      } catch (error) {
        await unlink(below(own, draft)).catch(() => {});
        throw error;
      }
      await syncDirectory(parent);
    } finally {
      await own.close();
    }
  }

  /** A database that somebody works with is no value: its bytes change under its reader, and locks end with it. */
  async #refuseDatabase(parent: FileHandle, names: readonly string[]): Promise<void> {
    const name = names.at(-1) ?? '';
    const suffix = sidecars.find((sidecar) => name.endsWith(sidecar)) ?? '';
    const database = name.slice(0, name.length - suffix.length);
    if (!(await isDatabase(parent, database, this.#parts.bounds))) return;
    const isOurs = this.#parts.isOpen(join(this.path, ...names.slice(0, -1), database));
    if (!isOurs && !(await hasSidecar(parent, database))) return;
    throw new ApiError('CONFLICT', 'the file is an SQLite database that is open: use it as `db`');
  }
}

/** The file names that a key leads through. @throws ApiError INVALID_PARAMETERS */
export function namesOf(key: string): string[] {
  const names = key.split('/');
  for (const name of names) {
    const isWay = name === '' || name === '.' || name === '..' || closedNames.includes(name);
    if (isWay || Buffer.byteLength(name) > nameMaxBytes) {
      throw new ApiError(
        'INVALID_PARAMETERS',
        `a key of a directory is file names with / between them, of at most ${nameMaxBytes} bytes each; not ${JSON.stringify(name.slice(0, 40))}`,
      );
    }
  }
  return names;
}

/** Somebody may append meanwhile: no more than there was. */
async function readAtMost(file: FileHandle, size: number): Promise<Buffer> {
  const bytes = Buffer.allocUnsafe(size);
  let at = 0;
  while (at < size) {
    const { bytesRead } = await file.read(bytes, at, size - at, at);
    if (bytesRead === 0) break;
    at += bytesRead;
  }
  return bytes.subarray(0, at);
}

async function isDatabase(parent: FileHandle, name: string, bounds: Bounds): Promise<boolean> {
  const file = name === '' ? null : await openFile(parent, name, bounds).catch(() => null);
  if (file === null) return false;
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(sqliteMagic.length), 0, sqliteMagic.length, 0);
    return buffer.toString('latin1', 0, bytesRead) === sqliteMagic;
  } finally {
    await file.close();
  }
}

async function hasSidecar(parent: FileHandle, name: string): Promise<boolean> {
  const found = await Promise.all(sidecars.map((sidecar) => stat(below(parent, name + sidecar)).catch(() => null)));
  return found.some((sidecar) => sidecar !== null);
}

async function syncDirectory(directory: FileHandle): Promise<void> {
  const readable = await open(below(directory, '.'), constants.O_RDONLY | constants.O_DIRECTORY);
  try {
    await readable.sync();
  } finally {
    await readable.close();
  }
}

async function removeLeftovers(own: FileHandle): Promise<void> {
  for (const name of await readdir(below(own, '.'))) {
    if (!/^put-[0-9a-f]{16}$/.test(name)) continue;
    const found = await stat(below(own, name)).catch(() => null);
    if (found === null || Date.now() - found.mtimeMs < leftoverMs) continue;
    await unlink(below(own, name)).catch((error: unknown) => ignore(error, 'ENOENT'));
  }
}
