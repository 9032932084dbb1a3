// Who made the commits of commit-slots.ts: a ring of processes. A record names its writer by number at once; what the
// process is called is found out and stored a moment later.
import { firstSlotByte, writerSection } from './layout.ts';

/** Words of a slot: `ready` is 0 while the slot is being written. */
const word = { ready: 0, pid: 1, commandBytes: 2, containerBytes: 3 } as const;
const numberDouble = 2;
const containerByte = 24;
const longestContainerBytes = 64;
const commandByte = containerByte + longestContainerBytes;
const longestCommandBytes = writerSection.slotBytes - commandByte;

export interface KnownWriter {
  readonly pid: number;
  readonly command: string;
  readonly container: string;
}

export class WriterSlots {
  readonly #words: Uint32Array;
  readonly #doubles: Float64Array;
  readonly #bytes: Buffer;
  readonly #newest: Float64Array;

  constructor(memory: ArrayBuffer) {
    const { startByte, slotBytes, slots } = writerSection;
    const from = firstSlotByte(writerSection);
    this.#newest = new Float64Array(memory, startByte, 1);
    this.#words = new Uint32Array(memory, from, (slotBytes * slots) / 4);
    this.#doubles = new Float64Array(memory, from, (slotBytes * slots) / 8);
    this.#bytes = Buffer.from(memory, from, slotBytes * slots);
  }

  /** The number of a writer that is not stored yet. */
  next(): number {
    const number = (this.#newest[0] ?? 0) + 1;
    Atomics.store(this.#words, this.#wordOf(number) + word.ready, 0);
    this.#newest[0] = number;
    return number;
  }

  /** `writer` undefined: it was gone before it could be looked at. */
  name(number: number, writer: KnownWriter | undefined): void {
    const at = this.#wordOf(number);
    const byte = at * 4;
    Atomics.store(this.#words, at + word.ready, 0);
    this.#words[at + word.pid] = writer?.pid ?? 0;
    this.#words[at + word.commandBytes] = this.#write(writer?.command ?? '', byte + commandByte, longestCommandBytes);
    this.#words[at + word.containerBytes] = this.#write(
      writer?.container ?? '',
      byte + containerByte,
      longestContainerBytes,
    );
    this.#doubles[at / 2 + numberDouble] = number;
    Atomics.store(this.#words, at + word.ready, 1);
  }

  /** undefined: not named yet. null: nobody knows, or others have come since and it was written over. */
  find(number: number): KnownWriter | null | undefined {
    if (number === 0 || number <= (this.#newest[0] ?? 0) - writerSection.slots) return null;
    const at = this.#wordOf(number);
    const byte = at * 4;
    if (Atomics.load(this.#words, at + word.ready) === 0) return undefined;
    const pid = this.#words[at + word.pid] ?? 0;
    const command = this.#read(byte + commandByte, this.#words[at + word.commandBytes] ?? 0);
    const container = this.#read(byte + containerByte, this.#words[at + word.containerBytes] ?? 0);
    const isStill = this.#doubles[at / 2 + numberDouble] === number;
    if (Atomics.load(this.#words, at + word.ready) === 0) return undefined;
    return isStill && pid !== 0 ? { pid, command, container } : null;
  }

  #wordOf(number: number): number {
    return (((number - 1) % writerSection.slots) * writerSection.slotBytes) / 4;
  }

  #write(text: string, at: number, longest: number): number {
    return this.#bytes.write(text, at, longest, 'utf8'); // whole characters only
  }

  #read(at: number, length: number): string {
    return this.#bytes.toString('utf8', at, at + length);
  }
}
