// CRC-64 of ISO 3309 as LTX files use it: reflected, all ones at the start and at the end.
//
// The polynomial is x^64 + x^4 + x^3 + x + 1, so x^64 is the same as x^4 + x^3 + x + 1. To take in 8 bytes at once is
// to multiply by x^64, which is the sum of four small shifts. Only the 4 lowest bits leave the word: a table of 16
// entries has what they come back as. The word is kept as two halves of 32 bits.

/** One step of a bit at a time: what `low` becomes after `bits` more zero bits; [low half, high half]. */
function shifted(value: number, bits: number): readonly [number, number] {
  let [low, high] = [value, 0];
  for (let bit = 0; bit < bits; bit++) {
    const leaves = low & 1;
    low = (low >>> 1) | (high << 31);
    high = (high >>> 1) ^ (leaves === 0 ? 0 : 0xd8000000);
  }
  return [low, high];
}

/** For a byte at a time: two halves for each value. */
const byteTable = new Int32Array(512);
for (let value = 0; value < 256; value++) byteTable.set(shifted(value, 8), value * 2);

/** High half of what the lowest 4 bits come back as. They never reach the low half. */
const nibbleTable = new Int32Array(16);
for (let value = 0; value < 16; value++) nibbleTable[value] = shifted(value, 64)[1];

const isLittleEndian = new Uint8Array(new Uint32Array([1]).buffer)[0] === 1;

export class Crc64 {
  #low = -1;
  #high = -1;

  update(bytes: Uint8Array): this {
    let [low, high] = [this.#low, this.#high];
    let at = 0;
    if (isLittleEndian && bytes.byteOffset % 4 === 0) {
      const words = new Int32Array(bytes.buffer, bytes.byteOffset, Math.floor(bytes.length / 8) * 2);
      for (let word = 0; word < words.length; word += 2) {
        const l = low ^ (words[word] as number);
        const h = high ^ (words[word + 1] as number);
        low = l ^ ((l >>> 1) | (h << 31)) ^ ((l >>> 3) | (h << 29)) ^ ((l >>> 4) | (h << 28));
        high = h ^ (h >>> 1) ^ (h >>> 3) ^ (h >>> 4) ^ (nibbleTable[l & 15] as number);
      }
      at = words.length * 4;
    }
    for (; at < bytes.length; at++) {
      const entry = ((low ^ (bytes[at] as number)) & 255) * 2;
      low = ((low >>> 8) | (high << 24)) ^ (byteTable[entry] as number);
      high = (high >>> 8) ^ (byteTable[entry + 1] as number);
    }
    this.#low = low;
    this.#high = high;
    return this;
  }

  get value(): bigint {
    return (BigInt(~this.#high >>> 0) << 32n) | BigInt(~this.#low >>> 0);
  }
}
