// What an LTX file says about itself, and its name. Version 3 of the format: https://github.com/superfly/ltx
import { lockPageOf } from '../lock-page.ts';

export const HEADER_BYTES = 100;
/** Checksum of the database (0: none is kept), checksum of the file. */
export const TRAILER_BYTES = 16;
/** Number, flags, and the length of the compressed content. */
export const FRAME_HEADER_BYTES = 10;

const magic = 'LTX1';
/** Checksums of the whole database are not kept, as Litestream has it. */
const noChecksumFlag = 2;
/** The length of the compressed content follows. */
export const sizeFlag = 1;
/** Set in every checksum, so that none is zero. */
export const checksumFlag = 1n << 63n;

export interface LtxHeader {
  readonly pageBytes: number;
  /** Pages of the database after it. */
  readonly databasePages: number;
  /** From 1. 1 means: it has all pages. */
  readonly minTxid: number;
  readonly maxTxid: number;
  /** Of its last commit, whole milliseconds since 1970. */
  readonly timeMs: number;
  /** Who made it: 64 bits that mean something to the maker alone. */
  readonly nodeId: bigint;
}

/** The content cannot be that of an LTX file, or of one that this program knows. */
export class LtxError extends Error {
  override readonly name = 'LtxError';
}

export function isSnapshot({ minTxid }: LtxHeader): boolean {
  return minTxid === 1;
}

/** @throws LtxError */
export function encodeHeader(header: LtxHeader): Buffer {
  check(header);
  const bytes = Buffer.alloc(HEADER_BYTES);
  bytes.write(magic, 0, 'latin1');
  bytes.writeUInt32BE(noChecksumFlag, 4);
  bytes.writeUInt32BE(header.pageBytes, 8);
  bytes.writeUInt32BE(header.databasePages, 12);
  bytes.writeBigUInt64BE(BigInt(header.minTxid), 16);
  bytes.writeBigUInt64BE(BigInt(header.maxTxid), 24);
  bytes.writeBigInt64BE(BigInt(header.timeMs), 32);
  bytes.writeBigUInt64BE(header.nodeId, 72);
  return bytes;
}

/** @param bytes at least {@link HEADER_BYTES} @throws LtxError */
export function decodeHeader(bytes: Buffer): LtxHeader {
  if (bytes.length < HEADER_BYTES || bytes.toString('latin1', 0, 4) !== magic) throw new LtxError('it is no LTX file');
  const flags = bytes.readUInt32BE(4);
  if ((flags & ~noChecksumFlag) !== 0) throw new LtxError(`its flags ${flags} are those of a newer format`);
  const header: LtxHeader = {
    pageBytes: bytes.readUInt32BE(8),
    databasePages: bytes.readUInt32BE(12),
    minTxid: Number(bytes.readBigUInt64BE(16)),
    maxTxid: Number(bytes.readBigUInt64BE(24)),
    timeMs: Number(bytes.readBigInt64BE(32)),
    nodeId: bytes.readBigUInt64BE(72),
  };
  check(header);
  return header;
}

function check({ pageBytes, databasePages, minTxid, maxTxid, timeMs, nodeId }: LtxHeader): void {
  const isPowerOfTwo = (pageBytes & (pageBytes - 1)) === 0;
  if (!isPowerOfTwo || pageBytes < 512 || pageBytes > 65_536)
    throw new LtxError(`no database has pages of ${pageBytes} bytes`);
  if (!(databasePages >= 1 && databasePages <= 0xfffffffe))
    throw new LtxError(`no database has ${databasePages} pages`);
  const areTxids = Number.isSafeInteger(minTxid) && Number.isSafeInteger(maxTxid);
  if (!areTxids || minTxid < 1 || maxTxid < minTxid) throw new LtxError(`its TXIDs are ${minTxid} to ${maxTxid}`);
  if (!Number.isSafeInteger(timeMs)) throw new LtxError(`its time is ${timeMs}`);
  if (nodeId < 0n || nodeId >> 64n !== 0n) throw new LtxError(`its node id is ${nodeId}`);
}

/** A snapshot has every page but the one at 1 GiB; other files have some. @param last 0: none yet */
export function mayFollow(header: LtxHeader, last: number, page: number): boolean {
  const lockPage = lockPageOf(header.pageBytes);
  if (page === lockPage || page > header.databasePages) return false;
  if (!isSnapshot(header)) return page > last;
  return page === (last + 1 === lockPage ? last + 2 : last + 1);
}

/** The last page that a snapshot must have. */
export function lastPageOf({ databasePages, pageBytes }: LtxHeader): number {
  return databasePages === lockPageOf(pageBytes) ? databasePages - 1 : databasePages;
}
