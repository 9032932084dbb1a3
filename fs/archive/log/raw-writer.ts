// Appends commits to a raw segment. The record is written last, so a kill at any byte leaves a torn end that
// `recoverRaw` cuts off. After a power cut any of the last second's bytes may be missing: those records are checked
// against their hashes.
import {
  close,
  closeSync,
  existsSync,
  fdatasync,
  fdatasyncSync,
  ftruncateSync,
  openSync,
  readFileSync,
  renameSync,
} from 'node:fs';
import { promisify } from 'node:util';
import type { Commit } from '../commit.ts';
import {
  beginHash,
  type CommitRecord,
  decodeRecord,
  encodeRecord,
  endHash,
  isIntact,
  numberOf,
  RECORD_BYTES,
  setHash,
} from './commit-record.ts';
import { cutFile, readIfThere, readInto, removeIfThere, writeAll } from './disk.ts';
import { damagedEnding, type RawFiles, rawFiles, rawParts } from './log-files.ts';
import { decodeHeader, encodeHeader, parseTexts, type RawHeader } from './raw-segment.ts';
import { bytesOfNumbers } from './segment.ts';
import { textsOf } from './texts.ts';

const syncData = promisify(fdatasync);

/** Where a raw segment ends. */
export interface RawEnd {
  readonly header: RawHeader;
  readonly commits: number;
  readonly pages: number;
  readonly textBytes: number;
  /** Hash of the last commit, or the one before the first. */
  readonly hash: Buffer;
  readonly last: CommitRecord | undefined;
}

/** @returns where it ends, after a torn end was cut; undefined when there is nothing whole in it, and it is removed */
export function recoverRaw(folder: string, first: number): RawEnd | undefined {
  const files = rawFiles(folder, first);
  const bytes = readIfThere(files.commits) ?? Buffer.alloc(0);
  const header = decodeHeader(bytes);
  if (header === undefined) {
    if (hasRecords(bytes)) setAside(folder, first);
    else removeRaw(folder, first);
    return undefined;
  }
  const end = endOf(header, intactCommits(files, header, bytes.subarray(RECORD_BYTES)), bytes);
  cutFile(files.commits, RECORD_BYTES * (end.commits + 1));
  cutFile(files.numbers, end.pages * 4);
  cutFile(files.pages, end.pages * header.pageBytes);
  cutFile(files.texts, end.textBytes);
  return end;
}

export function removeRaw(folder: string, first: number): void {
  const files = rawFiles(folder, first);
  for (const part of rawParts) removeIfThere(files[part]);
}

function hasRecords(bytes: Buffer): boolean {
  for (let index = 1; index < Math.floor(bytes.length / RECORD_BYTES); index++) if (isIntact(bytes, index)) return true;
  return false;
}

/** Commits are in it that nothing vouches for any more: `verify` tells of the files. */
export function setAside(folder: string, first: number): void {
  const files = rawFiles(folder, first);
  for (const part of rawParts) if (existsSync(files[part])) renameSync(files[part], `${files[part]}${damagedEnding}`);
}

function endOf(header: RawHeader, commits: number, bytes: Buffer): RawEnd {
  const last = commits === 0 ? undefined : decodeRecord(bytes, commits);
  return {
    header,
    commits,
    pages: last === undefined ? 0 : last.firstPage + last.pages,
    textBytes: last?.textBytes ?? 0,
    hash: Buffer.from(last?.hash ?? header.chainBefore),
    last,
  };
}

/** How many records from the first on are whole, with all that belongs to them. */
function intactCommits(files: RawFiles, header: RawHeader, records: Buffer): number {
  const isWhole = (index: number): boolean =>
    isIntact(records, index) && numberOf(records, index) === header.first + index;
  let newest = Math.floor(records.length / RECORD_BYTES) - 1;
  while (newest >= 0 && !isWhole(newest)) newest--;
  if (newest < 0) return 0;
  const synced = decodeRecord(records, newest).syncedThrough - header.first + 1;
  const texts = parseTexts(readFileSync(files.texts));
  const fds = { numbers: openSync(files.numbers, 'r'), pages: openSync(files.pages, 'r') };
  try {
    for (let index = Math.max(0, synced); index <= newest; index++) {
      if (!isWhole(index)) return index;
      const before = index === 0 ? header.chainBefore : decodeRecord(records, index - 1).hash;
      const bytes = records.subarray(index * RECORD_BYTES, (index + 1) * RECORD_BYTES);
      if (!hashOfRaw(before, bytes, fds, texts)?.equals(decodeRecord(bytes, 0).hash)) return index;
    }
  } finally {
    closeSync(fds.numbers);
    closeSync(fds.pages);
  }
  return newest + 1;
}

const chunkBytes = 1 << 20;

function hashOfRaw(
  before: Buffer,
  bytes: Buffer,
  fds: { readonly numbers: number; readonly pages: number },
  texts: readonly string[],
): Buffer | undefined {
  const record = decodeRecord(bytes, 0);
  const numbers = Buffer.alloc(record.pages * 4);
  if (readInto(fds.numbers, numbers, record.firstPage * 4) < numbers.length) return undefined;
  const hash = beginHash(before, bytes, numbers);
  const end = (record.firstPage + record.pages) * record.pageBytes;
  for (let at = record.firstPage * record.pageBytes; at < end; at += chunkBytes) {
    const chunk = Buffer.alloc(Math.min(chunkBytes, end - at));
    if (readInto(fds.pages, chunk, at) < chunk.length) return undefined;
    hash.update(chunk);
  }
  return endHash(hash, textsOf(record, texts));
}

export class RawWriter {
  readonly header: RawHeader;
  readonly #fds: { readonly [part in keyof RawFiles]: number };
  readonly #textIds: Map<string, number>;
  #end: RawEnd;
  /** Something beyond the end may be left of an append that failed. */
  #isTorn = false;
  #syncing = 0;
  #isClosed = false;

  private constructor(files: RawFiles, flags: string, end: RawEnd) {
    this.header = end.header;
    this.#end = end;
    this.#fds = openAll(files, flags);
    const texts = end.textBytes === 0 ? [] : parseTexts(readFileSync(files.texts));
    this.#textIds = new Map(texts.map((text, index) => [text, index + 1]));
  }

  /** @throws NodeJS.ErrnoException, and nothing is there */
  static create(folder: string, header: RawHeader): RawWriter {
    const end = { header, commits: 0, pages: 0, textBytes: 0, hash: header.chainBefore, last: undefined };
    removeRaw(folder, header.first);
    const writer = new RawWriter(rawFiles(folder, header.first), 'wx+', end);
    try {
      writeAll(writer.#fds.commits, encodeHeader(header), 0);
    } catch (error) {
      writer.close();
      removeRaw(folder, header.first);
      throw error;
    }
    return writer;
  }

  /** Goes on where {@link recoverRaw} or an earlier writer ended. */
  static reopen(folder: string, end: RawEnd): RawWriter {
    return new RawWriter(rawFiles(folder, end.header.first), 'r+', end);
  }

  get end(): RawEnd {
    return this.#end;
  }

  get bytes(): number {
    return this.#end.pages * this.header.pageBytes;
  }

  /**
   * One after the other, numbered from `number` on, none earlier than `sinceMs`.
   * @throws NodeJS.ErrnoException, and none of them is there
   */
  append(commits: readonly Commit[], number: number, sinceMs: number, syncedThrough: number): RawEnd {
    if (this.#isTorn) this.#cut();
    const texts = new NewTexts(this.#textIds);
    const records = Buffer.alloc(commits.length * RECORD_BYTES);
    const numbers: Buffer[] = [];
    let { hash, pages: firstPage, textBytes } = this.#end;
    let timeMs = sinceMs;
    for (const [index, commit] of commits.entries()) {
      const { writer, reason = '', pageNumbers } = commit;
      const [command, container] = [writer?.command ?? '', writer?.container ?? ''];
      const ids = { command: texts.idOf(command), container: texts.idOf(container), reason: texts.idOf(reason) };
      timeMs = Math.max(timeMs, commit.timeMs);
      textBytes = this.#end.textBytes + texts.bytes;
      const fields = {
        number: number + index,
        timeMs,
        kind: commit.kind,
        hasWriter: writer !== null,
        pid: writer?.pid ?? 0,
        ...ids,
        pageBytes: commit.pageBytes,
        databasePages: commit.databasePages,
        pages: pageNumbers.length,
        firstPage,
        textBytes,
        standsFor: 1,
        syncedThrough,
        position: commit.position,
        isMerged: false,
      };
      const record = encodeRecord(fields, records.subarray(index * RECORD_BYTES, (index + 1) * RECORD_BYTES));
      const own = bytesOfNumbers(pageNumbers);
      hash = endHash(beginHash(hash, record, own).update(commit.pages), [command, container, reason]);
      setHash(record, hash);
      numbers.push(own);
      firstPage += pageNumbers.length;
    }
    this.#isTorn = true;
    try {
      this.#write(texts.lines, joined(commits.map(({ pages }) => pages)), joined(numbers), records);
    } catch (error) {
      this.#cutIfPossible();
      throw error;
    }
    this.#isTorn = false;
    for (const [text, id] of texts.ids) this.#textIds.set(text, id);
    this.#end = {
      header: this.header,
      commits: this.#end.commits + commits.length,
      pages: firstPage,
      textBytes,
      hash,
      last: decodeRecord(records, commits.length - 1),
    };
    return this.#end;
  }

  #write(lines: Buffer, pages: Buffer, numbers: Buffer, records: Buffer): void {
    writeAll(this.#fds.texts, lines, this.#end.textBytes);
    writeAll(this.#fds.pages, pages, this.bytes);
    writeAll(this.#fds.numbers, numbers, this.#end.pages * 4);
    writeAll(this.#fds.commits, records, RECORD_BYTES * (this.#end.commits + 1));
  }

  /** Otherwise the next append does it, or the next start. */
  #cutIfPossible(): void {
    try {
      this.#cut();
    } catch {
      // What did not go in is told; that it cannot be cut either says no more.
    }
  }

  #cut(): void {
    const { commits, pages, textBytes } = this.#end;
    ftruncateSync(this.#fds.commits, RECORD_BYTES * (commits + 1));
    ftruncateSync(this.#fds.numbers, pages * 4);
    ftruncateSync(this.#fds.pages, pages * this.header.pageBytes);
    ftruncateSync(this.#fds.texts, textBytes);
    this.#isTorn = false;
  }

  /** All that was appended before the call is on the disk when it resolves. */
  async sync(): Promise<void> {
    this.#syncing++;
    try {
      for (const part of rawParts) await syncData(this.#fds[part]);
    } finally {
      this.#syncing--;
      if (this.#isClosed && this.#syncing === 0) this.#closeAll();
    }
  }

  syncNow(): void {
    for (const part of rawParts) fdatasyncSync(this.#fds[part]);
  }

  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    if (this.#syncing === 0) this.#closeAll();
  }

  #closeAll(): void {
    for (const part of rawParts) close(this.#fds[part], () => {});
  }
}

/** Texts that the segment does not hold yet. */
class NewTexts {
  readonly ids = new Map<string, number>();
  readonly #known: ReadonlyMap<string, number>;
  #lines = '';
  bytes = 0;

  constructor(known: ReadonlyMap<string, number>) {
    this.#known = known;
  }

  get lines(): Buffer {
    return Buffer.from(this.#lines);
  }

  /** 0 for ''. */
  idOf(text: string): number {
    if (text === '') return 0;
    const known = this.#known.get(text) ?? this.ids.get(text);
    if (known !== undefined) return known;
    const line = `${JSON.stringify(text)}\n`;
    this.#lines += line;
    this.bytes += Buffer.byteLength(line);
    this.ids.set(text, this.#known.size + this.ids.size + 1);
    return this.#known.size + this.ids.size;
  }
}

function joined(parts: readonly Buffer[]): Buffer {
  const [only] = parts;
  return parts.length === 1 && only !== undefined ? only : Buffer.concat(parts);
}

function openAll(files: RawFiles, flags: string): { readonly [part in keyof RawFiles]: number } {
  const fds = { pages: -1, numbers: -1, texts: -1, commits: -1 };
  try {
    for (const part of rawParts) fds[part] = openSync(files[part], flags);
  } catch (error) {
    for (const fd of Object.values(fds)) if (fd !== -1) closeSync(fd);
    throw error;
  }
  return fds;
}
