// The header of a `-shm` file: what all programs agree is committed. It lies there twice, and a writer changes the
// second copy first (WalIndexHdr, walIndexTryHdr and walIndexWriteHdr in SQLite's wal.c). Pure.
import { checksumOver, emptyChecksum } from './wal-checksum.ts';

/** Both copies, and the account of checkpoints behind them (WalCkptInfo). */
export const walIndexBytes = 136;
const copyBytes = 48;
const summedBytes = 40;
const backfillByte = 96;
const backfillAttemptedByte = 128;

export interface WalIndex {
  /** One more for each commit; begins anew when the index is recovered. */
  readonly change: number;
  readonly pageBytes: number;
  /** The last committed frame; 0: none. */
  readonly lastFrame: number;
  readonly databasePages: number;
  /** The running checksum after the last frame. */
  readonly checksum1: number;
  readonly checksum2: number;
  readonly salt1: number;
  readonly salt2: number;
  /** Whether a checkpoint has begun to write frames to the database file. */
  readonly isBackfilled: boolean;
}

export interface Salts {
  readonly salt1: number;
  readonly salt2: number;
}

/** Salts change whenever a log is begun anew. */
export function isSameLog(one: Salts, other: Salts): boolean {
  return one.salt1 === other.salt1 && one.salt2 === other.salt2;
}

/** undefined while it is being written, was never written, or is too short. */
export function parseWalIndex(bytes: Buffer): WalIndex | undefined {
  if (bytes.length < 2 * copyBytes || bytes[12] === 0) return undefined;
  if (bytes.compare(bytes, copyBytes, 2 * copyBytes, 0, copyBytes) !== 0) return undefined;
  // The index is always in the byte order of the machine.
  const { checksum1, checksum2 } = checksumOver(bytes, 0, summedBytes, false, emptyChecksum);
  if (checksum1 !== bytes.readUInt32LE(summedBytes) || checksum2 !== bytes.readUInt32LE(summedBytes + 4)) {
    return undefined;
  }
  const pageBytes = bytes.readUInt16LE(14);
  return {
    change: bytes.readUInt32LE(8),
    pageBytes: (pageBytes & 0xfe00) + ((pageBytes & 1) << 16),
    lastFrame: bytes.readUInt32LE(16),
    databasePages: bytes.readUInt32LE(20),
    checksum1: bytes.readUInt32LE(24),
    checksum2: bytes.readUInt32LE(28),
    salt1: bytes.readUInt32BE(32),
    salt2: bytes.readUInt32BE(36),
    isBackfilled:
      bytes.length >= walIndexBytes &&
      (bytes.readUInt32LE(backfillByte) !== 0 || bytes.readUInt32LE(backfillAttemptedByte) !== 0),
  };
}
