// Makes a database file out of the files of a store: each is read once, as a stream, and its checksum is checked.
import { type FileHandle, open } from 'node:fs/promises';
import { LtxDecoder } from '../ltx/decoder.ts';
import { LtxError, type LtxHeader } from '../ltx/header.ts';
import type { PlannedFile, RestorePlan } from './restore-plan.ts';
import { ShipError } from './ship-error.ts';
import type { ShipStore } from './store.ts';

const pieceBytes = 4 * 1024 * 1024;
const batchBytes = 1024 * 1024;

export interface RestoreProgress {
  readonly doneBytes: number;
  readonly totalBytes: number;
}

/**
 * Writes into the file, which is empty, and syncs it. @returns its size
 * @throws ShipError, NodeJS.ErrnoException, and what is in the file is of no use
 */
export async function restoreTo(
  store: ShipStore,
  plan: RestorePlan,
  path: string,
  onProgress: (progress: RestoreProgress) => void,
): Promise<number> {
  const file = await open(path, 'r+');
  let doneBytes = 0;
  try {
    let pageBytes: number | undefined;
    let bytes = 0;
    for (const planned of plan.files) {
      const header = await apply(store, planned, file, (length) => {
        doneBytes += length;
        onProgress({ doneBytes, totalBytes: plan.bytes });
      });
      if (header.pageBytes !== (pageBytes ?? header.pageBytes)) throw wrong(store, planned, 'it has another page size');
      pageBytes = header.pageBytes;
      bytes = header.databasePages * pageBytes;
      await file.truncate(bytes);
    }
    await file.sync();
    return bytes;
  } finally {
    await file.close();
  }
}

async function apply(
  store: ShipStore,
  planned: PlannedFile,
  file: FileHandle,
  onRead: (bytes: number) => void,
): Promise<LtxHeader> {
  const decoder = new LtxDecoder();
  const writer = new PageWriter(file);
  try {
    for await (const piece of piecesOf(store, planned)) {
      for (const { number, content } of decoder.push(piece)) await writer.put(number, content);
      onRead(piece.length);
    }
    const header = decoder.end();
    if (header.minTxid !== planned.minTxid || header.maxTxid !== planned.maxTxid)
      throw new LtxError('it has another name');
    await writer.flush();
    return header;
  } catch (error) {
    if (error instanceof LtxError) throw wrong(store, planned, error.message);
    throw error;
  }
}

function wrong(store: ShipStore, { name }: PlannedFile, message: string): ShipError {
  return new ShipError('damaged', `${store.url}/${name} is damaged: ${message}. An earlier moment may do (--at)`);
}

/** The next piece is on its way while one is used. */
async function* piecesOf(store: ShipStore, { name, bytes }: PlannedFile): AsyncGenerator<Buffer> {
  const read = (offset: number): Promise<Buffer> | undefined => {
    if (offset >= bytes) return undefined;
    const piece = store.read(name, { offset, bytes: Math.min(pieceBytes, bytes - offset) });
    piece.catch(() => {}); // told when its turn comes
    return piece;
  };
  let next = read(0);
  for (let offset = pieceBytes; next !== undefined; offset += pieceBytes) {
    const piece = await next;
    next = read(offset);
    yield piece;
  }
}

/** Neighbours are written at once. */
class PageWriter {
  readonly #file: FileHandle;
  #parts: Buffer[] = [];
  #start = 0;
  #length = 0;

  constructor(file: FileHandle) {
    this.#file = file;
  }

  async put(number: number, content: Buffer): Promise<void> {
    const at = (number - 1) * content.length;
    if (at !== this.#start + this.#length || this.#length >= batchBytes) {
      await this.flush();
      this.#start = at;
    }
    this.#parts.push(content);
    this.#length += content.length;
  }

  async flush(): Promise<void> {
    if (this.#length === 0) return;
    const bytes = Buffer.concat(this.#parts);
    for (let done = 0; done < bytes.length; ) {
      done += (await this.#file.write(bytes, done, bytes.length - done, this.#start + done)).bytesWritten;
    }
    this.#start += this.#length;
    [this.#parts, this.#length] = [[], 0];
  }
}
