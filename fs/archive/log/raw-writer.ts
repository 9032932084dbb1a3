// Appends commits to a raw segment. The record is written last, so a kill at any byte leaves a torn end that
// `recoverRaw` cuts off. After a power cut any of the last second's bytes may be missing: those records are checked
// against their hashes.
import { close, closeSync, fdatasync, fdatasyncSync, ftruncateSync, openSync, readFileSync } from 'node:fs';
import { promisify } from 'node:util';
import type { Commit } from '../commit.ts';
import { decodeRecord, encodeRecord, RECORD_BYTES, setHashOf } from './commit-record.ts';
import { writeAll } from './disk.ts';
import { type RawFiles, rawFiles, rawParts } from './log-files.ts';
import { type RawEnd, removeRaw } from './raw-recovery.ts';
import { encodeHeader, parseTexts, type RawHeader } from './raw-segment.ts';
import { bytesOfNumbers } from './segment.ts';

const syncData = promisify(fdatasync);

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
    const numbers = joinedNumbers(commits);
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
      const from = (firstPage - this.#end.pages) * 4;
      const own = numbers.subarray(from, from + pageNumbers.length * 4);
      hash = setHashOf(record, hash, own, commit.pages, [command, container, reason]);
      firstPage += pageNumbers.length;
    }
    this.#isTorn = true;
    try {
      this.#write(texts.lines, joined(commits.map(({ pages }) => pages)), numbers, records);
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
      hash: Buffer.from(hash),
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

/** Without a copy where they lie one behind the other. */
function joined(parts: readonly Buffer[]): Buffer {
  const [first] = parts;
  if (first === undefined) return Buffer.alloc(0);
  let end = first.byteOffset;
  for (const { buffer, byteOffset, length } of parts) {
    if (buffer !== first.buffer || byteOffset !== end) return Buffer.concat(parts);
    end += length;
  }
  return Buffer.from(first.buffer, first.byteOffset, end - first.byteOffset);
}

function joinedNumbers(commits: readonly Commit[]): Buffer {
  const numbers = new Uint32Array(commits.reduce((sum, { pageNumbers }) => sum + pageNumbers.length, 0));
  let at = 0;
  for (const { pageNumbers } of commits) {
    numbers.set(pageNumbers, at);
    at += pageNumbers.length;
  }
  return bytesOfNumbers(numbers);
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
