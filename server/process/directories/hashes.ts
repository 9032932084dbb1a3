// The SHA-256 of files, and what is remembered of it: by the identity of a file and everything that changes with its
// content. Bounded; the directories that were used last are kept.

import { createHash } from 'node:crypto';
import type { BigIntStats } from 'node:fs';
import type { FileHandle } from 'node:fs/promises';
import { ApiError } from '../../messages/errors.ts';
import { identityOf } from './handles.ts';

const directoriesKept = 16;
const filesKept = 10_000;
/** A file may change again within the tick of its time stamps, which then say nothing. */
const settledMs = 2_000;
const chunkBytes = 256 * 1024;

export class Hashes {
  readonly #directories = new Map<string, Map<string, string>>();

  get size(): number {
    return this.#directories.size;
  }

  get maxSize(): number {
    return directoriesKept;
  }

  forget(directory: string): void {
    this.#directories.delete(directory);
  }

  known(directory: string, stat: BigIntStats): string | undefined {
    return this.#directories.get(directory)?.get(versionOf(stat));
  }

  remember(directory: string, stat: BigIntStats, hash: string): void {
    if (Date.now() - Number(stat.ctimeMs) < settledMs) return;
    const files = this.#directories.get(directory) ?? new Map<string, string>();
    // The map keeps its order: the newest is the last.
    this.#directories.delete(directory);
    this.#directories.set(directory, files);
    files.set(versionOf(stat), hash);
    dropOldest(files, filesKept);
    dropOldest(this.#directories, directoriesKept);
  }
}

/** Of the whole file, in pieces: other requests come in between. @throws ApiError REQUEST_TIMEOUT */
export async function hashOfFile(file: FileHandle, isLate: () => boolean): Promise<string> {
  const hash = createHash('sha256');
  const chunk = Buffer.allocUnsafe(chunkBytes);
  for (let at = 0; ; ) {
    const { bytesRead } = await file.read(chunk, 0, chunk.length, at);
    if (bytesRead === 0) return hash.digest('hex');
    if (isLate()) throw new ApiError('REQUEST_TIMEOUT', 'the deadline passed before the file was read');
    hash.update(chunk.subarray(0, bytesRead));
    at += bytesRead;
  }
}

/** Of bytes in memory, likewise. */
export async function hashOfBytes(bytes: Buffer): Promise<string> {
  const hash = createHash('sha256');
  for (let at = 0; at < bytes.length; at += chunkBytes) {
    hash.update(bytes.subarray(at, at + chunkBytes));
    if (at > 0) await new Promise((resolve) => setImmediate(resolve));
  }
  return hash.digest('hex');
}

function versionOf(stat: BigIntStats): string {
  return `${identityOf(stat)}:${stat.size}:${stat.mtimeNs}:${stat.ctimeNs}`;
}

function dropOldest(map: Map<string, unknown>, kept: number): void {
  for (const key of map.keys()) {
    if (map.size <= kept) return;
    map.delete(key);
  }
}
