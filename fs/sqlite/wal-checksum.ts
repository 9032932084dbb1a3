// The running checksum of write-ahead logs and of their index: walChecksumBytes in SQLite's wal.c
// (https://sqlite.org/fileformat2.html#checksum_algorithm). Pure.

export interface Checksum {
  /** Both unsigned. */
  readonly checksum1: number;
  readonly checksum2: number;
}

export const emptyChecksum: Checksum = { checksum1: 0, checksum2: 0 };

/**
 * Goes on from `start` over the bytes `from` to `to` (exclusive), a multiple of 8 of them. The order of the bytes in a
 * word is that of the program that began the log.
 */
export function checksumOver(bytes: Buffer, from: number, to: number, isBigEndian: boolean, start: Checksum): Checksum {
  let sum1 = start.checksum1 | 0;
  let sum2 = start.checksum2 | 0;
  if (!isBigEndian && ((bytes.byteOffset + from) & 3) === 0) {
    // Ten times as fast as readInt32LE; every processor that this runs on is little-endian.
    const words = new Int32Array(bytes.buffer, bytes.byteOffset + from, (to - from) >> 2);
    for (let at = 0; at < words.length; at += 2) {
      sum1 = ((words[at] as number) + sum1 + sum2) | 0;
      sum2 = ((words[at + 1] as number) + sum2 + sum1) | 0;
    }
  } else {
    for (let at = from; at < to; at += 8) {
      const word1 = isBigEndian ? bytes.readInt32BE(at) : bytes.readInt32LE(at);
      const word2 = isBigEndian ? bytes.readInt32BE(at + 4) : bytes.readInt32LE(at + 4);
      sum1 = (word1 + sum1 + sum2) | 0;
      sum2 = (word2 + sum2 + sum1) | 0;
    }
  }
  return { checksum1: sum1 >>> 0, checksum2: sum2 >>> 0 };
}
