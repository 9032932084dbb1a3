// Pages of SQLite's b-trees as bytes (https://sqlite.org/fileformat2.html#b_tree_pages): the children of an interior
// page, where the overflow pages of its cells begin, and the rows of sqlite_schema. It reads bytes, not files; a page
// that makes no sense has no children, no rows.

const interiorIndex = 2;
const interiorTable = 5;
const leafIndex = 10;
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

/** A page of a table that has rowids: cells of its leaves hold rows, those of its interior pages only rowids. */
export function hasRowids(page: Buffer, pageNumber: number): boolean {
  const type = page[headerStart(pageNumber)];
  return type === interiorTable || type === leafTable;
}

/** Of an interior page with rowids: between each two children the largest rowid of the first one, as a varint. */
export function separatorsOf(page: Buffer, pageNumber: number): Buffer[] {
  return cellsOf(page, pageNumber).map((at) => page.subarray(at + 4, varint(page, at + 4)[1]));
}

/** An interior page with rowids: children in their order, and a separator between each two. At least two children. */
export function interiorPage(
  children: readonly number[],
  separators: readonly Buffer[],
  { pageBytes, usableBytes }: PageSizes,
): Buffer {
  const page = Buffer.alloc(pageBytes);
  let content = usableBytes;
  for (const [index, separator] of separators.entries()) {
    content -= 4 + separator.length;
    page.writeUInt32BE(children[index] ?? 0, content);
    separator.copy(page, content + 4);
    page.writeUInt16BE(content, 12 + 2 * index);
  }
  page[0] = interiorTable;
  page.writeUInt16BE(separators.length, 3);
  page.writeUInt16BE(content & 0xffff, 5);
  page.writeUInt32BE(children.at(-1) ?? 0, 8);
  return page;
}

/** Children that surely fit into one interior page with rowids: 4 + 9 bytes a cell, and 2 that point to it. */
export function mostChildren({ usableBytes }: PageSizes): number {
  return Math.floor((usableBytes - 12) / 15) + 1;
}

/** A leaf without a cell, of the kind of tree that the page belongs to. */
export function emptyLeaf(like: Buffer, { pageBytes, usableBytes }: PageSizes): Buffer {
  const page = Buffer.alloc(pageBytes);
  page[0] = hasRowids(like, 2) ? leafTable : leafIndex;
  page.writeUInt16BE(usableBytes & 0xffff, 5);
  return page;
}

export interface PageSizes {
  readonly pageBytes: number;
  /** Without those that are reserved at the end of each page. */
  readonly usableBytes: number;
}

/** By the first page of a database. */
export function usableBytesOf(first: Buffer): number {
  return first.length - (first[20] ?? 0);
}

/** First overflow pages of the cells of a page. */
export function overflowPages(page: Buffer, pageNumber: number, usableBytes: number): number[] {
  const type = page[headerStart(pageNumber)];
  if (type !== leafTable && type !== leafIndex && type !== interiorIndex) return [];
  const found: number[] = [];
  try {
    for (const cell of cellsOf(page, pageNumber)) {
      const [length, afterLength] = varint(page, type === interiorIndex ? cell + 4 : cell);
      const content = type === leafTable ? varint(page, afterLength)[1] : afterLength;
      const local = localBytes(length, usableBytes, type === leafTable);
      if (local < length) found.push(page.readUInt32BE(content + local));
    }
  } catch (error) {
    if (!(error instanceof RangeError)) throw error; // a damaged page
  }
  return found;
}

/** Bytes of a payload that stand in its cell. */
function localBytes(length: number, usable: number, isTable: boolean): number {
  const most = isTable ? usable - 35 : Math.floor(((usable - 12) * 64) / 255) - 23;
  if (length <= most) return length;
  const least = Math.floor(((usable - 12) * 32) / 255) - 23;
  const fitting = least + ((length - least) % (usable - 4));
  return fitting <= most ? fitting : least;
}

/** Where the cells begin. */
function cellsOf(page: Buffer, pageNumber: number): number[] {
  const header = headerStart(pageNumber);
  const pointers = header + (isInterior(page, pageNumber) ? 12 : 8);
  const count = Math.min(page.readUInt16BE(header + 3), Math.floor((page.length - pointers) / 2));
  const cells: number[] = [];
  for (let cell = 0; cell < count; cell++) {
    const at = page.readUInt16BE(pointers + 2 * cell);
    if (at + 4 <= page.length) cells.push(at);
  }
  return cells;
}

export interface SchemaRow {
  readonly name: string;
  /** The table that it belongs to; its own name for a table. */
  readonly table: string;
  readonly root: number;
  readonly type: string;
  /** Its definition; empty for an index that a constraint makes. */
  readonly sql: string;
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
  const usable = usableBytesOf(readPage(1));
  const local = localBytes(length, usable, true);
  if (local === length) return page.subarray(start, start + length);
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
  for (let column = 0; column < 5 && at < headerBytes; column++) {
    const [type, next] = varint(payload, at);
    const length = type >= 13 ? (type - 13) >> 1 : (integerBytes[type] ?? 0);
    const bytes = payload.subarray(content, content + length);
    columns.push(type >= 13 ? textOf(bytes, encoding) : integerOf(bytes, type));
    content += length;
    at = next;
  }
  const [type, name, table, root, sql] = columns;
  const hasPages = (type === 'table' || type === 'index') && typeof root === 'number' && root > 0;
  if (!hasPages) return undefined;
  return { name: String(name), table: String(table), root, type, sql: typeof sql === 'string' ? sql : '' };
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
