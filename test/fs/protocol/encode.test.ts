// Replies and messages to the kernel, byte for byte.
import { expect, test } from 'vitest';
import {
  encodeAttributes,
  encodeEntry,
  encodeHeader,
  encodeInit,
  encodeInvalidateEntry,
  encodeInvalidateInode,
  encodeLock,
  encodeOpen,
  encodePrune,
  encodeSeek,
  encodeWritten,
} from '../../../fs/protocol/encode.ts';
import type { HandleId, NodeId } from '../../../fs/protocol/requests.ts';
import { u16, u32, u64 } from '../wire.ts';

const lifetime = { seconds: 1, nanoseconds: 500 };

function written(encode: (out: Buffer) => number | undefined, sizeBytes: number): Buffer {
  const out = Buffer.alloc(200, 0xaa); // dirty, as a reused buffer is
  expect(encode(out) ?? sizeBytes).toBe(sizeBytes);
  expect(out[sizeBytes]).toBe(0xaa);
  return out.subarray(0, sizeBytes);
}

test('a reply header has length, negative errno and unique', () => {
  const bytes = written((out) => void encodeHeader(out, 16, 2, 0x1_0000_0005, false), 16);
  expect(bytes).toEqual(Buffer.concat([u32(16), u32(-2), u64(0x1_0000_0005)]));
});

test('the answer to a request that was sent again carries bit 63', () => {
  const bytes = written((out) => void encodeHeader(out, 16, 0, 5, true), 16);
  expect(bytes).toEqual(Buffer.concat([u32(16), u32(0), u64(2n ** 63n + 5n)]));
});

test('an entry has node, generation and both lifetimes', () => {
  const bytes = written((out) => void encodeEntry(out, 0, 9 as NodeId, lifetime), 40);
  expect(bytes).toEqual(Buffer.concat([u64(9), u64(0), u64(1), u64(1), u32(500), u32(500)]));
});

test('attributes have their lifetime', () => {
  const bytes = written((out) => void encodeAttributes(out, 0, lifetime), 16);
  expect(bytes).toEqual(Buffer.concat([u64(1), u32(500), u32(0)]));
});

test('an open file has handle, flags and backing id', () => {
  const bytes = written((out) => encodeOpen(out, 0, 3 as HandleId, 1 << 7, 4), 16);
  expect(bytes).toEqual(Buffer.concat([u64(3), u32(1 << 7), u32(4)]));
});

test('a write and a seek have their number', () => {
  expect(written((out) => encodeWritten(out, 4096), 8)).toEqual(Buffer.concat([u32(4096), u32(0)]));
  expect(written((out) => encodeSeek(out, 2 ** 33 + 1), 8)).toEqual(u64(2 ** 33 + 1));
});

test('a lock has first and last byte, type and process', () => {
  const lock = { start: 120, end: 2n ** 63n - 1n, type: 1, pid: 42 };
  expect(written((out) => encodeLock(out, lock), 24)).toEqual(
    Buffer.concat([u64(120), u64(2n ** 63n - 1n), u32(1), u32(42)]),
  );
});

test('INIT has the negotiated values and zeros in what is unused', () => {
  const answer = {
    minor: 45,
    maxReadahead: 131072,
    flags: 0x40000021,
    flags2: 0x20,
    maxBackground: 64,
    maxWriteBytes: 1 << 20,
    maxPages: 256,
    maxStackDepth: 2,
  };
  expect(written((out) => encodeInit(out, answer), 64)).toEqual(
    Buffer.concat([
      u32(7), // major
      u32(45), // minor
      u32(131072), // max_readahead
      u32(0x40000021), // flags
      u16(64), // max_background
      u16(48), // congestion_threshold
      u32(1 << 20), // max_write
      u32(1), // time_gran
      u16(256), // max_pages
      u16(0), // map_alignment
      u32(0x20), // flags2
      u32(2), // max_stack_depth
      Buffer.alloc(24),
    ]),
  );
});

test('inodes to forget are counted in a message with unique 0', () => {
  expect(encodePrune([5, 6])).toEqual(Buffer.concat([u32(48), u32(9), u64(0), u32(2), u32(0), u64(0), u64(5), u64(6)]));
});

test('invalidations are whole messages with unique 0 and their code', () => {
  expect(encodeInvalidateInode(9)).toEqual(Buffer.concat([u32(40), u32(2), u64(0), u64(9), u64(0), u64(0)]));
  expect(encodeInvalidateEntry(1, Buffer.from('app.db'))).toEqual(
    Buffer.concat([u32(39), u32(3), u64(0), u64(1), u32(6), u32(0), Buffer.from('app.db\0')]),
  );
});
