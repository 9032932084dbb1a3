// StudioValue <-> what better-sqlite3 reads and binds. Bytes decide: a text is a text only where it is valid in the
// encoding of its database.
import { isUtf8 } from 'node:buffer';
import { ApiError } from './errors.ts';
import { isObject, type Json } from './json.ts';
import type { StudioValue } from './studio/values.ts';
import { unicodeProblem } from './unicode.ts';

/** As PRAGMA encoding names it. */
export type TextEncoding = 'UTF-8' | 'UTF-16le' | 'UTF-16be';

/** @throws ApiError INVALID_PARAMETERS for JSON that is no StudioValue; `what` names it */
export function decodeValue(json: Json | undefined, what: string): StudioValue {
  if (json === null) return null;
  if (typeof json === 'string') return checkedText(json, what);
  if (json !== undefined && isObject(json)) {
    const { int, real, text, blob, badText, bytes } = json;
    const members = Object.keys(json).length;
    if (typeof int === 'string' && members === 1) return { int: checkedInteger(int, what) };
    if (typeof real === 'string' && members === 1) return { real: checkedReal(real, what) };
    if (members === 2 && typeof bytes === 'number' && Number.isSafeInteger(bytes)) {
      if (typeof text === 'string') return { text: checkedText(text, what), bytes };
      if (typeof blob === 'string') return { blob: checkedBase64(blob, what), bytes };
      if (typeof badText === 'string') return { badText: checkedBase64(badText, what), bytes };
    }
  }
  throw invalid(
    `${what} must be null, a string, {"int": "..."}, {"real": "..."}, {"blob": base64, "bytes": n} or a value as it was read`,
  );
}

/** A value of which only the beginning was sent. */
export function isCut(value: StudioValue): boolean {
  if (value === null || typeof value === 'string' || 'int' in value || 'real' in value) return false;
  if ('text' in value) return true;
  return bytesOf('blob' in value ? value.blob : value.badText).length !== value.bytes;
}

/** 1 is written 1.0, so that it is seen to be a REAL. */
export function realText(value: number): string {
  if (!Number.isFinite(value)) return value > 0 ? 'Inf' : '-Inf';
  if (Object.is(value, -0)) return '-0.0';
  const text = String(value);
  return /^-?\d+$/.test(text) ? `${text}.0` : text;
}

export function realOf(text: string): number {
  const infinite = /^([+-]?)inf(?:inity)?$/i.exec(text);
  if (infinite === null) return Number(text);
  return infinite[1] === '-' ? Number.NEGATIVE_INFINITY : Number.POSITIVE_INFINITY;
}

/** `bytes` are the beginning of a TEXT of `size` bytes. */
export function textValue(bytes: Buffer, size: number, encoding: TextEncoding): StudioValue {
  const isWhole = bytes.length >= size;
  const whole = isWhole ? bytes : withoutHalfCharacter(bytes, encoding);
  const text = decodeText(whole, encoding);
  if (text === null) return { badText: bytes.toString('base64'), bytes: size };
  return isWhole ? text : { text, bytes: size };
}

/** null: not valid in this encoding. */
function decodeText(bytes: Buffer, encoding: TextEncoding): string | null {
  if (encoding === 'UTF-8') return isUtf8(bytes) ? bytes.toString() : null;
  if (bytes.length % 2 === 1) return null;
  const littleEndian = encoding === 'UTF-16le' ? bytes : Buffer.from(bytes).swap16();
  const text = littleEndian.toString('utf16le');
  return unicodeProblem(text) === null ? text : null;
}

export function encodeText(text: string, encoding: TextEncoding): Buffer {
  if (encoding === 'UTF-8') return Buffer.from(text);
  const bytes = Buffer.from(text, 'utf16le');
  return encoding === 'UTF-16le' ? bytes : bytes.swap16();
}

export function bytesOf(base64: string): Buffer {
  return Buffer.from(base64, 'base64');
}

/** A cut may fall inside a character. */
function withoutHalfCharacter(bytes: Buffer, encoding: TextEncoding): Buffer {
  if (encoding === 'UTF-8') {
    let start = bytes.length - 1;
    while (start > 0 && start > bytes.length - 4 && ((bytes[start] ?? 0) & 0xc0) === 0x80) start -= 1;
    const lead = bytes[start] ?? 0;
    const length = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : lead >= 0xc0 ? 2 : 1;
    return start + length > bytes.length ? bytes.subarray(0, start) : bytes;
  }
  const even = bytes.subarray(0, bytes.length - (bytes.length % 2));
  const high = even[even.length - (encoding === 'UTF-16le' ? 1 : 2)] ?? 0;
  return high >= 0xd8 && high <= 0xdb ? even.subarray(0, -2) : even;
}

function checkedText(text: string, what: string): string {
  const problem = unicodeProblem(text);
  if (problem !== null) throw invalid(`${what} ${problem}`);
  return text;
}

function checkedInteger(text: string, what: string): string {
  if (!/^[+-]?\d{1,30}$/.test(text) || BigInt.asIntN(64, BigInt(text)) !== BigInt(text)) {
    throw invalid(`${what} must be an integer of 64 bits in decimal digits`);
  }
  return BigInt(text).toString();
}

function checkedReal(text: string, what: string): string {
  if (text.trim() !== text || text === '' || Number.isNaN(realOf(text))) throw invalid(`${what} must be a number`);
  return text;
}

function checkedBase64(text: string, what: string): string {
  const digits = text.replace(/={0,2}$/, '');
  if (!/^[A-Za-z0-9+/]*$/.test(digits) || digits.length % 4 === 1) throw invalid(`${what} is not valid base64`);
  return text;
}

function invalid(message: string): ApiError {
  return new ApiError('INVALID_PARAMETERS', message);
}
