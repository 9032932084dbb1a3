// Whole numbers in 7 bits a byte, lowest first, as in LEB128.
import { LtxError } from './header.ts';

/** Of what a double holds exactly. */
export const maxVarintBytes = 8;

/** @returns the place after it */
export function appendVarint(target: Buffer, at: number, value: number): number {
  let [rest, next] = [value, at];
  while (rest >= 128) {
    target[next++] = (rest % 128) | 128;
    rest = Math.floor(rest / 128);
  }
  target[next++] = rest;
  return next;
}

/** @returns the number, and the place after it @throws LtxError */
export function readVarint(bytes: Buffer, at: number): readonly [value: number, next: number] {
  let value = 0;
  for (let [next, factor] = [at, 1]; next < bytes.length; factor *= 128) {
    const byte = bytes[next++] as number;
    value += (byte & 127) * factor;
    if (!Number.isSafeInteger(value)) break;
    if (byte < 128) return [value, next];
  }
  throw new LtxError('its index is damaged');
}
