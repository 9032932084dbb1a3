// Writes changed pages into the durable copy of a database so that a crash at any byte leaves the state before or the
// one after. First all of them go into `-wal` beside it, as one transaction of SQLite's own format
// (https://sqlite.org/fileformat2.html#walformat), which SQLite or the next copier completes after a crash; then into
// the file itself; then `-wal` is emptied. Between two batches it is empty.

import { randomBytes } from 'node:crypto';
import {
  closeSync,
  constants,
  existsSync,
  fchmodSync,
  fchownSync,
  fstatSync,
  fsync,
  ftruncateSync,
  openSync,
  readSync,
  rmSync,
  writeSync,
} from 'node:fs';
import { dirname } from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { promisify } from 'node:util';
import { commitsOf, readWalHeader, startOf } from '../archive/wal/wal-file.ts';
import { frameByte, frameHeaderBytes, walHeaderBytes } from '../archive/wal/wal-frames.ts';
import { type Checksum, checksumOver, emptyChecksum } from '../sqlite/wal-checksum.ts';
import { tryFlock } from '../system/flock.ts';

const sync = promisify(fsync);
const magic = 0x377f0682;
const formatVersion = 3007000;
/** In the place of SQLite's count of checkpoints: this log is the copier's. "RAM1" */
const copierMark = 0x52414d31;
const markByte = 12;
const bufferBytes = 1 << 20;
const syncedNames = new Set<string>();
const mostSyncedNames = 10_000;
const { O_CREAT, O_NOFOLLOW, O_RDWR } = constants;

/** The name of the durable copy is that of another database by now. */
export class Moved extends Error {}

export class DurableBatch {
  readonly #path: string;
  readonly pageBytes: number;
  readonly #isStill: () => boolean;
  readonly #base: number;
  readonly #wal: number;
  readonly #buffer = Buffer.from(new ArrayBuffer(bufferBytes));
  #buffered = 0;
  #writtenBytes = 0;
  #frames = 0;
  #checksum: Checksum = emptyChecksum;
  readonly #salts = randomBytes(8);
  /** The page that was added last: only now is it known whether it ends the transaction. */
  #last: { readonly pageNumber: number; readonly bytes: Buffer } | undefined;
  /** Page -> the frame that has it. */
  readonly #where = new Map<number, number>();

  /**
   * `path` is the durable copy, which is there. Its `-wal` is empty. `isStill`: the path still belongs to the database
   * whose pages come. @throws Moved
   */
  constructor(path: string, pageBytes: number, isStill: () => boolean = () => true) {
    this.#path = path;
    this.#isStill = isStill;
    this.pageBytes = pageBytes;
    this.#base = openSync(path, O_RDWR | O_NOFOLLOW);
    try {
      lockForBatch(this.#base);
      const { uid, gid, mode } = fstatSync(this.#base);
      this.#wal = openSync(`${path}-wal`, O_RDWR | O_CREAT | O_NOFOLLOW, 0o600);
      fchownSync(this.#wal, uid, gid);
      fchmodSync(this.#wal, mode & 0o777);
      this.#refuseMoved();
    } catch (error) {
      closeSync(this.#base);
      throw error;
    }
  }

  get pages(): number {
    return this.#where.size;
  }

  /** For comparing: the bytes of the durable copy from `at` on; returns how many there are. */
  read(into: Buffer, at: number): number {
    return readSync(this.#base, into, 0, into.length, at);
  }

  get sizeBytes(): number {
    return fstatSync(this.#base).size;
  }

  /** A page added twice has what was added last. `bytes` are copied. */
  add(pageNumber: number, bytes: Buffer): void {
    if (this.#last !== undefined) this.#writeFrame(this.#last.pageNumber, this.#last.bytes, 0);
    this.#last = { pageNumber, bytes: Buffer.from(bytes) };
    this.#where.set(pageNumber, 0);
  }

  /**
   * Resolves when the durable copy has this state; a rejection leaves it with the old or the new one. `durable` is
   * called in between: from then on no crash loses it. @throws Moved
   */
  async commit(databasePages: number, durable: () => void): Promise<void> {
    if (this.#last !== undefined) {
      this.#writeFrame(this.#last.pageNumber, this.#last.bytes, databasePages);
      this.#last = undefined;
      this.#flush();
      this.#refuseMoved();
      await sync(this.#wal);
      await this.#syncName();
    }
    durable();
    await apply(this.#base, this.#wal, this.#where, this.pageBytes, databasePages);
  }

  /** Ends it. What was not committed has not been. */
  close(): void {
    closeSync(this.#base);
    closeSync(this.#wal);
  }

  /** Takes back what was added, before a commit. */
  abandon(): void {
    ftruncateSync(this.#wal, 0);
  }

  /** Nothing of another database is left under the name. */
  #refuseMoved(): void {
    if (this.#isStill()) return;
    ftruncateSync(this.#wal, 0);
    if (!existsSync(this.#path)) rmSync(`${this.#path}-wal`, { force: true });
    throw new Moved('the database has another name now');
  }

  /** Once for each file: without its name it would not be found after a crash. */
  async #syncName(): Promise<void> {
    const file = `${this.#path} ${fstatSync(this.#wal).ino}`;
    if (syncedNames.has(file)) return;
    await syncDirectory(dirname(this.#path));
    if (syncedNames.size > mostSyncedNames) syncedNames.clear();
    syncedNames.add(file);
  }

  #writeFrame(pageNumber: number, bytes: Buffer, databasePages: number): void {
    if (this.#frames === 0) this.#writeHeader();
    const frameBytes = frameHeaderBytes + this.pageBytes;
    if (this.#buffered + frameBytes > bufferBytes) this.#flush();
    const at = this.#buffered;
    const out = this.#buffer;
    out.writeUInt32BE(pageNumber, at);
    out.writeUInt32BE(databasePages, at + 4);
    this.#salts.copy(out, at + 8);
    bytes.copy(out, at + frameHeaderBytes);
    const ofHead = checksumOver(out, at, at + 8, false, this.#checksum);
    this.#checksum = checksumOver(out, at + frameHeaderBytes, at + frameBytes, false, ofHead);
    out.writeUInt32BE(this.#checksum.checksum1, at + 16);
    out.writeUInt32BE(this.#checksum.checksum2, at + 20);
    this.#buffered += frameBytes;
    this.#frames += 1;
    this.#where.set(pageNumber, this.#frames);
  }

  #writeHeader(): void {
    const out = this.#buffer;
    out.writeUInt32BE(magic, 0);
    out.writeUInt32BE(formatVersion, 4);
    out.writeUInt32BE(this.pageBytes, 8);
    out.writeUInt32BE(copierMark, markByte);
    this.#salts.copy(out, 16);
    this.#checksum = checksumOver(out, 0, 24, false, emptyChecksum);
    out.writeUInt32BE(this.#checksum.checksum1, 24);
    out.writeUInt32BE(this.#checksum.checksum2, 28);
    this.#buffered = walHeaderBytes;
  }

  #flush(): void {
    writeAll(this.#wal, this.#buffer.subarray(0, this.#buffered), this.#writtenBytes);
    this.#writtenBytes += this.#buffered;
    this.#buffered = 0;
  }
}

/**
 * Completes what a copier has left in `-wal` beside a durable copy, if it is one's. False: there is something else, as
 * the log of a program that had the file open on the disk. With `whose` anybody, for a file that nobody has open, that
 * is completed as well: all of its commits, as SQLite does it.
 */
export async function complete(path: string, whose: 'copier' | 'anybody' = 'copier'): Promise<boolean> {
  const wal = openIfThere(`${path}-wal`);
  if (wal === undefined) return true;
  try {
    if (fstatSync(wal).size === 0) return true;
    const mark = Buffer.alloc(4);
    readSync(wal, mark, 0, 4, markByte);
    const header = readWalHeader(wal);
    if (whose === 'copier' && mark.readUInt32BE() !== copierMark) return false;
    const base = openSync(path, O_RDWR | O_NOFOLLOW);
    try {
      lockForBatch(base);
      if (header !== undefined) await completeInto(base, wal, header);
      ftruncateSync(wal, 0);
    } finally {
      closeSync(base);
    }
    return true;
  } finally {
    closeSync(wal);
  }
}

/** The mount renames nothing meanwhile: see fs/nodes/ram-batches.ts. @throws Moved */
function lockForBatch(base: number): void {
  if (!tryFlock(base)) throw new Moved('it is just getting another name');
}

async function completeInto(
  base: number,
  wal: number,
  header: NonNullable<ReturnType<typeof readWalHeader>>,
): Promise<void> {
  const { pageBytes } = header;
  const frames = Math.floor((fstatSync(wal).size - walHeaderBytes) / (pageBytes + frameHeaderBytes));
  for (const commit of commitsOf(wal, header, startOf(header), frames, Number.POSITIVE_INFINITY)) {
    for (const [pageNumber, bytes] of commit.pages) writeAll(base, bytes, (pageNumber - 1) * pageBytes);
    ftruncateSync(base, commit.databasePages * pageBytes);
  }
  await sync(base); // until the log is emptied it has everything
}

async function apply(
  base: number,
  wal: number,
  where: ReadonlyMap<number, number>,
  pageBytes: number,
  databasePages: number,
): Promise<void> {
  const sizeBytes = databasePages * pageBytes;
  const run = Buffer.allocUnsafe(bufferBytes);
  let [first, bytes] = [0, 0];
  const write = async () => {
    if (bytes === 0) return;
    writeAll(base, run.subarray(0, bytes), (first - 1) * pageBytes);
    bytes = 0;
    await nextTurn();
  };
  const isSorted = [...where.keys()].sort((one, other) => one - other);
  for (const pageNumber of isSorted) {
    if (pageNumber > databasePages) continue;
    if (bytes + pageBytes > run.length || pageNumber !== first + bytes / pageBytes) {
      await write();
      first = pageNumber;
    }
    const at = frameByte(where.get(pageNumber) ?? 0, pageBytes) + frameHeaderBytes;
    readSync(wal, run, bytes, pageBytes, at);
    bytes += pageBytes;
  }
  await write();
  if (fstatSync(base).size !== sizeBytes) ftruncateSync(base, sizeBytes);
  await sync(base);
  ftruncateSync(wal, 0);
}

function writeAll(fd: number, bytes: Buffer, at: number): void {
  for (let done = 0; done < bytes.length; ) done += writeSync(fd, bytes, done, bytes.length - done, at + done);
}

async function syncDirectory(path: string): Promise<void> {
  const fd = openSync(path, 'r');
  try {
    await sync(fd);
  } finally {
    closeSync(fd);
  }
}

function openIfThere(path: string): number | undefined {
  try {
    return openSync(path, O_RDWR | O_NOFOLLOW);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}
