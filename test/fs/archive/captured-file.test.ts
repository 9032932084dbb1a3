import { beforeEach, expect, test } from 'vitest';
import { CapturedFile } from '../../../fs/archive/capture/captured-file.ts';
import { databasePagesOf, pageBytesIn, pagesOf } from '../../../fs/archive/capture/written-pages.ts';
import type { CaptureKind, CaptureRecord } from '../../../fs/state/capture-ring.ts';

let file: CapturedFile;
let position: number;

beforeEach(() => {
  file = new CapturedFile('1', '2', true);
  position = 0;
});

function add(kind: CaptureKind, facts: Partial<CaptureRecord> = {}): void {
  const next = position + 100;
  const record = { kind, position, next, inode: 2, deviceMajor: 0, deviceMinor: 1, bytes: 0, mtimeSeconds: 0 };
  const rest = { mtimeNanoseconds: 0, timeMs: 1, writer: 0, afterCommit: 0, isJournaled: true, isUncertain: false };
  file.add({ ...record, ...rest, data: Buffer.from('app.db'), ...facts });
  position = next;
}

const kinds = () => {
  const found = [];
  for (let item = file.first; item !== undefined; item = file.first) {
    found.push(item.kind === 'gap' ? item.reason : item.kind);
    file.shift();
  }
  return found;
};

test('what was written since the last end is one transaction; an end without a write is none', () => {
  add('claim');
  add('write', { bytes: 0, data: Buffer.from('a') });
  add('resize', { bytes: 10 });
  expect(file.hasPending).toBe(true);
  add('end', { writer: 5 });
  add('end');
  expect(file.hasPending).toBe(false);
  file.shift();
  const window = file.first;
  expect(window).toMatchObject({ kind: 'window', writer: 5, start: 100, end: 400 });
  expect(window?.kind === 'window' && window.pieces).toEqual([{ at: 0, data: Buffer.from('a') }, { size: 10 }]);
});

test('the ring keeps what is not archived, and the transaction that goes on', () => {
  expect(file.neededFrom).toBe(Number.POSITIVE_INFINITY);
  add('claim');
  add('write');
  expect(file.neededFrom).toBe(0);
  file.shift();
  expect(file.neededFrom).toBe(100);
  add('end');
  expect(file.neededFrom).toBe(100);
  file.shift();
  expect(file.neededFrom).toBe(Number.POSITIVE_INFINITY);
});

test('an end of which nobody knows whether it was one counts where a journal would have taken the rest back', () => {
  add('write', { isJournaled: true });
  add('end', { isUncertain: true });
  add('write', { isJournaled: false });
  add('end', { isUncertain: true });
  expect(kinds()).toEqual(['window', 'the fs process ended while a transaction without a journal did']);
});

test('what is captured without a claim, by a successor of the fs process, is no proof of what was before', () => {
  file = new CapturedFile('1', '2', false);
  add('end', { bytes: 7 });
  expect(file.isClaimed).toBe(true);
  expect(file.first).toMatchObject({ kind: 'claim', stamp: { size: 7n } });
  file = new CapturedFile('1', '2', false);
  add('write');
  add('end');
  expect(kinds()).toEqual(['it was opened while nothing was captured', 'window']);
});

test('what is dropped is a gap, and so is the transaction that was going on', () => {
  add('write');
  add('end');
  add('write');
  file.drop('no room', 1000);
  expect(file.neededFrom).toBe(1000);
  add('write');
  add('end');
  add('write');
  add('end');
  expect(kinds()).toEqual(['no room', 'no room', 'window']);
});

test('a comparison takes everything, unless something lies between that it cannot go over', () => {
  add('write', { bytes: 1 });
  add('end');
  add('write', { bytes: 2 });
  expect(file.takeAll()?.map((piece) => 'at' in piece && piece.at)).toEqual([1, 2]);
  add('gap');
  expect(file.takeAll()).toBeUndefined();
  add('left');
  add('claim');
  expect(file.takeAll()).toBeUndefined();
});

test('pages are what the last write has left of them; one that is written in part keeps the rest', () => {
  const before = (pageNumber: number) => Buffer.alloc(4, `${pageNumber}`);
  const pieces = [
    { at: 0, data: Buffer.from('aaaabbbbcccc') },
    { at: 4, data: Buffer.from('BBBB') },
    { at: 14, data: Buffer.from('dd') },
    { size: 9 },
    { at: 9, data: Buffer.from('x') },
  ];
  const pages = pagesOf(pieces, 4, before);
  expect([...pages].map(([number, page]) => [number, `${page}`])).toEqual([
    [1, 'aaaa'],
    [2, 'BBBB'],
    [3, '3x33'],
  ]);
});

test('page size and number of pages are what the first page says', () => {
  const header = Buffer.alloc(512);
  header.write('SQLite format 3\0');
  header.writeUInt16BE(512, 16);
  header.writeUInt32BE(9, 24);
  header.writeUInt32BE(9, 92);
  header.writeUInt32BE(33, 28);
  expect(pageBytesIn([{ at: 512, data: header }, { size: 3 }])).toBeUndefined();
  expect(pageBytesIn([{ at: 0, data: header }])).toBe(512);
  expect(databasePagesOf(header, 512 * 40, 512)).toBe(33);
  header.writeUInt32BE(8, 92); // by a program that does not know that field
  expect(databasePagesOf(header, 512 * 40, 512)).toBe(40);
});
