// A close in which processes have died is given up, and what it would have given back is given back all the same.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { opcodes } from '../../../fs/protocol/opcodes.ts';
import type { Unique } from '../../../fs/protocol/requests.ts';
import { createKeptState, type KeptStateDescriptors } from '../../../fs/state/kept-state.ts';
import { close } from '../../../fs/system/files.ts';
import { name, request, u32, u64 } from '../wire.ts';
import { type Process, startProcess } from './process.ts';

const EIO = 5;
const EAGAIN = 11;
const END = 2n ** 63n - 1n;
const write = 1;
const asked = 4711n;
const askedAgain = asked | (1n << 63n);

let folder: string;
let descriptors: KeptStateDescriptors;
let nodeId: number;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'hoody-sqlite-given-up-'));
  descriptors = createKeptState();
});
afterEach(() => {
  for (const fd of Object.values(descriptors)) close(fd);
  rmSync(folder, { recursive: true, force: true });
});

const start = () => startProcess(folder, descriptors);

/** Opens the database, made at the first call; returns the handle. */
function open(process: Process): bigint {
  const created = process.ask(request('CREATE', [u32(0o102), u32(0o100600), u32(0), u32(0), name('a.db')]));
  expect(created.errno).toBe(0);
  nodeId = Number(created.payload.readBigUInt64LE(0));
  return created.payload.readBigUInt64LE(128);
}

function lock(process: Process, fh: bigint, owner: number, isFlock: boolean): number {
  const words = [u32(write), u32(owner), u32(Number(isFlock)), u32(0)];
  return process.ask(request('SETLK', [u64(fh), u64(owner), u64(0), u64(END), ...words], { nodeId })).errno;
}

/** The next processes die in this request, so many of them; answers the one after them. */
function dieIn(op: 'RELEASE' | 'FLUSH', deaths: number): Process {
  for (let death = 0; death < deaths; death++) {
    start().keptState.operation.begin(Number(asked) as Unique, death > 0, opcodes[op]);
  }
  return start();
}

const release = (fh: bigint) => request('RELEASE', [u64(fh), u32(0), u32(0), u64(0)], { nodeId, unique: askedAgain });

test.each([
  ['OFD', false],
  ['flock', true],
] as const)('RELEASE: its handle and its %s lock are gone', (_kind, isFlock) => {
  const first = start();
  const fh = open(first);
  expect(lock(first, fh, 1, isFlock)).toBe(0);
  const next = dieIn('RELEASE', 2);
  expect(next.ask(release(fh)).errno).toBe(EIO);
  expect(next.logged.map(({ event }) => event)).toContain('request-given-up');
  expect([next.tree.files.size, next.coordinated.manager.size.owners]).toEqual([0, 0]);
  expect(lock(next, openAgain(next), 2, isFlock)).toBe(0);
});

test('RELEASE that ends this process as well: the next one has neither the handle nor its lock', () => {
  const first = start();
  const fh = open(first);
  expect(lock(first, fh, 1, false)).toBe(0);
  const dying = dieIn('RELEASE', 2);
  dying.coordinated.released = () => {
    throw new Error('stands for the death');
  };
  dying.keptState.operation.end = () => {};
  dying.ask(release(fh));
  const last = start();
  expect(last.keptState.operation.interrupted?.deaths).toBe(3);
  expect(last.tree.files.size).toBe(0);
  expect([...last.keptState.locks.stored(() => {})]).toEqual([]);
  expect(last.ask(release(fh)).errno).toBe(EIO);
  expect(lock(last, openAgain(last), 2, false)).toBe(0);
});

test('FLUSH: the POSIX locks of its owner are gone, and the others stay', () => {
  const first = start();
  const fh = open(first);
  expect(lock(first, fh, 1, false)).toBe(0);
  const next = dieIn('FLUSH', 2);
  expect(lock(next, fh, 2, false)).toBe(EAGAIN);
  expect(next.ask(request('FLUSH', [u64(fh), u32(0), u32(0), u64(1)], { nodeId, unique: askedAgain })).errno).toBe(EIO);
  expect(next.tree.files.size).toBe(1);
  expect(lock(next, fh, 2, false)).toBe(0);
});

function openAgain(process: Process): bigint {
  nodeId = Number(process.ask(request('LOOKUP', [name('a.db')])).payload.readBigUInt64LE(0));
  const opened = process.ask(request('OPEN', [u32(2), u32(0)], { nodeId }));
  expect(opened.errno).toBe(0);
  return opened.payload.readBigUInt64LE(0);
}
