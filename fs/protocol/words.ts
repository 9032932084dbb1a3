// 64-bit words as numbers. The kernel's node ids, handles and offsets stay below 2^53, and a bigint would cost the hot
// path about 60 ns a field (measured, Node 20). Words that use all 64 bits (lock owners, directory offsets) are bigint.

const high = 2 ** 32;

/** Ids are ours and small; offsets beyond 2^53 lose their last bits, where no file system has files. */
export function readWord(bytes: Buffer, offset: number): number {
  return bytes.readUInt32LE(offset) + bytes.readUInt32LE(offset + 4) * high;
}

/** `value` is a non-negative integer. */
export function writeWord(bytes: Buffer, value: number, offset: number): void {
  bytes.writeUInt32LE(value % high, offset);
  bytes.writeUInt32LE(Math.floor(value / high), offset + 4);
}
