// Cuts the bytes of a CSV file (RFC 4180) into records, a chunk at a time. Lines end with CRLF, LF or CR. Own code,
// since no library tells an unquoted empty field from a quoted one and keeps bytes that are no UTF-8.

import type { CsvCell } from './csv-cells.ts';
import { ApiError } from './errors.ts';

export interface CsvRecord {
  readonly cells: readonly CsvCell[];
  /** Where it begins, from 1. */
  readonly line: number;
}

const quote = 0x22;
const lineFeed = 0x0a;
const carriageReturn = 0x0d;

export class CsvReader {
  readonly #separator: number;
  readonly #mostBytes: number;
  /** Of the record that is being read. */
  #bytes = 0;
  #record: CsvCell[] = [];
  /** Of the field that is being read. */
  #parts: Buffer[] = [];
  #state: 'start' | 'plain' | 'quoted' | 'closing' = 'start';
  #isQuoted = false;
  #afterReturn = false;
  /** The first bytes of the file, until a byte order mark among them can be told; null: they are through. */
  #head: Buffer | null = Buffer.alloc(0);
  #line = 1;
  /** Where the present record began. */
  #firstLine = 1;

  /** `separator`: one byte. `mostBytes`: of one record, which stands in memory as a whole. */
  constructor(separator = ',', mostBytes = Number.POSITIVE_INFINITY) {
    this.#separator = separator.charCodeAt(0);
    this.#mostBytes = mostBytes;
  }

  /**
   * The records that end in this chunk, which nobody may change from now on: cells are parts of it.
   * @throws ApiError INVALID_PARAMETERS for text behind a closing quote, PAYLOAD_TOO_LARGE for a record of more than
   * `mostBytes`
   */
  push(given: Buffer): CsvRecord[] {
    const chunk = this.#withoutMark(given, false);
    return this.#read(chunk);
  }

  #read(chunk: Buffer): CsvRecord[] {
    const records: CsvRecord[] = [];
    let from = 0;
    const take = (to: number): void => {
      if (to <= from) return;
      this.#parts.push(chunk.subarray(from, to));
      this.#bytes += to - from;
      if (this.#bytes > this.#mostBytes) throw this.#tooLong();
    };
    for (let at = 0; at < chunk.length; at += 1) {
      const byte = chunk[at];
      if (this.#afterReturn) {
        this.#afterReturn = false;
        if (byte === lineFeed) {
          from = at + 1;
          continue;
        }
      }
      if (this.#state === 'quoted') {
        const end = chunk.indexOf(quote, at);
        this.#line += lineFeedsIn(chunk, at, end < 0 ? chunk.length : end);
        if (end < 0) break;
        take(end);
        from = end + 1;
        at = end;
        this.#state = 'closing';
        continue;
      }
      if (this.#state === 'closing' && byte === quote) {
        // A doubled quote: the second one belongs to the text.
        from = at;
        this.#state = 'quoted';
        continue;
      }
      if (byte === quote && this.#state === 'start') {
        from = at + 1;
        this.#isQuoted = true;
        this.#state = 'quoted';
      } else if (byte === this.#separator) {
        take(at);
        from = at + 1;
        this.#endField();
      } else if (byte === lineFeed || byte === carriageReturn) {
        take(at);
        from = at + 1;
        this.#afterReturn = byte === carriageReturn;
        this.#endRecord(records);
      } else if (this.#state === 'closing') {
        throw new ApiError('INVALID_PARAMETERS', `line ${this.#line}: there is text behind a closing quote`);
      } else {
        this.#state = 'plain';
      }
    }
    if (this.#state !== 'closing') take(chunk.length);
    return records;
  }

  /**
   * The record at the end of a file whose last line has no end. @throws ApiError INVALID_PARAMETERS for an open quote
   */
  end(): CsvRecord[] {
    const records = this.#read(this.#withoutMark(Buffer.alloc(0), true));
    if (this.#state === 'quoted') {
      throw new ApiError('INVALID_PARAMETERS', `line ${this.#firstLine}: a quote of this record is not closed`);
    }
    if (this.#record.length > 0 || this.#state !== 'start') this.#endRecord(records);
    return records;
  }

  #endField(): void {
    const [only] = this.#parts;
    const bytes = this.#parts.length === 1 && only !== undefined ? only : Buffer.concat(this.#parts);
    this.#record.push({ bytes, isQuoted: this.#isQuoted });
    this.#parts = [];
    this.#isQuoted = false;
    this.#state = 'start';
  }

  #endRecord(records: CsvRecord[]): void {
    // An empty line is a record of one NULL, as the file of a table with one column has it.
    this.#endField();
    records.push({ cells: this.#record, line: this.#firstLine });
    this.#record = [];
    this.#bytes = 0;
    this.#line += 1;
    this.#firstLine = this.#line;
  }

  #tooLong(): ApiError {
    const why = this.#isQuoted ? 'is a quote not closed?' : 'is it a CSV file?';
    const text = `line ${this.#firstLine}: the record is longer than ${this.#mostBytes} bytes; ${why}`;
    return new ApiError('PAYLOAD_TOO_LARGE', text);
  }

  #withoutMark(chunk: Buffer, isEnd: boolean): Buffer {
    if (this.#head === null) return chunk;
    const bytes = Buffer.concat([this.#head, chunk]);
    if (bytes.length < 3 && !isEnd) {
      this.#head = bytes;
      return Buffer.alloc(0);
    }
    this.#head = null;
    return bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf ? bytes.subarray(3) : bytes;
  }
}

function lineFeedsIn(chunk: Buffer, from: number, to: number): number {
  let count = 0;
  for (let at = chunk.indexOf(lineFeed, from); at >= 0 && at < to; at = chunk.indexOf(lineFeed, at + 1)) count += 1;
  return count;
}
