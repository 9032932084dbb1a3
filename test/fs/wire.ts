// Builds kernel requests for tests, field by field as include/uapi/linux/fuse.h lists them, independent of the
// product's own layouts.
import { opcodes } from '../../fs/protocol/opcodes.ts';

type Opcode = keyof typeof opcodes;

export const u16 = (value: number) => {
  const bytes = Buffer.alloc(2);
  bytes.writeUInt16LE(value);
  return bytes;
};
export const u32 = (value: number) => {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value >>> 0);
  return bytes;
};
export const u64 = (value: number | bigint) => {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64LE(BigInt.asUintN(64, BigInt(value)));
  return bytes;
};
export const name = (text: string) => Buffer.from(`${text}\0`, 'latin1');

export interface HeaderFields {
  readonly unique?: number | bigint;
  readonly nodeId?: number;
  readonly uid?: number;
  readonly gid?: number;
  readonly pid?: number;
}

/** A whole request: header and body, with the right length. */
export function request(opcode: Opcode | number, body: readonly Buffer[], header: HeaderFields = {}): Buffer {
  const payload = Buffer.concat(body);
  return Buffer.concat([
    u32(40 + payload.length), // len
    u32(typeof opcode === 'number' ? opcode : opcodes[opcode]),
    u64(header.unique ?? 2),
    u64(header.nodeId ?? 1),
    u32(header.uid ?? 0),
    u32(header.gid ?? 0),
    u32(header.pid ?? 100),
    u16(0), // total_extlen
    u16(0), // padding
    payload,
  ]);
}

/** One well-formed request of every operation that the program decodes. */
export const samples: Record<string, Buffer> = {
  LOOKUP: request('LOOKUP', [name('app.db')]),
  FORGET: request('FORGET', [u64(3)], { nodeId: 5 }),
  BATCH_FORGET: request('BATCH_FORGET', [u32(2), u32(0), u64(5), u64(1), u64(6), u64(2)]),
  GETATTR: request('GETATTR', [u32(1), u32(0), u64(7)]),
  SETATTR: request('SETATTR', [
    u32(0b111001), // MODE, SIZE, ATIME, MTIME
    u32(0),
    u64(0), // fh
    u64(4096), // size
    u64(0), // lock_owner
    u64(-1n), // atime
    u64(1_700_000_000), // mtime
    u64(0), // ctime
    u32(999_999_999), // atimensec
    u32(5), // mtimensec
    u32(0), // ctimensec
    u32(0o100640), // mode
    u32(0),
    u32(1000), // uid
    u32(1001), // gid
    u32(0),
  ]),
  READLINK: request('READLINK', []),
  SYMLINK: request('SYMLINK', [name('link'), name('/some/target')]),
  MKNOD: request('MKNOD', [u32(0o010644), u32(0), u32(0o022), u32(0), name('fifo')]),
  MKDIR: request('MKDIR', [u32(0o755), u32(0o022), name('dir')]),
  UNLINK: request('UNLINK', [name('gone')]),
  RMDIR: request('RMDIR', [name('gone')]),
  RENAME: request('RENAME', [u64(4), name('old'), name('new')]),
  RENAME2: request('RENAME2', [u64(4), u32(2), u32(0), name('old'), name('new')]),
  LINK: request('LINK', [u64(9), name('hard')]),
  OPEN: request('OPEN', [u32(2), u32(0)]),
  CREATE: request('CREATE', [u32(0o102), u32(0o100644), u32(0o022), u32(0), name('made')]),
  READ: request('READ', [u64(7), u64(2 ** 40), u32(4096), u32(0), u64(0), u32(0), u32(0)]),
  WRITE: request('WRITE', [u64(7), u64(512), u32(5), u32(0), u64(0), u32(0), u32(0), Buffer.from('hello')]),
  STATFS: request('STATFS', []),
  RELEASE: request('RELEASE', [u64(7), u32(0), u32(2), u64(0xfedcba9876543210n)]),
  FSYNC: request('FSYNC', [u64(7), u32(1), u32(0)]),
  FLUSH: request('FLUSH', [u64(7), u32(0), u32(0), u64(0xfedcba9876543210n)]),
  INIT: request('INIT', [u32(7), u32(45), u32(131072), u32(0x73fffffb), u32(0xff), ...Array(11).fill(u32(0))]),
  READDIR: request('READDIR', [u64(7), u64(2n ** 62n + 1n), u32(4096), u32(0), u64(0), u32(0), u32(0)]),
  READDIRPLUS: request('READDIRPLUS', [u64(7), u64(0), u32(4096), u32(0), u64(0), u32(0), u32(0)]),
  FSYNCDIR: request('FSYNCDIR', [u64(7), u32(0), u32(0)]),
  GETLK: request('GETLK', [u64(7), u64(0xfedcba9876543210n), u64(120), u64(120), u32(1), u32(4321), u32(0), u32(0)]),
  SETLK: request('SETLK', [u64(7), u64(1), u64(0x40000002), u64(0x400001ff), u32(0), u32(4321), u32(0), u32(0)]),
  SETLKW: request('SETLKW', [u64(7), u64(1), u64(0), u64(2n ** 63n - 1n), u32(1), u32(4321), u32(1), u32(0)]),
  INTERRUPT: request('INTERRUPT', [u64(2n ** 63n + 12n)]),
  DESTROY: request('DESTROY', []),
  FALLOCATE: request('FALLOCATE', [u64(7), u64(4096), u64(8192), u32(3), u32(0)]),
  LSEEK: request('LSEEK', [u64(7), u64(100), u32(3), u32(0)]),
  COPY_FILE_RANGE: request('COPY_FILE_RANGE', [u64(7), u64(1), u64(5), u64(8), u64(2), u64(3), u64(0)]),
  COPY_FILE_RANGE_64: request('COPY_FILE_RANGE_64', [u64(7), u64(1), u64(5), u64(8), u64(2), u64(3), u64(0)]),
};
