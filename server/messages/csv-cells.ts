// One cell of a CSV file (RFC 4180), without loss: quotes tell a text from everything else. Unquoted and empty is NULL,
// `X'..'` a BLOB, digits a number; what is quoted is a text, whatever it looks like.
import { realText } from './studio-values.ts';
import { unicodeProblem } from './unicode.ts';

const numberLike = /^[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?$/;
const blobLike = /^[xX]'(?:[0-9a-fA-F]{2})*'$/;
const oddText = /[",\r\n\0]|^[\s\ufeff]|\s$/;
/** What a spreadsheet takes for a formula. */
const formulaLike = /^[=+\-@\t\r]/;

export interface CsvCell {
  readonly bytes: Buffer;
  readonly isQuoted: boolean;
}

/** What a cell is before its column has a say. */
export type CsvValue = null | { readonly text: Buffer } | { readonly literal: string } | { readonly blob: Buffer };

export interface CsvOptions {
  readonly guardFormulas: boolean;
  /** What stands between two cells. */
  readonly separator: string;
}

export function csvText(text: string, { guardFormulas, separator }: CsvOptions): string {
  const shown = guardFormulas && formulaLike.test(text) ? `'${text}` : text;
  return needsQuotes(shown) || shown.includes(separator) ? `"${shown.replaceAll('"', '""')}"` : shown;
}

/** A text that is no UTF-8 keeps its bytes. */
export function csvBytes(bytes: Buffer): Buffer {
  const text = bytes.toString('latin1');
  return Buffer.from(`"${text.replaceAll('"', '""')}"`, 'latin1');
}

export function csvBlob(bytes: Buffer): string {
  return `X'${bytes.toString('hex').toUpperCase()}'`;
}

function needsQuotes(text: string): boolean {
  if (text === '' || text === '\ufeff') return true;
  return oddText.test(text) || numberLike.test(text) || (/^x'/i.test(text) && blobLike.test(text));
}

export function csvValue({ bytes, isQuoted }: CsvCell): CsvValue {
  if (isQuoted) return { text: bytes };
  if (bytes.length === 0) return null;
  const first = bytes[0] ?? 0;
  // A digit, a sign or a point.
  if (first <= 0x39 && first >= 0x2b && bytes.length <= 64) {
    const text = bytes.toString('latin1');
    if (numberLike.test(text)) return { literal: text };
  }
  if ((first === 0x58 || first === 0x78) && bytes[1] === 0x27) {
    const text = bytes.toString('latin1');
    if (blobLike.test(text)) return { blob: Buffer.from(text.slice(2, -1), 'hex') };
  }
  return { text: bytes };
}

/** A REAL; infinity as what SQLite reads as infinity. */
export function csvReal(value: number): string {
  if (Number.isFinite(value)) return realText(value);
  return value > 0 ? '9e999' : '-9e999';
}

/** A literal as a number where nothing of it is lost, else null: 007 is no number, nor is 1.50. */
export function numberOf(literal: string): bigint | number | null {
  if (/^-?(?:0|[1-9]\d*)$/.test(literal)) {
    const integer = BigInt(literal);
    return BigInt.asIntN(64, integer) === integer && literal !== '-0' ? integer : null;
  }
  const number = Number(literal);
  return csvReal(number) === literal ? number : null;
}

/** Names for the columns of a new table: none empty, none twice. */
export function columnNames(header: readonly string[]): string[] {
  const taken = new Set<string>();
  return header.map((name, at) => {
    const wanted = name.trim() === '' || unicodeProblem(name) !== null ? `column${at + 1}` : name;
    let unique = wanted;
    for (let next = 2; taken.has(unique.toLowerCase()); next += 1) unique = `${wanted}_${next}`;
    taken.add(unique.toLowerCase());
    return unique;
  });
}
