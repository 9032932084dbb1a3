// Cells without loss: how a value looks, how it is written as text, JSON or SQL, and what a typed text means. Pure.
import type { StudioValue } from '../../../messages/studio/values.ts';

export type ValueKind = 'null' | 'text' | 'integer' | 'real' | 'blob' | 'bad text';

export function kindOf(value: StudioValue): ValueKind {
  if (value === null) return 'null';
  if (typeof value === 'string' || 'text' in value) return 'text';
  if ('int' in value) return 'integer';
  if ('real' in value) return 'real';
  return 'blob' in value ? 'blob' : 'bad text';
}

/** The server sent the beginning alone. */
export function isCut(value: StudioValue): boolean {
  if (value === null || typeof value === 'string') return false;
  if ('text' in value) return true;
  if ('blob' in value) return base64Bytes(value.blob) < value.bytes;
  return 'badText' in value && base64Bytes(value.badText) < value.bytes;
}

/** Whole length in bytes; of text that is whole, in UTF-8. */
export function bytesOf(value: StudioValue): number {
  if (value === null) return 0;
  if (typeof value === 'string') return new TextEncoder().encode(value).length;
  return 'bytes' in value ? value.bytes : 8;
}

function base64Bytes(base64: string): number {
  return Math.floor((base64.replace(/=+$/, '').length * 3) / 4);
}

/** The same type and the same bytes. */
export function isSame(a: StudioValue, b: StudioValue): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}

/** The value as text, as far as it came; of a BLOB its bytes in hex. */
export function textOf(value: StudioValue): string {
  if (value === null) return '';
  if (typeof value === 'string') return value;
  if ('text' in value) return value.text;
  if ('int' in value) return value.int;
  if ('real' in value) return value.real;
  if ('blob' in value) return hexOf(bytesFromBase64(value.blob));
  return new TextDecoder().decode(bytesFromBase64(value.badText));
}

export function bytesFromBase64(base64: string): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0));
}

export function base64FromBytes(bytes: Uint8Array): string {
  let letters = '';
  for (let at = 0; at < bytes.length; at += 0x8000) letters += String.fromCharCode(...bytes.subarray(at, at + 0x8000));
  return btoa(letters);
}

export function hexOf(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
}

/** Null for text that is no whole number of bytes in hex. Blanks are skipped. */
export function bytesFromHex(hex: string): Uint8Array<ArrayBuffer> | null {
  const digits = hex.replaceAll(/\s/g, '');
  if (digits.length % 2 === 1 || /[^0-9a-f]/i.test(digits)) return null;
  return Uint8Array.from(digits.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16));
}

// Controls, also those of direction; zero-width signs but the joiner of emoji; separators; the byte order mark.
const invisible = /([\p{Cc}\p{Bidi_Control}\u200b\u2028\u2029\u2060\ufeff])/u;
const invisibles = new RegExp(invisible.source, 'gu');

/** Text and, at odd places, the characters within it that cannot be seen. */
export function splitInvisible(text: string): string[] {
  return text.split(invisible);
}

export function hasInvisible(text: string): boolean {
  return invisible.test(text);
}

/** A sign for each character that has none: `\n` as a return arrow, others as `\x1b` or `\u202e`. */
export function showInvisible(text: string): string {
  return text.replace(invisibles, (letter) => {
    const code = letter.charCodeAt(0);
    if (letter === '\n') return '\u21b5';
    if (letter === '\t') return '\u21e5';
    return code < 0x100 ? `\\x${code.toString(16).padStart(2, '0')}` : `\\u${code.toString(16).padStart(4, '0')}`;
  });
}

/** SQL text of the value. Only for values that are whole. */
export function sqlLiteral(value: StudioValue): string {
  if (value === null) return 'NULL';
  if (typeof value === 'string') return textLiteral(value);
  if ('int' in value) return value.int;
  if ('real' in value) return realLiteral(value.real);
  if ('blob' in value) return `X'${hexOf(bytesFromBase64(value.blob))}'`;
  if ('badText' in value) return `CAST(X'${hexOf(bytesFromBase64(value.badText))}' AS TEXT)`;
  return textLiteral(value.text);
}

/** SQLite ends a literal at NUL, so text with NUL is written by its bytes. */
function textLiteral(text: string): string {
  if (text.includes('\0')) return `CAST(X'${hexOf(new TextEncoder().encode(text))}' AS TEXT)`;
  return `'${text.replaceAll("'", "''")}'`;
}

function realLiteral(real: string): string {
  if (/^-?inf/i.test(real)) return real.startsWith('-') ? '-9e999' : '9e999';
  return /^-?\d+$/.test(real) ? `${real}.0` : real;
}

/** A JSON value as text: integers with all their digits, a BLOB as base64. */
export function jsonText(value: StudioValue): string {
  if (value === null) return 'null';
  if (typeof value === 'string') return JSON.stringify(value);
  if ('int' in value) return value.int;
  if ('real' in value) return /inf|nan/i.test(value.real) ? JSON.stringify(value.real) : value.real;
  if ('blob' in value) return JSON.stringify(value.blob);
  return JSON.stringify(textOf(value));
}

export function sqlName(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

export type Affinity = 'integer' | 'real' | 'numeric' | 'text' | 'blob';

/** SQLite's rules of affinity (datatype3.html, section 3.1). */
export function affinityOf(declared: string): Affinity {
  const type = declared.toUpperCase();
  if (type.includes('INT')) return 'integer';
  if (/CHAR|CLOB|TEXT/.test(type)) return 'text';
  if (type === '' || type.includes('BLOB')) return 'blob';
  return /REAL|FLOA|DOUB/.test(type) ? 'real' : 'numeric';
}

const integerText = /^[+-]?\d+$/;
const realText = /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i;
const smallest = -(2n ** 63n);
const largest = 2n ** 63n - 1n;

function integerOf(text: string): StudioValue | undefined {
  if (!integerText.test(text)) return undefined;
  const number = BigInt(text.replace('+', ''));
  return number < smallest || number > largest ? { real: String(Number(text)) } : { int: String(number) };
}

function realOf(text: string): StudioValue | undefined {
  return realText.test(text) ? { real: text } : undefined;
}

/**
 * What a typed text means in a column of this declared type. A column without a type keeps the kind of the value that
 * was there: '5' typed over text stays text, over a number it is a number.
 */
export function valueOfText(text: string, declared: string, before: StudioValue = null): StudioValue {
  const affinity = affinityOf(declared);
  const trimmed = text.trim();
  if (affinity === 'text') return text;
  if (affinity === 'blob') {
    const kind = kindOf(before);
    return kind === 'integer' || kind === 'real' ? (integerOf(trimmed) ?? realOf(trimmed) ?? text) : text;
  }
  return integerOf(trimmed) ?? realOf(trimmed) ?? text;
}

/** For a filter: a column without a type holds numbers as well, so a text that looks like a number is one. */
export function filterValueOf(text: string, declared: string): StudioValue {
  return affinityOf(declared) === 'text' ? text : (integerOf(text.trim()) ?? realOf(text.trim()) ?? text);
}
