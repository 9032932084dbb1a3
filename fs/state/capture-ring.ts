// What programs write to databases that have a rollback journal, in the order in which they write it, and where their
// transactions end: a ring of bytes in the memory that outlives both the fs process, which appends, and the archive
// process, which reads. Whoever appends never waits: what has no room is left out, and that is told.
import { captureSection, firstSlotByte } from './layout.ts';
import type { FileKey } from './position-slots.ts';

/**
 * `claim`: somebody has opened the database, and what is written from here on is here. `write`: bytes at an offset.
 * `resize`: the file was cut or lengthened to so many bytes. `end`: what was written since the last `end` is a whole
 * transaction, or one that was rolled back. `gap`: what was written since then cannot be followed. `left`: nobody has
 * it open any more.
 */
export type CaptureKind = 'claim' | 'write' | 'resize' | 'end' | 'gap' | 'left';
const kinds: readonly CaptureKind[] = ['claim', 'write', 'resize', 'end', 'gap', 'left'];

export interface CaptureFacts extends FileKey {
  readonly kind: CaptureKind;
  /** `write`: where. `resize`: the new size. Others: the file's size. */
  readonly bytes: number;
  /** When it was written last, as the file tells. Of all kinds but `write` and `resize`. */
  readonly mtimeSeconds: number;
  readonly mtimeNanoseconds: number;
  /** Milliseconds since 1970. */
  readonly timeMs: number;
  /** `end`: its number in the ring of writers; 0: not known. */
  readonly writer: number;
  /** The newest record of a commit in WAL mode: those with larger numbers came later. Not of `write` and `resize`. */
  readonly afterCommit: number;
  /** `write`, `resize`: there is a journal that can take it back. */
  readonly isJournaled: boolean;
  /** `end`: nobody knows whether it is one, if nothing could take it back. See WriteCapture.resume. */
  readonly isUncertain: boolean;
}

export interface CaptureRecord extends CaptureFacts {
  /** Where it begins, and where the next one does: counted in bytes since the mount began. */
  readonly position: number;
  readonly next: number;
  /** `write`: the bytes. `claim`, `end`: the database's path below the data directory. `gap`: the reason. */
  readonly data: Buffer;
}

/** Words of a record's head, and its doubles behind them. */
const word = { kind: 0, dataBytes: 1, deviceMajor: 2, deviceMinor: 3, flags: 4, nanoseconds: 5 } as const;
const double = { position: 3, inode: 4, bytes: 5, mtimeSeconds: 6, timeMs: 7, writer: 8, afterCommit: 9 } as const;
const headBytes = 80;
const flag = { isJournaled: 1, isUncertain: 2 } as const;
/** What fills the ring's end where the next record does not fit. */
const filler = 255;
const ringBytes = captureSection.slotBytes * captureSection.slots;

/** Words of the section's first page, and its 64-bit words, which are read and written as one. */
const headerWord = { salt1: 0, salt2: 1, isLossy: 3 } as const;
const headerLong = { head: 4, tail: 5 } as const;

export class CaptureRing {
  readonly #headerWords: Uint32Array;
  readonly #headerLongs: BigUint64Array;
  readonly #words: Uint32Array;
  readonly #doubles: Float64Array;
  readonly #bytes: Buffer;

  constructor(memory: ArrayBuffer) {
    const from = firstSlotByte(captureSection);
    this.#headerWords = new Uint32Array(memory, captureSection.startByte, 16);
    this.#headerLongs = new BigUint64Array(memory, captureSection.startByte, 8);
    this.#words = new Uint32Array(memory, from, ringBytes / 4);
    this.#doubles = new Float64Array(memory, from, ringBytes / 8);
    this.#bytes = Buffer.from(memory, from, ringBytes);
  }

  /** By whoever appends, before it does: tells this ring from that of another mount. */
  begin(): void {
    const { salt1, salt2 } = headerWord;
    if (this.#headerWords[salt1] !== 0) return;
    this.#headerWords[salt2] = (Math.random() * 0x1_0000_0000) >>> 0;
    this.#headerWords[salt1] = ((Math.random() * 0x1_0000_0000) >>> 0) | 1;
  }

  /** Both 0 while nothing was ever appended. */
  get salts(): { readonly salt1: number; readonly salt2: number } {
    return {
      salt1: this.#headerWords[headerWord.salt1] ?? 0,
      salt2: this.#headerWords[headerWord.salt2] ?? 0,
    };
  }

  /** Where the next record will begin. */
  get head(): number {
    return Number(Atomics.load(this.#headerLongs, headerLong.head));
  }

  /** All before it was read, and may be written over. */
  get tail(): number {
    return Number(Atomics.load(this.#headerLongs, headerLong.tail));
  }

  set tail(position: number) {
    Atomics.store(this.#headerLongs, headerLong.tail, BigInt(position));
  }

  /** How much of it is taken: 0 to 1. */
  get fullness(): number {
    return (this.head - this.tail) / ringBytes;
  }

  /** Something was left out of which nothing is told here yet. */
  get isLossy(): boolean {
    return this.#headerWords[headerWord.isLossy] === 1;
  }

  set isLossy(isLossy: boolean) {
    this.#headerWords[headerWord.isLossy] = Number(isLossy);
  }

  /** False: there is no room, and nothing was appended. */
  append(facts: CaptureFacts, data: Uint8Array): boolean {
    const size = sizeOf(data.length);
    const { head } = this;
    const untilEnd = ringBytes - (head % ringBytes);
    const skipped = untilEnd < size ? untilEnd : 0;
    if (head + skipped + size - this.tail > ringBytes) return false;
    if (skipped >= headBytes) this.#words[(head % ringBytes) / 4 + word.kind] = filler;
    this.#write(head + skipped, facts, data);
    // Last: a process that is killed in between has appended nothing.
    Atomics.store(this.#headerLongs, headerLong.head, BigInt(head + skipped + size));
    return true;
  }

  /** The records from a position on, as many as take `mostBytes`. Their data are copies. */
  *readFrom(position: number, mostBytes: number): Generator<CaptureRecord> {
    const end = Math.min(this.head, position + mostBytes);
    for (let at = position; at < end; ) {
      const untilEnd = ringBytes - (at % ringBytes);
      if (untilEnd < headBytes || this.#words[(at % ringBytes) / 4 + word.kind] === filler) {
        at += untilEnd;
        continue;
      }
      const record = this.#read(at);
      if (record === undefined) return;
      yield record;
      at = record.next;
    }
  }

  #write(position: number, facts: CaptureFacts, data: Uint8Array): void {
    const at = position % ringBytes;
    const words = this.#words;
    const wordAt = at / 4;
    words[wordAt + word.kind] = kinds.indexOf(facts.kind);
    words[wordAt + word.dataBytes] = data.length;
    words[wordAt + word.deviceMajor] = facts.deviceMajor;
    words[wordAt + word.deviceMinor] = facts.deviceMinor;
    words[wordAt + word.flags] =
      (facts.isJournaled ? flag.isJournaled : 0) | (facts.isUncertain ? flag.isUncertain : 0);
    words[wordAt + word.nanoseconds] = facts.mtimeNanoseconds;
    const doubles = this.#doubles;
    const doubleAt = at / 8;
    doubles[doubleAt + double.position] = position;
    doubles[doubleAt + double.inode] = facts.inode;
    doubles[doubleAt + double.bytes] = facts.bytes;
    doubles[doubleAt + double.mtimeSeconds] = facts.mtimeSeconds;
    doubles[doubleAt + double.timeMs] = facts.timeMs;
    doubles[doubleAt + double.writer] = facts.writer;
    doubles[doubleAt + double.afterCommit] = facts.afterCommit;
    this.#bytes.set(data, at + headBytes);
  }

  /** undefined: it is none, which only a reader that has been left behind can find. */
  #read(position: number): CaptureRecord | undefined {
    const at = position % ringBytes;
    const words = this.#words;
    const doubles = this.#doubles;
    const wordAt = at / 4;
    const doubleAt = at / 8;
    const kind = kinds[words[wordAt + word.kind] ?? filler];
    if (kind === undefined || doubles[doubleAt + double.position] !== position) return undefined;
    const dataBytes = words[wordAt + word.dataBytes] ?? 0;
    const flags = words[wordAt + word.flags] ?? 0;
    return {
      kind,
      position,
      next: position + sizeOf(dataBytes),
      inode: doubles[doubleAt + double.inode] ?? 0,
      deviceMajor: words[wordAt + word.deviceMajor] ?? 0,
      deviceMinor: words[wordAt + word.deviceMinor] ?? 0,
      bytes: doubles[doubleAt + double.bytes] ?? 0,
      mtimeSeconds: doubles[doubleAt + double.mtimeSeconds] ?? 0,
      mtimeNanoseconds: words[wordAt + word.nanoseconds] ?? 0,
      timeMs: doubles[doubleAt + double.timeMs] ?? 0,
      writer: doubles[doubleAt + double.writer] ?? 0,
      afterCommit: doubles[doubleAt + double.afterCommit] ?? 0,
      isJournaled: (flags & flag.isJournaled) !== 0,
      isUncertain: (flags & flag.isUncertain) !== 0,
      data: Buffer.from(this.#bytes.subarray(at + headBytes, at + headBytes + dataBytes)),
    };
  }
}

function sizeOf(dataBytes: number): number {
  return (headBytes + dataBytes + 7) & ~7;
}
