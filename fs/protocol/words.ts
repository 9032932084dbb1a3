// 64-bit words as numbers. The kernel's node ids and handles stay below 2^53, and a bigint would cost the hot path
// about 60 ns a field (measured, Node 20). Words that use all 64 bits (lock owners, directory offsets) are bigint; file
// offsets are, where they have to.

const high = 2 ** 32;

/** For ids and counts, which stay below 2^53. */
export function readWord(bytes: Buffer, offset: number): number {
  return bytes.readUInt32LE(offset) + bytes.readUInt32LE(offset + 4) * high;
}

/** A place in a file, or a size: exact, a number below 2^53 and a bigint from there on. System calls take either. */
export type FileOffset = number | bigint;
const firstInexactUpper = 2 ** 21;

export function readFileOffset(bytes: Buffer, offset: number): FileOffset {
  const isExact = bytes.readUInt32LE(offset + 4) < firstInexactUpper;
  return isExact ? readWord(bytes, offset) : bytes.readBigInt64LE(offset);
}

export function writeFileOffset(bytes: Buffer, value: FileOffset, offset: number): void {
  if (typeof value === 'number') writeWord(bytes, value, offset);
  else bytes.writeBigInt64LE(value, offset);
}

let view: DataView = new DataView(new ArrayBuffer(0));
let viewed: Buffer | undefined;

/** All 64 bits. Through a DataView, which costs a tenth of Buffer's own method. */
export function readWord64(bytes: Buffer, offset: number): bigint {
  if (viewed !== bytes) {
    view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    viewed = bytes;
  }
  return view.getBigUint64(offset, true);
}

/** `value` is a non-negative integer. */
export function writeWord(bytes: Buffer, value: number, offset: number): void {
  bytes.writeUInt32LE(value % high, offset);
  bytes.writeUInt32LE(Math.floor(value / high), offset + 4);
}
