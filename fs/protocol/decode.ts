// Bytes of the kernel -> Request: the one gate for untrusted bytes. A request that is too short, has a broken name or
// an operation that this program does not know comes out as a refusal with an errno; nothing here throws on any input.
import { constants } from 'node:os';
import * as flags from './flags.ts';
import * as layouts from './layouts.ts';
import { NO_LOCK_OFFSET, readLockOffset } from './lock-offsets.ts';
import { opcodes } from './opcodes.ts';
import type { HandleId, Header, LockOwner, Name, NodeId, Request, Unique } from './requests.ts';
import { readFileOffset, readWord, readWord64 } from './words.ts';

/** A request that gets `errno` as its answer. */
export interface Refusal {
  readonly op: 'refused';
  readonly unique: Unique;
  readonly isResent: boolean;
  readonly errno: number;
}

/** Bytes that cannot even be answered, since they hold no whole header or a wrong length. */
export interface Garbage {
  readonly op: 'garbage';
}

const garbage: Garbage = { op: 'garbage' };
const { EINVAL, ENOSYS, EOVERFLOW } = constants.errno;
const slash = '/'.charCodeAt(0);
const dot = '.'.charCodeAt(0);
const headerBytes = layouts.inHeader.sizeBytes;
const resentBit = 2 ** 31; // of the upper half

type Decoder = (bytes: Buffer, end: number, header: Header) => Request | Refusal | undefined;

/** `bytes` may be longer than the request: `length` is what the device gave. */
export function decodeRequest(bytes: Buffer, length: number): Request | Refusal | Garbage {
  if (length < headerBytes || length > bytes.length) return garbage;
  const { inHeader } = layouts;
  if (bytes.readUInt32LE(inHeader.len) !== length) return garbage;
  const upper = bytes.readUInt32LE(inHeader.unique + 4);
  const isResent = upper >= resentBit;
  const header: Header = {
    unique: (bytes.readUInt32LE(inHeader.unique) + (isResent ? upper - resentBit : upper) * 2 ** 32) as Unique,
    isResent,
    nodeId: readWord(bytes, inHeader.nodeId) as NodeId,
    uid: bytes.readUInt32LE(inHeader.uid),
    gid: bytes.readUInt32LE(inHeader.gid),
    pid: bytes.readUInt32LE(inHeader.pid),
  };
  const row = decoders[bytes.readUInt32LE(inHeader.opcode)];
  if (row === undefined) return refusal(header, ENOSYS);
  // Extensions (groups, security context) follow the body; we ask for none of them.
  const end = length - bytes.readUInt16LE(inHeader.totalExtLen) * 8;
  const request = end - headerBytes >= row.minimumBytes ? row.decode(bytes, end, header) : undefined;
  return request ?? refusal(header, EINVAL);
}

function refusal({ unique, isResent }: Header, errno: number): Refusal {
  return { op: 'refused', unique, isResent, errno };
}

// A row's function may read minimumBytes after the header without looking at the length.
const decoders: ({ readonly minimumBytes: number; readonly decode: Decoder } | undefined)[] = [];

function row(opcode: number, minimumBytes: number, decode: Decoder): void {
  decoders[opcode] = { minimumBytes, decode };
}

row(opcodes.LOOKUP, 2, (bytes, end, header) => named('LOOKUP', bytes, end, header));
row(opcodes.UNLINK, 2, (bytes, end, header) => named('UNLINK', bytes, end, header));
row(opcodes.RMDIR, 2, (bytes, end, header) => named('RMDIR', bytes, end, header));
row(opcodes.READLINK, 0, (_bytes, _end, header) => ({ op: 'READLINK', ...header }));
row(opcodes.STATFS, 0, (_bytes, _end, header) => ({ op: 'STATFS', ...header }));
row(opcodes.DESTROY, 0, (_bytes, _end, header) => ({ op: 'DESTROY', ...header }));

row(opcodes.FORGET, layouts.forgetIn.sizeBytes, (bytes, _end, header) => ({
  op: 'FORGET',
  ...header,
  count: readWord(bytes, headerBytes + layouts.forgetIn.count),
}));

row(opcodes.BATCH_FORGET, layouts.batchForgetIn.sizeBytes, (bytes, end, header) => {
  const { batchForgetIn, forgetOne } = layouts;
  const count = bytes.readUInt32LE(headerBytes + batchForgetIn.count);
  const first = headerBytes + batchForgetIn.sizeBytes;
  if (end - first < count * forgetOne.sizeBytes) return undefined;
  const forgotten = Array.from({ length: count }, (_, index) => {
    const at = first + index * forgetOne.sizeBytes;
    return {
      nodeId: readWord(bytes, at + forgetOne.nodeId) as NodeId,
      count: readWord(bytes, at + forgetOne.count),
    };
  });
  return { op: 'BATCH_FORGET', ...header, forgotten };
});

row(opcodes.GETATTR, layouts.getattrIn.sizeBytes, (bytes, _end, header) => {
  const hasHandle = (bytes.readUInt32LE(headerBytes + layouts.getattrIn.flags) & flags.GETATTR_FH) !== 0;
  return { op: 'GETATTR', ...header, fh: hasHandle ? handle(bytes, layouts.getattrIn.fh) : undefined };
});

row(opcodes.SETATTR, layouts.setattrIn.sizeBytes, (bytes, _end, header) => {
  const { setattrIn } = layouts;
  return {
    op: 'SETATTR',
    ...header,
    valid: u32(bytes, setattrIn.valid),
    fh: handle(bytes, setattrIn.fh),
    size: readFileOffset(bytes, headerBytes + setattrIn.size),
    atime: { seconds: i64(bytes, setattrIn.atime), nanoseconds: u32(bytes, setattrIn.atimensec) },
    mtime: { seconds: i64(bytes, setattrIn.mtime), nanoseconds: u32(bytes, setattrIn.mtimensec) },
    mode: u32(bytes, setattrIn.mode),
    uid: u32(bytes, setattrIn.uid),
    gid: u32(bytes, setattrIn.gid),
  };
});

row(opcodes.SYMLINK, 4, (bytes, end, header) => {
  const name = readName(bytes, headerBytes, end);
  if (name === undefined) return undefined;
  const target = readString(bytes, headerBytes + name.length, end);
  return target === undefined ? undefined : { op: 'SYMLINK', ...header, name, target };
});

row(opcodes.MKNOD, layouts.mknodIn.sizeBytes + 2, (bytes, end, header) => {
  const name = readName(bytes, headerBytes + layouts.mknodIn.sizeBytes, end);
  if (name === undefined) return undefined;
  const { mode, rdev } = layouts.mknodIn;
  return { op: 'MKNOD', ...header, name, mode: u32(bytes, mode), rdev: u32(bytes, rdev) };
});

row(opcodes.MKDIR, layouts.mkdirIn.sizeBytes + 2, (bytes, end, header) => {
  const name = readName(bytes, headerBytes + layouts.mkdirIn.sizeBytes, end);
  return name && { op: 'MKDIR', ...header, name, mode: u32(bytes, layouts.mkdirIn.mode) };
});

row(opcodes.RENAME, layouts.renameIn.sizeBytes + 4, (bytes, end, header) =>
  rename(bytes, end, header, layouts.renameIn.sizeBytes, 0),
);
row(opcodes.RENAME2, layouts.rename2In.sizeBytes + 4, (bytes, end, header) =>
  rename(bytes, end, header, layouts.rename2In.sizeBytes, u32(bytes, layouts.rename2In.flags)),
);

row(opcodes.LINK, layouts.linkIn.sizeBytes + 2, (bytes, end, header) => {
  const newName = readName(bytes, headerBytes + layouts.linkIn.sizeBytes, end);
  return newName && { op: 'LINK', ...header, oldNodeId: readWord(bytes, headerBytes) as NodeId, newName };
});

row(opcodes.OPEN, layouts.openIn.sizeBytes, (bytes, _end, header) => ({
  op: 'OPEN',
  ...header,
  flags: u32(bytes, layouts.openIn.flags),
}));

row(opcodes.CREATE, layouts.createIn.sizeBytes + 2, (bytes, end, header) => {
  const name = readName(bytes, headerBytes + layouts.createIn.sizeBytes, end);
  const { createIn } = layouts;
  return name && { op: 'CREATE', ...header, name, flags: u32(bytes, createIn.flags), mode: u32(bytes, createIn.mode) };
});

row(opcodes.READ, layouts.readIn.sizeBytes, (bytes, _end, header) => ({
  op: 'READ',
  ...header,
  fh: handle(bytes, layouts.readIn.fh),
  offset: readFileOffset(bytes, headerBytes + layouts.readIn.offset),
  size: u32(bytes, layouts.readIn.size),
}));

row(opcodes.WRITE, layouts.writeIn.sizeBytes, (bytes, end, header) => {
  const { writeIn } = layouts;
  const start = headerBytes + writeIn.sizeBytes;
  const size = u32(bytes, writeIn.size);
  if (end - start < size) return undefined;
  return {
    op: 'WRITE',
    ...header,
    fh: handle(bytes, writeIn.fh),
    offset: readFileOffset(bytes, headerBytes + writeIn.offset),
    data: bytes.subarray(start, start + size),
  };
});

row(opcodes.RELEASE, layouts.releaseIn.sizeBytes, (bytes, _end, header) => ({
  op: 'RELEASE',
  ...header,
  fh: handle(bytes, layouts.releaseIn.fh),
}));

row(opcodes.FLUSH, layouts.flushIn.sizeBytes, (bytes, _end, header) => ({
  op: 'FLUSH',
  ...header,
  fh: handle(bytes, layouts.flushIn.fh),
  lockOwner: owner(bytes, layouts.flushIn.lockOwner),
}));

row(opcodes.FSYNC, layouts.fsyncIn.sizeBytes, (bytes, _end, header) => ({
  op: 'FSYNC',
  ...header,
  fh: handle(bytes, layouts.fsyncIn.fh),
  isDataOnly: isDataOnly(bytes),
}));

row(opcodes.FSYNCDIR, layouts.fsyncIn.sizeBytes, (bytes, _end, header) => ({
  op: 'FSYNCDIR',
  ...header,
  isDataOnly: isDataOnly(bytes),
}));

row(opcodes.READDIR, layouts.readIn.sizeBytes, (bytes, _end, header) => readDirectory('READDIR', bytes, header));
row(opcodes.READDIRPLUS, layouts.readIn.sizeBytes, (bytes, _end, header) =>
  readDirectory('READDIRPLUS', bytes, header),
);

row(opcodes.GETLK, layouts.lockIn.sizeBytes, (bytes, _end, header) => lock('GETLK', bytes, header));
row(opcodes.SETLK, layouts.lockIn.sizeBytes, (bytes, _end, header) => lock('SETLK', bytes, header));
row(opcodes.SETLKW, layouts.lockIn.sizeBytes, (bytes, _end, header) => lock('SETLKW', bytes, header));

row(opcodes.INTERRUPT, layouts.interruptIn.sizeBytes, (bytes, _end, header) => {
  const upper = u32(bytes, layouts.interruptIn.unique + 4) & 0x7fffffff;
  return { op: 'INTERRUPT', ...header, target: (u32(bytes, layouts.interruptIn.unique) + upper * 2 ** 32) as Unique };
});

row(opcodes.FALLOCATE, layouts.fallocateIn.sizeBytes, (bytes, _end, header) => ({
  op: 'FALLOCATE',
  ...header,
  fh: handle(bytes, layouts.fallocateIn.fh),
  offset: readFileOffset(bytes, headerBytes + layouts.fallocateIn.offset),
  length: readFileOffset(bytes, headerBytes + layouts.fallocateIn.length),
  mode: u32(bytes, layouts.fallocateIn.mode),
}));

row(opcodes.LSEEK, layouts.lseekIn.sizeBytes, (bytes, _end, header) => ({
  op: 'LSEEK',
  ...header,
  fh: handle(bytes, layouts.lseekIn.fh),
  offset: readFileOffset(bytes, headerBytes + layouts.lseekIn.offset),
  whence: u32(bytes, layouts.lseekIn.whence),
}));

row(opcodes.COPY_FILE_RANGE, layouts.copyFileRangeIn.sizeBytes, copyFileRange);
row(opcodes.COPY_FILE_RANGE_64, layouts.copyFileRangeIn.sizeBytes, copyFileRange);

row(opcodes.INIT, layouts.initInShortBytes, (bytes, end, header) => {
  const { initIn } = layouts;
  return {
    op: 'INIT',
    ...header,
    major: u32(bytes, initIn.major),
    minor: u32(bytes, initIn.minor),
    maxReadahead: u32(bytes, initIn.maxReadahead),
    flags: u32(bytes, initIn.flags),
    flags2: end - headerBytes >= initIn.sizeBytes ? u32(bytes, initIn.flags2) : 0,
  };
});

function copyFileRange(bytes: Buffer, _end: number, header: Header): Request {
  const { copyFileRangeIn } = layouts;
  return {
    op: 'COPY_FILE_RANGE',
    ...header,
    fhIn: handle(bytes, copyFileRangeIn.fhIn),
    offsetIn: i64(bytes, copyFileRangeIn.offsetIn),
    fhOut: handle(bytes, copyFileRangeIn.fhOut),
    offsetOut: i64(bytes, copyFileRangeIn.offsetOut),
    length: readFileOffset(bytes, headerBytes + copyFileRangeIn.length),
  };
}

function named<Op extends 'LOOKUP' | 'UNLINK' | 'RMDIR'>(op: Op, bytes: Buffer, end: number, header: Header) {
  const name = readName(bytes, headerBytes, end);
  return name && { op, ...header, name };
}

function rename(
  bytes: Buffer,
  end: number,
  header: Header,
  structBytes: number,
  renameFlags: number,
): Request | undefined {
  const name = readName(bytes, headerBytes + structBytes, end);
  if (name === undefined) return undefined;
  const newName = readName(bytes, headerBytes + structBytes + name.length, end);
  if (newName === undefined) return undefined;
  const newParent = readWord(bytes, headerBytes + layouts.renameIn.newParent) as NodeId;
  return { op: 'RENAME', ...header, name, newParent, newName, flags: renameFlags };
}

function isDataOnly(bytes: Buffer): boolean {
  return (u32(bytes, layouts.fsyncIn.flags) & flags.FSYNC_FDATASYNC) !== 0;
}

function readDirectory<Op extends 'READDIR' | 'READDIRPLUS'>(op: Op, bytes: Buffer, header: Header) {
  const { readIn } = layouts;
  const offset = bytes.readBigInt64LE(headerBytes + readIn.offset);
  return { op, ...header, offset, size: u32(bytes, readIn.size) };
}

/** Field by field: locks are the hot path, and spreading the header costs it 0.2 us. */
function lock<Op extends 'GETLK' | 'SETLK' | 'SETLKW'>(op: Op, bytes: Buffer, header: Header) {
  const { lockIn } = layouts;
  const start = readLockOffset(bytes, headerBytes + lockIn.start);
  const end = readLockOffset(bytes, headerBytes + lockIn.end);
  if (start === NO_LOCK_OFFSET || end === NO_LOCK_OFFSET) return refusal(header, EOVERFLOW);
  return {
    op,
    unique: header.unique,
    isResent: header.isResent,
    nodeId: header.nodeId,
    uid: header.uid,
    gid: header.gid,
    pid: header.pid,
    fh: handle(bytes, lockIn.fh),
    owner: owner(bytes, lockIn.owner),
    start,
    end,
    type: u32(bytes, lockIn.type),
    lockPid: u32(bytes, lockIn.pid),
    isFlock: (u32(bytes, lockIn.flags) & flags.LK_FLOCK) !== 0,
  };
}

function u32(bytes: Buffer, offset: number): number {
  return bytes.readUInt32LE(headerBytes + offset);
}

function i64(bytes: Buffer, offset: number): bigint {
  return bytes.readBigInt64LE(headerBytes + offset);
}

function handle(bytes: Buffer, offset: number): HandleId {
  return readWord(bytes, headerBytes + offset) as HandleId;
}

function owner(bytes: Buffer, offset: number): LockOwner {
  return readWord64(bytes, headerBytes + offset) as LockOwner;
}

/** The zero-terminated string at `start`, its zero byte included; at least one byte before it. */
function readString(bytes: Buffer, start: number, end: number): Buffer | undefined {
  const zero = bytes.indexOf(0, start);
  return zero <= start || zero >= end ? undefined : bytes.subarray(start, zero + 1);
}

function readName(bytes: Buffer, start: number, end: number): Name | undefined {
  const name = readString(bytes, start, end);
  if (name === undefined || name.includes(slash)) return undefined;
  const isDots = name[0] === dot && (name.length === 2 || (name.length === 3 && name[1] === dot));
  return isDots ? undefined : (name as Name);
}
