// Makes the LTX files: of what changed between two commits, in memory where it is little, and of whole databases, by
// way of files in a folder of work.
import { randomUUID } from 'node:crypto';
import { type FileHandle, open, rm, statfs } from 'node:fs/promises';
import { join } from 'node:path';
import { lockPageOf } from '../lock-page.ts';
import type { OpenLog } from '../log/open-log.ts';
import { LtxEncoder } from '../ltx/encoder.ts';
import type { LtxHeader } from '../ltx/header.ts';
import { type Changes, zeroPage } from '../past/changes-between.ts';
import { commitUpTo } from '../past/commit-search.ts';
import { materialise } from '../past/materialise.ts';
import { Pieces } from '../pieces.ts';
import { ShipError } from './ship-error.ts';

export type Packed = Buffer | { readonly path: string; readonly bytes: number };

/** Pages up to so many bytes are packed in memory. */
const memoryBytes = 8 * 1024 * 1024;
const batchBytes = 1 << 20;
/** What stays free on the disk of the folder of work. */
const reserveBytes = 64 * 1024 * 1024;

export class Packer {
  readonly #workDir: string;

  constructor(workDir: string) {
    this.#workDir = workDir;
  }

  /** `use` gets the file; afterwards it is gone. */
  async withChanges<T>(
    log: OpenLog,
    changes: Changes,
    header: LtxHeader,
    use: (packed: Packed) => Promise<T>,
  ): Promise<T> {
    const content = Buffer.alloc(header.pageBytes);
    const pages = async function* (): AsyncGenerator<readonly [number, Buffer]> {
      for (const [page, place] of changes.pages) {
        if (place === zeroPage) content.fill(0);
        else log.readLogged(place, content, 0);
        yield [page, content];
      }
    };
    const bytes = changes.pages.size * header.pageBytes;
    if (bytes <= memoryBytes) {
      const parts: Buffer[] = [];
      await encode(header, pages(), async (part) => {
        parts.push(part);
      });
      return use(Buffer.concat(parts));
    }
    await this.#checkRoom(bytes);
    return this.#withFile(header, pages(), use);
  }

  /** Of the whole database at a commit. @throws PastError, ShipError `full` */
  async withSnapshot<T>(
    log: OpenLog,
    number: number,
    header: LtxHeader,
    use: (packed: Packed) => Promise<T>,
  ): Promise<T> {
    const moment = commitUpTo(log, number);
    if (moment === undefined) throw new Error(`${log.identity.name} has no commit ${number}`);
    await this.#checkRoom(2 * header.databasePages * header.pageBytes);
    const path = this.#path('db');
    try {
      await materialise({ log, moment }, path);
      const file = await open(path, 'r');
      try {
        return await this.#withFile(header, pagesOf(file, header), use);
      } finally {
        await file.close();
      }
    } finally {
      await rm(path, { force: true });
    }
  }

  async #withFile<T>(
    header: LtxHeader,
    pages: AsyncIterable<readonly [number, Buffer]>,
    use: (packed: Packed) => Promise<T>,
  ): Promise<T> {
    const path = this.#path('ltx');
    try {
      const file = await open(path, 'wx', 0o600);
      let bytes = 0;
      try {
        await encode(header, pages, async (part) => {
          await file.writeFile(part);
          bytes += part.length;
        });
      } finally {
        await file.close();
      }
      return await use({ path, bytes });
    } finally {
      await rm(path, { force: true });
    }
  }

  #path(ending: string): string {
    return join(this.#workDir, `${randomUUID()}.${ending}`);
  }

  async #checkRoom(bytes: number): Promise<void> {
    const { bavail, bsize } = await statfs(this.#workDir);
    if (bavail * bsize >= bytes + reserveBytes) return;
    throw new ShipError('full', `${this.#workDir} has no room for ${bytes} bytes, which shipping needs for a while`);
  }
}

async function encode(
  header: LtxHeader,
  pages: AsyncIterable<readonly [number, Buffer]>,
  write: (part: Buffer) => Promise<void>,
): Promise<void> {
  const encoder = new LtxEncoder(header);
  const pieces = new Pieces();
  let [parts, held] = [[encoder.begin()], 0];
  const flush = async (): Promise<void> => {
    await write(Buffer.concat(parts));
    [parts, held] = [[], 0];
  };
  for await (const [page, content] of pages) {
    const frame = encoder.page(page, content);
    parts.push(frame);
    held += frame.length;
    if (held >= batchBytes) await flush();
    await pieces.next();
  }
  parts.push(encoder.end());
  await flush();
}

async function* pagesOf(file: FileHandle, header: LtxHeader): AsyncGenerator<readonly [number, Buffer]> {
  const { pageBytes, databasePages } = header;
  const lockPage = lockPageOf(pageBytes);
  const batch = Buffer.alloc(Math.max(batchBytes, pageBytes));
  for (let first = 1; first <= databasePages; first += batch.length / pageBytes) {
    batch.fill(0);
    await file.read(batch, 0, batch.length, (first - 1) * pageBytes);
    for (let at = 0, page = first; at < batch.length && page <= databasePages; at += pageBytes, page++) {
      if (page !== lockPage) yield [page, batch.subarray(at, at + pageBytes)];
    }
  }
}
