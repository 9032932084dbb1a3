// Pages of SQLite's b-trees as bytes (https://sqlite.org/fileformat2.html#b_tree_pages): the children of an interior
// page, and the rows of sqlite_schema. It reads bytes, not files; a page that makes no sense has no children, no rows.

const interiorIndex = 2;
const interiorTable = 5;
const leafTable = 13;
const fileHeaderBytes = 100;

function headerStart(pageNumber: number): number {
  return pageNumber === 1 ? fileHeaderBytes : 0;
}

export function isInterior(page: Buffer, pageNumber: number): boolean {
  const type = page[headerStart(pageNumber)];
  return type === interiorIndex || type === interiorTable;
}

/** Page numbers, in the order of their keys. */
export function childrenOf(page: Buffer, pageNumber: number): number[] {
  const header = headerStart(pageNumber);
  if (!isInterior(page, pageNumber)) return [];
  const cells = page.readUInt16BE(header + 3);
  const children: number[] = [];
  for (let cell = 0, pointer = header + 12; cell < cells && pointer + 2 <= page.length; cell++, pointer += 2) {
    const at = page.readUInt16BE(pointer);
    if (at + 4 <= page.length) children.push(page.readUInt32BE(at));
  }
  children.push(page.readUInt32BE(header + 8));
  return children;
}

export interface SchemaRow {
  readonly name: string;
  /** The table that it belongs to; its own name for a table. */
  readonly table: string;
  readonly root: number;
}

export type ReadPage = (pageNumber: number) => Buffer;

/** Tables and indexes of a leaf of sqlite_schema; views, triggers and virtual tables have no pages. */
export function schemaRows(
  page: Buffer,
  pageNumber: number,
  readPage: ReadPage,
  encoding: BufferEncoding,
): SchemaRow[] {
  const header = headerStart(pageNumber);
  if (page[header] !== leafTable) return [];
  const cells = page.readUInt16BE(header + 3);
  const rows: SchemaRow[] = [];
  for (let cell = 0; cell < cells; cell++) {
    try {
      const row = schemaRow(payloadOf(page, page.readUInt16BE(header + 8 + cell * 2), readPage), encoding);
      if (row !== undefined) rows.push(row);
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
    }
  }
  return rows;
}

/** The content of a table's leaf cell, its overflow pages included. */
function payloadOf(page: Buffer, cell: number, readPage: ReadPage): Buffer {
  const [length, afterLength] = varint(page, cell);
  const [, start] = varint(page, afterLength);
  const usable = page.length - (readPage(1)[20] ?? 0);
  const most = usable - 35;
  if (length <= most) return page.subarray(start, start + length);
  const least = Math.floor(((usable - 12) * 32) / 255) - 23;
  const fitting = least + ((length - least) % (usable - 4));
  const local = fitting <= most ? fitting : least;
  const parts = [page.subarray(start, start + local)];
  let next = page.readUInt32BE(start + local);
  for (let left = length - local; left > 0 && next > 0; left -= usable - 4) {
    const overflow = readPage(next);
    parts.push(Buffer.from(overflow.subarray(4, 4 + Math.min(left, usable - 4))));
    next = overflow.readUInt32BE(0);
  }
  return Buffer.concat(parts);
}

/** Columns: type, name, tbl_name, rootpage, sql. */
function schemaRow(payload: Buffer, encoding: BufferEncoding): SchemaRow | undefined {
  let [headerBytes, at] = varint(payload, 0);
  let content = headerBytes;
  const columns: (string | number)[] = [];
  for (let column = 0; column < 4 && at < headerBytes; column++) {
    const [type, next] = varint(payload, at);
    const length = type >= 13 ? (type - 13) >> 1 : (integerBytes[type] ?? 0);
    const bytes = payload.subarray(content, content + length);
    columns.push(type >= 13 ? textOf(bytes, encoding) : integerOf(bytes, type));
    content += length;
    at = next;
  }
  const [type, name, table, root] = columns;
  const hasPages = (type === 'table' || type === 'index') && typeof root === 'number' && root > 0;
  return hasPages ? { name: String(name), table: String(table), root } : undefined;
}

/** Bytes of an integer, by its serial type. */
const integerBytes: readonly number[] = [0, 1, 2, 3, 4, 6, 8];

function integerOf(bytes: Buffer, type: number): number {
  if (type === 9) return 1;
  return bytes.length === 0 ? 0 : bytes.length > 6 ? Number(bytes.readBigInt64BE()) : bytes.readIntBE(0, bytes.length);
}

/** UTF-16 in the order of big-endian machines is told by `binary`: Node has no name for it. */
function textOf(bytes: Buffer, encoding: BufferEncoding): string {
  return encoding === 'binary' ? Buffer.from(bytes).swap16().toString('utf16le') : bytes.toString(encoding);
}

/** By the number in the database's header. */
export function encodingOf(firstPage: Buffer): BufferEncoding {
  const encodings: readonly BufferEncoding[] = ['utf8', 'utf8', 'utf16le', 'binary'];
  return encodings[firstPage.readUInt32BE(56)] ?? 'utf8';
}

/** @returns the value and where it ends. Values above 2^53 are not to be expected here. */
function varint(bytes: Buffer, start: number): [number, number] {
  let value = 0;
  for (let at = start; at < start + 9; at++) {
    const byte = bytes.readUInt8(at);
    if (at === start + 8) return [value * 256 + byte, at + 1];
    value = value * 128 + (byte & 0x7f);
    if (byte < 0x80) return [value, at + 1];
  }
  return [value, start + 9];
}
