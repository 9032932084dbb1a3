// Positions in write-ahead logs. Pure.
import type { WalPosition } from '../commit.ts';

/** There was no log when everything was read. */
export const noPosition: WalPosition = { salt1: 0, salt2: 0, frames: 0, checksum1: 0, checksum2: 0 };

export interface Salts {
  readonly salt1: number;
  readonly salt2: number;
}

/** Salts change whenever a log is begun anew. */
export function isSameLog(one: Salts, other: Salts): boolean {
  return one.salt1 === other.salt1 && one.salt2 === other.salt2;
}
