// The kernel's bytes, annotated field by field, and what must come out of them; then broken bytes of every kind.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { decodeRequest } from '../../../fs/protocol/decode.ts';
import { name, request, samples, u32, u64 } from '../wire.ts';

const header = { unique: 2, isResent: false, nodeId: 1, uid: 0, gid: 0, pid: 100 };
const decode = (bytes: Buffer) => decodeRequest(bytes, bytes.length);
const EINVAL = 22;
const ENOSYS = 38;
const EOVERFLOW = 75;

describe('a well-formed request', () => {
  const expected: Record<string, object> = {
    LOOKUP: { name: name('app.db') },
    FORGET: { nodeId: 5, count: 3 },
    BATCH_FORGET: {
      forgotten: [
        { nodeId: 5, count: 1 },
        { nodeId: 6, count: 2 },
      ],
    },
    GETATTR: { fh: 7 },
    SETATTR: {
      valid: 0b111001,
      fh: 0,
      size: 4096,
      atime: { seconds: -1n, nanoseconds: 999_999_999 },
      mtime: { seconds: 1_700_000_000n, nanoseconds: 5 },
      mode: 0o100640,
      uid: 1000,
      gid: 1001,
    },
    READLINK: {},
    SYMLINK: { name: name('link'), target: name('/some/target') },
    MKNOD: { name: name('fifo'), mode: 0o010644, rdev: 0 },
    MKDIR: { name: name('dir'), mode: 0o755 },
    UNLINK: { name: name('gone') },
    RMDIR: { name: name('gone') },
    RENAME: { name: name('old'), newParent: 4, newName: name('new'), flags: 0 },
    RENAME2: { op: 'RENAME', name: name('old'), newParent: 4, newName: name('new'), flags: 2 },
    LINK: { oldNodeId: 9, newName: name('hard') },
    OPEN: { flags: 2 },
    CREATE: { name: name('made'), flags: 0o102, mode: 0o100644 },
    READ: { fh: 7, offset: 2 ** 40, size: 4096 },
    WRITE: { fh: 7, offset: 512, data: Buffer.from('hello') },
    STATFS: {},
    RELEASE: { fh: 7 },
    FSYNC: { fh: 7, isDataOnly: true },
    FLUSH: { fh: 7, lockOwner: 0xfedcba9876543210n },
    INIT: { major: 7, minor: 45, maxReadahead: 131072, flags: 0x73fffffb, flags2: 0xff },
    READDIR: { offset: 2n ** 62n + 1n, size: 4096 },
    READDIRPLUS: { offset: 0n, size: 4096 },
    FSYNCDIR: { isDataOnly: false },
    GETLK: { fh: 7, owner: 0xfedcba9876543210n, start: 120, end: 120, type: 1, lockPid: 4321, isFlock: false },
    SETLK: { fh: 7, owner: 1n, start: 0x40000002, end: 0x400001ff, type: 0, lockPid: 4321, isFlock: false },
    SETLKW: { fh: 7, owner: 1n, start: 0, end: Number.MAX_SAFE_INTEGER, type: 1, lockPid: 4321, isFlock: true },
    INTERRUPT: { target: 12 },
    DESTROY: {},
    FALLOCATE: { fh: 7, offset: 4096, length: 8192, mode: 3 },
    LSEEK: { fh: 7, offset: 100, whence: 3 },
    COPY_FILE_RANGE: { fhIn: 7, offsetIn: 1n, fhOut: 8, offsetOut: 2n, length: 3 },
    COPY_FILE_RANGE_64: { op: 'COPY_FILE_RANGE', fhIn: 7, offsetIn: 1n, fhOut: 8, offsetOut: 2n, length: 3 },
  };

  test.each(Object.entries(samples))('%s becomes its fields', (op, bytes) => {
    expect(decode(bytes)).toEqual({ ...header, op, ...expected[op] });
  });

  test('offsets and sizes beyond 2^53 keep every bit', () => {
    const far = 2n ** 60n + 1n;
    expect(decode(request('READ', [u64(7), u64(far), u32(1), u32(0), u64(0), u32(0), u32(0)]))).toMatchObject({
      offset: far,
    });
    expect(decode(request('FALLOCATE', [u64(7), u64(far), u64(far + 2n), u32(3), u32(0)]))).toMatchObject({
      offset: far,
      length: far + 2n,
    });
    expect(decode(request('LSEEK', [u64(7), u64(far), u32(3), u32(0)]))).toMatchObject({ offset: far });
  });

  test('the header says who asks for which node', () => {
    const bytes = request('STATFS', [], { unique: 77, nodeId: 8, uid: 1000, gid: 1001, pid: 4242 });
    expect(decode(bytes)).toEqual({
      op: 'STATFS',
      unique: 77,
      isResent: false,
      nodeId: 8,
      uid: 1000,
      gid: 1001,
      pid: 4242,
    });
  });

  test('bit 63 of unique marks a request that is sent again', () => {
    expect(decode(request('STATFS', [], { unique: 2n ** 63n + 77n }))).toMatchObject({ unique: 77, isResent: true });
  });

  test('bytes behind its length, left over from an earlier request, are not looked at', () => {
    const bytes = Buffer.concat([samples.LOOKUP ?? Buffer.alloc(0), Buffer.from('garbage')]);
    expect(decodeRequest(bytes, bytes.length - 7)).toMatchObject({ op: 'LOOKUP', name: name('app.db') });
  });

  test('INIT of a kernel before 7.36 is shorter and has no flags2', () => {
    const bytes = request('INIT', [u32(7), u32(31), u32(131072), u32(0xff)]);
    expect(decode(bytes)).toMatchObject({ op: 'INIT', minor: 31, flags2: 0 });
  });
});

describe('a broken request is refused', () => {
  const refused = (errno: number) => ({ op: 'refused', unique: 2, isResent: false, errno });

  test.each(Object.entries(samples))('%s cut anywhere is EINVAL', (_op, bytes) => {
    for (let length = 40; length < bytes.length; length++) {
      const cut = Buffer.from(bytes.subarray(0, length));
      cut.writeUInt32LE(length, 0);
      const result = decode(cut);
      // INIT is the one request with a shorter form.
      if (result.op !== 'INIT') expect(result).toEqual(refused(EINVAL));
    }
  });

  test.each(['', '.', '..', 'a/b', '/', '../x'])('the name %j is EINVAL', (bad) => {
    expect(decode(request('LOOKUP', [name(bad)]))).toEqual(refused(EINVAL));
    expect(decode(request('RENAME', [u64(1), name('good'), name(bad)]))).toEqual(refused(EINVAL));
  });

  test('a name without its zero byte is EINVAL', () => {
    expect(decode(request('LOOKUP', [Buffer.from('abc')]))).toEqual(refused(EINVAL));
  });

  test('a WRITE that promises more data than it has is EINVAL', () => {
    const body = [u64(7), u64(0), u32(6), u32(0), u64(0), u32(0), u32(0), Buffer.from('hello')];
    expect(decode(request('WRITE', body))).toEqual(refused(EINVAL));
  });

  test('a BATCH_FORGET that promises four thousand million entries is EINVAL', () => {
    expect(decode(request('BATCH_FORGET', [u32(0xffffffff), u32(0), u64(1), u64(1)]))).toEqual(refused(EINVAL));
  });

  test('a lock on a byte in the middle of 2^63 is EOVERFLOW', () => {
    const lockOn = (start: bigint, end: bigint) =>
      request('SETLK', [u64(7), u64(1), u64(start), u64(end), u32(1), u32(1), u32(0), u32(0)]);
    expect(decode(lockOn(2n ** 53n, 2n ** 53n))).toEqual(refused(EOVERFLOW));
    expect(decode(lockOn(0n, 2n ** 62n))).toEqual(refused(EOVERFLOW));
    expect(decode(lockOn(2n ** 63n - 2n, 2n ** 63n - 2n))).toMatchObject({ op: 'SETLK' });
  });

  test('an operation that nobody knows is ENOSYS', () => {
    for (const opcode of [0, 7, 22, 34, 39, 4096, 0xffffffff])
      expect(decode(request(opcode, [u64(0)]))).toEqual(refused(ENOSYS));
  });

  test('less than a header, or another length than the header says, cannot be answered', () => {
    for (const length of [0, 1, 39]) expect(decodeRequest(Buffer.alloc(100), length)).toEqual({ op: 'garbage' });
    const bytes = Buffer.from(samples.LOOKUP ?? Buffer.alloc(0));
    bytes.writeUInt32LE(bytes.length + 1, 0);
    expect(decode(bytes)).toEqual({ op: 'garbage' });
  });
});

describe('no bytes at all make the decoder throw', () => {
  test('random bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
        decode(Buffer.from(bytes));
      }),
      { numRuns: 5000 },
    );
  });

  test('random bodies behind a true header', () => {
    fc.assert(
      fc.property(fc.nat(60), fc.uint8Array({ maxLength: 200 }), (opcode, body) => {
        expect(decode(request(opcode, [Buffer.from(body)])).op).not.toBe('garbage');
      }),
      { numRuns: 5000 },
    );
  });

  test('recorded requests with some bytes changed', () => {
    const recorded = Object.values(samples);
    const change = fc.tuple(fc.nat(), fc.nat(255));
    fc.assert(
      fc.property(fc.nat(recorded.length - 1), fc.array(change, { maxLength: 6 }), (index, changes) => {
        const bytes = Buffer.from(recorded[index] ?? Buffer.alloc(0));
        for (const [at, value] of changes) bytes[at % bytes.length] = value;
        decode(bytes);
      }),
      { numRuns: 5000 },
    );
  });
});
