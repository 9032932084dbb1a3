// The cursor of SCAN: the last key that was looked at, as a decimal number, since clients take a cursor for one. 0 is
// the begin and the end. Nothing is kept between two calls.
import { isUtf8 } from 'node:buffer';

/** The key's bytes behind a byte 1, so that none of them is lost, read as one number. */
export function cursorOf(key: string): string {
  return BigInt(`0x01${Buffer.from(key).toString('hex')}`).toString();
}

/** undefined for what is no cursor. */
export function keyOfCursor(cursor: string): string | undefined {
  if (cursor === '0') return '';
  if (!/^[1-9]\d{0,24000}$/.test(cursor)) return undefined;
  const hex = BigInt(cursor).toString(16);
  if (!hex.startsWith('1') || hex.length % 2 === 0) return undefined;
  const bytes = Buffer.from(hex.slice(1), 'hex');
  return isUtf8(bytes) ? bytes.toString() : undefined;
}
