// One segment of a log, as its readers see it, whether it is raw or compressed.

export interface Segment {
  readonly path: string;
  /** Numbers of its first and its last commit; those of a thinned segment have holes. */
  readonly first: number;
  readonly last: number;
  readonly commits: number;
  /** Times of its first and its last commit, in milliseconds since 1970. */
  readonly firstMs: number;
  readonly lastMs: number;
  /** Pages of all its commits together. */
  readonly pages: number;
  readonly pageBytes: number;
  readonly incarnation: number;
  /** Hash of the commit before its first. */
  readonly chainBefore: Buffer;
  /** Hash of its last commit, where it is written down elsewhere, too. */
  readonly chainAfter: Buffer | undefined;
  /** Whether history was thinned here: seals vouch for its content. */
  readonly isThinned: boolean;
  /** Its commit records, one after the other. The caller changes nothing in it. */
  records(): Buffer;
  /** The number of every page, in the order in which they were written. */
  numbers(): Uint32Array;
  texts(): readonly string[];
  /** Where the content of the page with this index stands among all: who reads many reads them in this order. */
  positionOf(index: number): number;
  /** Puts the content of the page with this index into `target`. @throws LogDamage */
  readPage(index: number, target: Buffer, at: number): void;
  /** Bytes on the disk. */
  readonly bytes: number;
  close(): void;
}

/** What is on the disk cannot be what was written. */
export class LogDamage extends Error {
  readonly code = 'damaged';
}

export function bytesOfNumbers(numbers: Uint32Array): Buffer {
  return Buffer.from(numbers.buffer, numbers.byteOffset, numbers.byteLength);
}

/** A copy that is aligned, as a Uint32Array must be. */
export function numbersOfBytes(bytes: Uint8Array): Uint32Array {
  return new Uint32Array(Uint8Array.from(bytes).buffer);
}
