// Positions in write-ahead logs. Pure.
import type { WalPosition } from '../commit.ts';

/** There was no log when everything was read. */
export const noPosition: WalPosition = { salt1: 0, salt2: 0, frames: 0, checksum1: 0, checksum2: 0 };
