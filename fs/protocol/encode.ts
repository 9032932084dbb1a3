// Replies -> bytes. Each function writes one payload at the start of `out` (the reply after its header) and returns the
// payload's size. The attr that follows entryOut and attrOut is written by nodes/attributes.ts.
import * as layouts from './layouts.ts';
import { notifyCodes } from './opcodes.ts';
import type { HandleId, NodeId } from './requests.ts';
import { type FileOffset, writeFileOffset, writeWord } from './words.ts';

/** How long the kernel may believe what it was told. */
export interface Lifetime {
  readonly seconds: number;
  readonly nanoseconds: number;
}

/**
 * Fills the reply's header. `sizeBytes` counts the header; `errno` is positive, or 0. `unique` is copied from a
 * request.
 */
export function encodeHeader(out: Buffer, sizeBytes: number, errno: number, unique: number, isResent: boolean): void {
  const { outHeader } = layouts;
  out.writeUInt32LE(sizeBytes, outHeader.len);
  out.writeInt32LE(-errno, outHeader.error);
  writeWord(out, unique, outHeader.unique);
  if (isResent) out.writeUInt8(out.readUInt8(outHeader.unique + 7) | 0x80, outHeader.unique + 7);
}

/** The part before the attr. Node id 0 says that the name does not exist. */
export function encodeEntry(out: Buffer, at: number, nodeId: NodeId | 0, lifetime: Lifetime): void {
  const { entryOut } = layouts;
  writeWord(out, nodeId, at + entryOut.nodeId);
  writeWord(out, 0, at + entryOut.generation);
  writeWord(out, lifetime.seconds, at + entryOut.entryValid);
  writeWord(out, lifetime.seconds, at + entryOut.attrValid);
  out.writeUInt32LE(lifetime.nanoseconds, at + entryOut.entryValidNsec);
  out.writeUInt32LE(lifetime.nanoseconds, at + entryOut.attrValidNsec);
}

/** The part before the attr. */
export function encodeAttributes(out: Buffer, at: number, lifetime: Lifetime): void {
  const { attrOut } = layouts;
  writeWord(out, lifetime.seconds, at + attrOut.attrValid);
  out.writeUInt32LE(lifetime.nanoseconds, at + attrOut.attrValidNsec);
  out.writeUInt32LE(0, at + attrOut.dummy);
}

export function encodeOpen(out: Buffer, at: number, fh: HandleId, openFlags: number, backingId: number): number {
  const { openOut } = layouts;
  writeWord(out, fh, at + openOut.fh);
  out.writeUInt32LE(openFlags, at + openOut.openFlags);
  out.writeInt32LE(backingId, at + openOut.backingId);
  return openOut.sizeBytes;
}

/** The answer to WRITE and COPY_FILE_RANGE. */
export function encodeWritten(out: Buffer, sizeBytes: number): number {
  writeWord(out, sizeBytes, 0);
  return layouts.writeOut.sizeBytes;
}

export function encodeSeek(out: Buffer, offset: FileOffset): number {
  writeFileOffset(out, offset, layouts.lseekOut.offset);
  return layouts.lseekOut.sizeBytes;
}

export interface Lock {
  readonly start: FileOffset;
  /** Inclusive. */
  readonly end: FileOffset;
  readonly type: number;
  readonly pid: number;
}

/** The answer to GETLK: the lock that is in the way, or type F_UNLCK. */
export function encodeLock(out: Buffer, lock: Lock): number {
  const { lockOut } = layouts;
  writeFileOffset(out, lock.start, lockOut.start);
  writeFileOffset(out, lock.end, lockOut.end);
  out.writeUInt32LE(lock.type, lockOut.type);
  out.writeUInt32LE(lock.pid, lockOut.pid);
  return lockOut.sizeBytes;
}

export interface InitAnswer {
  readonly minor: number;
  readonly maxReadahead: number;
  readonly flags: number;
  readonly flags2: number;
  readonly maxBackground: number;
  readonly maxWriteBytes: number;
  readonly maxPages: number;
  readonly maxStackDepth: number;
}

export function encodeInit(out: Buffer, answer: InitAnswer): number {
  const { initOut } = layouts;
  out.fill(0, 0, initOut.sizeBytes);
  out.writeUInt32LE(7, initOut.major);
  out.writeUInt32LE(answer.minor, initOut.minor);
  out.writeUInt32LE(answer.maxReadahead, initOut.maxReadahead);
  out.writeUInt32LE(answer.flags, initOut.flags);
  out.writeUInt16LE(answer.maxBackground, initOut.maxBackground);
  out.writeUInt16LE(Math.floor((answer.maxBackground * 3) / 4), initOut.congestionThreshold);
  out.writeUInt32LE(answer.maxWriteBytes, initOut.maxWrite);
  out.writeUInt32LE(1, initOut.timeGran);
  out.writeUInt16LE(answer.maxPages, initOut.maxPages);
  out.writeUInt32LE(answer.flags2, initOut.flags2);
  out.writeUInt32LE(answer.maxStackDepth, initOut.maxStackDepth);
  return initOut.sizeBytes;
}

/** Whole message, header included: forget the attributes and the cached data of an inode. */
export function encodeInvalidateInode(nodeId: number): Buffer {
  const { outHeader, notifyInvalInode } = layouts;
  const message = Buffer.alloc(outHeader.sizeBytes + notifyInvalInode.sizeBytes);
  encodeNotifyHeader(message, notifyCodes.INVAL_INODE);
  writeWord(message, nodeId, outHeader.sizeBytes + notifyInvalInode.nodeId);
  return message; // offset 0, length 0: everything
}

/** Whole message, header included: forget what a name in a directory stands for, or that it stands for nothing. */
export function encodeInvalidateEntry(parent: number, name: Buffer): Buffer {
  const { outHeader, notifyInvalEntry } = layouts;
  const start = outHeader.sizeBytes + notifyInvalEntry.sizeBytes;
  const message = Buffer.alloc(start + name.length + 1);
  encodeNotifyHeader(message, notifyCodes.INVAL_ENTRY);
  writeWord(message, parent, outHeader.sizeBytes + notifyInvalEntry.parent);
  message.writeUInt32LE(name.length, outHeader.sizeBytes + notifyInvalEntry.namelen);
  name.copy(message, start);
  return message;
}

/**
 * Whole message: forget these inodes and their names, as far as nobody uses them. Takes no directory's lock. Linux 6.18
 * and newer.
 */
export function encodePrune(nodeIds: readonly number[]): Buffer {
  const { outHeader, notifyPrune } = layouts;
  const start = outHeader.sizeBytes + notifyPrune.sizeBytes;
  const message = Buffer.alloc(start + nodeIds.length * 8);
  encodeNotifyHeader(message, notifyCodes.PRUNE);
  message.writeUInt32LE(nodeIds.length, outHeader.sizeBytes + notifyPrune.count);
  for (const [index, nodeId] of nodeIds.entries()) writeWord(message, nodeId, start + index * 8);
  return message;
}

/** Whole message: send everything again that was read and not answered. */
export function encodeResend(): Buffer {
  const message = Buffer.alloc(layouts.outHeader.sizeBytes);
  encodeNotifyHeader(message, notifyCodes.RESEND);
  return message;
}

// A message that answers nothing has unique 0 and its code where errno would be.
function encodeNotifyHeader(message: Buffer, code: number): void {
  message.writeUInt32LE(message.length, layouts.outHeader.len);
  message.writeInt32LE(code, layouts.outHeader.error);
}
