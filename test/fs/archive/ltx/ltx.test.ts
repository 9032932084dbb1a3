import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Crc64 } from '../../../../fs/archive/ltx/crc64.ts';
import { LtxDecoder } from '../../../../fs/archive/ltx/decoder.ts';
import { LtxEncoder } from '../../../../fs/archive/ltx/encoder.ts';
import {
  decodeHeader,
  encodeHeader,
  LtxError,
  type LtxHeader,
  lastPageOf,
  mayFollow,
} from '../../../../fs/archive/ltx/header.ts';
import { appendVarint, readVarint } from '../../../../fs/archive/ltx/varint.ts';

interface Spec {
  readonly header: LtxHeader;
  readonly pages: ReadonlyMap<number, Buffer>;
}

const txids = fc.tuple(fc.integer({ min: 2, max: 2 ** 50 }), fc.integer({ min: 0, max: 1000 }));
const contents = fc.oneof(fc.constant('zero'), fc.record({ seed: fc.integer({ min: 1 }), isNoise: fc.boolean() }));

/** Compressible, all zero, or random bytes. */
function contentOf(pageBytes: number, kind: 'zero' | { readonly seed: number; readonly isNoise: boolean }): Buffer {
  const page = Buffer.alloc(pageBytes);
  if (kind === 'zero') return page;
  let state = kind.seed;
  for (let at = 0; at < pageBytes; at += kind.isNoise ? 1 : 16) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    page[at] = state >>> 24;
  }
  return page;
}

const specs: fc.Arbitrary<Spec> = fc
  .record({
    pageBytes: fc.constantFrom(512, 1024, 4096, 65_536),
    isSnapshot: fc.boolean(),
    numbers: fc.uniqueArray(fc.integer({ min: 1, max: 5000 }), { minLength: 1, maxLength: 12 }),
    kinds: fc.array(contents, { minLength: 12, maxLength: 12 }),
    txids,
    timeMs: fc.integer({ min: 0, max: 2 ** 45 }),
    nodeId: fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
  })
  .map(({ pageBytes, isSnapshot, numbers, kinds, txids: [min, more], timeMs, nodeId }) => {
    const sorted = isSnapshot ? numbers.map((_, index) => index + 1) : numbers.sort((a, b) => a - b);
    const content = (index: number) => contentOf(pageBytes, (kinds[index] ?? 'zero') as 'zero');
    return {
      header: {
        pageBytes,
        databasePages: sorted.at(-1) ?? 1,
        minTxid: isSnapshot ? 1 : min,
        maxTxid: min + more,
        timeMs,
        nodeId,
      },
      pages: new Map(sorted.map((number, index) => [number, content(index)])),
    };
  });

function encode({ header, pages }: Spec): Buffer {
  const encoder = new LtxEncoder(header);
  return Buffer.concat([
    encoder.begin(),
    ...[...pages].map(([number, content]) => encoder.page(number, content)),
    encoder.end(),
  ]);
}

function decode(file: Buffer, pieceBytes = file.length): Spec {
  const decoder = new LtxDecoder();
  const pages = new Map<number, Buffer>();
  for (let at = 0; at < file.length; at += pieceBytes) {
    for (const { number, content } of decoder.push(file.subarray(at, at + pieceBytes))) pages.set(number, content);
  }
  return { header: decoder.end(), pages };
}

/** Buffers as values of toEqual take a second each. */
function expectSame(found: Spec, expected: Spec): void {
  expect(found.header).toEqual(expected.header);
  expect([...found.pages.keys()]).toEqual([...expected.pages.keys()]);
  for (const [number, content] of expected.pages)
    expect(found.pages.get(number)?.equals(content), `${number}`).toBe(true);
}

test('what was encoded is decoded, in pieces of any length', () => {
  fc.assert(
    fc.property(specs, fc.integer({ min: 1, max: 10_000 }), (spec, pieceBytes) => {
      expectSame(decode(encode(spec), pieceBytes), spec);
    }),
    { numRuns: 150 },
  );
});

test('a file that is cut off, or has a byte changed, is refused or has the same pages', () => {
  fc.assert(
    fc.property(specs, fc.nat(), fc.integer({ min: 1, max: 255 }), fc.boolean(), (spec, place, change, isCut) => {
      const file = encode(spec);
      const at = place % file.length;
      const damaged = isCut ? file.subarray(0, at) : Buffer.from(file);
      if (!isCut) damaged[at] = (damaged[at] ?? 0) ^ change;
      try {
        // Of LZ4 blocks many have the same content: the checksum is over that.
        expectSame(decode(damaged), spec);
        expect(isCut).toBe(false);
      } catch (error) {
        expect(error).toBeInstanceOf(LtxError);
      }
    }),
    { numRuns: 300 },
  );
});

describe('what cannot be encoded', () => {
  const header: LtxHeader = { pageBytes: 512, databasePages: 3, minTxid: 1, maxTxid: 4, timeMs: 1, nodeId: 0n };
  const page = Buffer.alloc(512);

  test('a snapshot that lacks a page', () => {
    const encoder = new LtxEncoder(header);
    encoder.begin();
    encoder.page(1, page);
    expect(() => encoder.page(3, page)).toThrow(LtxError);
    encoder.page(2, page);
    expect(() => encoder.end()).toThrow('a snapshot of 3 pages ends with page 2');
  });

  test('pages out of order, beyond the end, at 1 GiB, or of another size', () => {
    const lockPage = 2 ** 30 / 65_536 + 1;
    const encoder = new LtxEncoder({ ...header, pageBytes: 65_536, minTxid: 2, databasePages: lockPage + 1 });
    const content = Buffer.alloc(65_536);
    encoder.begin();
    encoder.page(lockPage - 1, content);
    for (const number of [1, lockPage - 1, lockPage, lockPage + 2]) {
      expect(() => encoder.page(number, content), `${number}`).toThrow(LtxError);
    }
    expect(() => encoder.page(lockPage + 1, page)).toThrow('a page of 512 bytes');
    encoder.page(lockPage + 1, content);
  });

  test('a header that no file can have', () => {
    const wrong = [{ pageBytes: 1000 }, { databasePages: 0 }, { minTxid: 0 }, { minTxid: 5 }, { timeMs: 1.5 }];
    for (const part of [...wrong, { nodeId: -1n }]) {
      expect(() => encodeHeader({ ...header, ...part }), Object.keys(part)[0]).toThrow(LtxError);
    }
  });
});

test('a snapshot leaves out the page at 1 GiB, also as the last one', () => {
  const lockPage = 2 ** 30 / 65_536 + 1;
  const header: LtxHeader = { pageBytes: 65_536, databasePages: 0, minTxid: 1, maxTxid: 1, timeMs: 1, nodeId: 0n };
  for (const [databasePages, last] of [
    [lockPage - 1, lockPage - 1],
    [lockPage, lockPage - 1],
    [lockPage + 1, lockPage + 1],
  ] as const) {
    const numbers = Array.from({ length: databasePages }, (_, index) => index + 1).filter((page) => page !== lockPage);
    expect(numbers.every((page, index) => mayFollow({ ...header, databasePages }, numbers[index - 1] ?? 0, page))).toBe(
      true,
    );
    expect(mayFollow({ ...header, databasePages }, last, lockPage)).toBe(false);
    expect(lastPageOf({ ...header, databasePages })).toBe(last);
  }
});

test('the header is where the format has it', () => {
  const header: LtxHeader = { pageBytes: 4096, databasePages: 7, minTxid: 2, maxTxid: 9, timeMs: 1e12, nodeId: 5n };
  const bytes = encodeHeader(header);
  expect(bytes.toString('hex')).toBe(
    `${Buffer.from('LTX1').toString('hex')}00000002000010000000000700000000000000020000000000000009` +
      `000000e8d4a51000${'00'.repeat(32)}0000000000000005${'00'.repeat(20)}`,
  );
  expect(decodeHeader(bytes)).toEqual(header);
  bytes[7] = 6;
  expect(() => decodeHeader(bytes)).toThrow('newer format');
});

describe('CRC-64', () => {
  /** A bit at a time, as the polynomial says. */
  function slowly(bytes: Uint8Array): bigint {
    let crc = (1n << 64n) - 1n;
    for (const byte of bytes) {
      crc ^= BigInt(byte);
      for (let bit = 0; bit < 8; bit++) crc = (crc >> 1n) ^ ((crc & 1n) === 1n ? 0xd800000000000000n : 0n);
    }
    return crc ^ ((1n << 64n) - 1n);
  }

  test('of the check string', () => {
    expect(new Crc64().update(Buffer.from('123456789')).value).toBe(0xb90956c775a41001n);
  });

  test('is the same at once, in parts, and at any place in memory', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), fc.nat({ max: 300 }), fc.nat({ max: 9 }), (bytes, cut, shift) => {
        const expected = slowly(bytes);
        expect(new Crc64().update(bytes).value).toBe(expected);
        expect(new Crc64().update(bytes.subarray(0, cut)).update(bytes.subarray(cut)).value).toBe(expected);
        const moved = new Uint8Array(bytes.length + shift);
        moved.set(bytes, shift);
        expect(new Crc64().update(moved.subarray(shift)).value).toBe(expected);
      }),
      { numRuns: 300 },
    );
  });
});

test('varints come back, up to the largest whole number', () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: Number.MAX_SAFE_INTEGER }), (value) => {
      const bytes = Buffer.alloc(8);
      const end = appendVarint(bytes, 0, value);
      expect(readVarint(bytes.subarray(0, end), 0)).toEqual([value, end]);
    }),
  );
  expect(() => readVarint(Buffer.alloc(12, 255), 0)).toThrow(LtxError);
  expect(() => readVarint(Buffer.from([128]), 0)).toThrow(LtxError);
});
