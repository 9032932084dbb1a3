// A write-ahead log as bytes: its header and its frames (https://sqlite.org/fileformat2.html#walformat). A frame
// belongs to the log if it carries the header's salts and goes on with the running checksum. Pure. What is valid here
// is not yet committed: only the index says that.
import { type Checksum, checksumOver, emptyChecksum } from '../../sqlite/wal-checksum.ts';

export const walHeaderBytes = 32;
export const frameHeaderBytes = 24;
const magicLittleEndian = 0x377f0682;
const formatVersion = 3007000;

export interface WalHeader extends Checksum {
  readonly isBigEndian: boolean;
  readonly pageBytes: number;
  readonly salt1: number;
  readonly salt2: number;
}

/** undefined where the bytes are no header of a log, or one that is being written. */
export function parseWalHeader(bytes: Buffer): WalHeader | undefined {
  if (bytes.length < walHeaderBytes) return undefined;
  const magic = bytes.readUInt32BE(0);
  if ((magic & ~1) >>> 0 !== magicLittleEndian || bytes.readUInt32BE(4) !== formatVersion) return undefined;
  const pageBytes = bytes.readUInt32BE(8);
  if (pageBytes < 512 || pageBytes > 65_536 || (pageBytes & (pageBytes - 1)) !== 0) return undefined;
  const isBigEndian = (magic & 1) === 1;
  const { checksum1, checksum2 } = checksumOver(bytes, 0, 24, isBigEndian, emptyChecksum);
  if (checksum1 !== bytes.readUInt32BE(24) || checksum2 !== bytes.readUInt32BE(28)) return undefined;
  return { isBigEndian, pageBytes, salt1: bytes.readUInt32BE(16), salt2: bytes.readUInt32BE(20), checksum1, checksum2 };
}

export interface Frame {
  readonly pageNumber: number;
  /** Pages of the database after the commit; 0: the frame ends no transaction. */
  readonly databasePages: number;
  /** The running checksum after the frame. */
  readonly checksum: Checksum;
}

/** The frame at byte `at`, if it goes on from `before`; undefined otherwise. All of it must be in `bytes`. */
export function parseFrame(bytes: Buffer, at: number, header: WalHeader, before: Checksum): Frame | undefined {
  if (bytes.readUInt32BE(at + 8) !== header.salt1 || bytes.readUInt32BE(at + 12) !== header.salt2) return undefined;
  const pageNumber = bytes.readUInt32BE(at);
  if (pageNumber === 0) return undefined;
  const { isBigEndian, pageBytes } = header;
  const ofHead = checksumOver(bytes, at, at + 8, isBigEndian, before);
  const checksum = checksumOver(bytes, at + frameHeaderBytes, at + frameHeaderBytes + pageBytes, isBigEndian, ofHead);
  if (checksum.checksum1 !== bytes.readUInt32BE(at + 16)) return undefined;
  if (checksum.checksum2 !== bytes.readUInt32BE(at + 20)) return undefined;
  return { pageNumber, databasePages: bytes.readUInt32BE(at + 4), checksum };
}

/** Where a frame begins in the file; frames count from 1. */
export function frameByte(frame: number, pageBytes: number): number {
  return walHeaderBytes + (frame - 1) * (pageBytes + frameHeaderBytes);
}
