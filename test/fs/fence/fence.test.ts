// Which databases are fenced, and until when: by real leases on real files, which this process has open itself.
import { closeSync, mkdirSync, mkdtempSync, openSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { Fence } from '../../../fs/fence/fence.ts';
import { noteRegistration, type Openers, openersToFind } from '../../../fs/fence/registration.ts';
import { inodeKey } from '../../../fs/nodes/nodes.ts';
import { libcFunction } from '../../../fs/system/libc.ts';
import { AT_FDCWD, statAt, statxSize } from '../../../fs/system/stat.ts';

let data = '';
let kept = new Set<string>();
let events: string[] = [];
const held = new Map<string, number>();
beforeEach(() => {
  data = mkdtempSync(join(tmpdir(), 'hoody-sqlite-'));
  kept = new Set();
  events = [];
});
afterEach(() => {
  for (const fd of held.values()) closeSync(fd);
  held.clear();
  rmSync(data, { recursive: true });
});

function createFence(openers: Openers = 'all', hasRoom = true): Fence {
  const store = {
    names: () => [...kept],
    add: (name: string) => hasRoom && kept.add(name) !== undefined,
    remove: (name: string) => kept.delete(name),
  };
  return new Fence(data, openers, store, (_, event, { database }) => events.push(`${event} ${database ?? ''}`.trim()));
}

const pathOf = (name: string | Buffer) => Buffer.concat([Buffer.from(`${data}/`), Buffer.from(name)]);
const make = (...names: (string | Buffer)[]) => {
  for (const name of names) writeFileSync(pathOf(name), 'x');
};
const hold = (name: string | Buffer, flags = 'r+') => held.set(String(name), openSync(pathOf(name), flags));
function release(name: string): void {
  closeSync(held.get(name) ?? -1);
  held.delete(name);
}
/** True where the fence stands before that file. */
function covers(fence: Fence, name: string): boolean {
  const stat = Buffer.alloc(statxSize);
  expect(statAt(AT_FDCWD, Buffer.from(`${join(data, name)}\0`), 0, stat)).toBe(true);
  return fence.covers(inodeKey(stat));
}

test('a database of which any file is open is fenced with all its files, and no other one', () => {
  mkdirSync(join(data, 'tenants'));
  make('app.db', 'app.db-wal', 'tenants/eu.db', 'other.db', Buffer.from([0xe4, 0x2e, 0x64, 0x62]));
  hold('app.db-wal', 'r');
  hold('tenants/eu.db');
  hold(Buffer.from([0xe4, 0x2e, 0x64, 0x62]));
  const fence = createFence();
  fence.survey();
  expect([...kept].sort()).toEqual(['app.db', 'tenants/eu.db', '\xe4.db']);
  expect([...fence.databases].sort()).toEqual(['app.db', 'tenants/eu.db', '\ufffd.db']);
  expect(['app.db', 'app.db-wal', 'tenants/eu.db', 'other.db'].map((name) => covers(fence, name))).toEqual([
    true,
    true,
    true,
    false,
  ]);
  expect(events).toEqual(['fenced']);
});

test('the fence is lifted from each database when its last file is closed', () => {
  make('a.db', 'a.db-wal', 'b.db');
  for (const name of ['a.db', 'a.db-wal', 'b.db']) hold(name);
  const fence = createFence();
  fence.survey();
  expect(fence.check(0)).toBe(false);
  release('a.db');
  expect(fence.check(0)).toBe(false);
  release('a.db-wal');
  expect(fence.check(0)).toBe(true);
  expect([fence.databases, [...kept], covers(fence, 'a.db'), covers(fence, 'b.db')]).toEqual([
    ['b.db'],
    ['b.db'],
    false,
    true,
  ]);
  release('b.db');
  expect(fence.check(0)).toBe(true);
  expect(fence.nextCheckMs).toBe(Number.POSITIVE_INFINITY);
  expect(events).toEqual(['fenced', 'fence-lifted a.db', 'fence-lifted b.db']);
});

test('a successor knows what was kept without looking again, and a list that has no room is told', () => {
  make('a.db', 'b.db');
  hold('a.db');
  createFence().survey();
  hold('b.db'); // by a client of the new mount
  const successor = createFence();
  expect([successor.databases, covers(successor, 'a.db'), covers(successor, 'b.db')]).toEqual([['a.db'], true, false]);
  events = [];
  const full = createFence('all', false);
  full.survey();
  expect(full.databases).toContain('b.db');
  expect(events).toContain('fence-not-kept b.db');
});

test('of very many databases some are looked at together, each in its turn, and soon again', () => {
  const names = Array.from({ length: 120 }, (_, n) => `${n}.db`);
  make(...names);
  for (const name of names) hold(name);
  const fence = createFence();
  fence.survey();
  for (const name of names) release(name);
  expect(fence.check(1000)).toBe(true);
  expect([fence.databases.length, fence.nextCheckMs]).toEqual([70, 1025]);
  fence.check(1025);
  expect(fence.databases.length).toBe(20);
  fence.check(1050);
  expect(fence.databases).toEqual([]);
});

test('those that stay open are asked behind the others', () => {
  const names = Array.from({ length: 60 }, (_, n) => `${n}.db`);
  make(...names);
  for (const name of names) hold(name);
  const fence = createFence();
  fence.survey();
  const last = fence.databases.at(-1) ?? '';
  release(last);
  expect(fence.check(0)).toBe(false);
  expect(fence.check(0)).toBe(true);
  expect(fence.databases).not.toContain(last);
});

test('a process that has run out of descriptors lifts nothing', () => {
  make('a.db');
  hold('a.db');
  const fence = createFence();
  fence.survey();
  release('a.db');
  expect(withoutDescriptors(() => fence.check(0))).toBe(false);
  expect(fence.databases).toEqual(['a.db']);
  expect(fence.check(0)).toBe(true);
});

test('after a mount that registered open files only those who write can be told from nobody', () => {
  const stateDir = join(data, 'state');
  mkdirSync(stateDir);
  expect(openersToFind(stateDir)).toBe('all');
  expect(noteRegistration(stateDir, false)).toBeUndefined();
  expect(openersToFind(stateDir)).toBe('writers');
  make('read.db', 'written.db');
  hold('read.db', 'r');
  hold('written.db');
  const fence = createFence(openersToFind(stateDir));
  fence.survey();
  expect(fence.databases).toEqual(['written.db']);
  noteRegistration(stateDir, true);
  expect([openersToFind(stateDir), readdirSync(stateDir)]).toEqual(['all', []]);
  expect(noteRegistration(join(stateDir, 'gone'), false)).toContain('ENOENT');
});

/** Every open(2) is EMFILE meanwhile. */
function withoutDescriptors<T>(use: () => T): T {
  const RLIMIT_NOFILE = 7;
  const getrlimit = libcFunction<[number, Buffer]>('int getrlimit(int resource, void *limit)');
  const setrlimit = libcFunction<[number, Buffer]>('int setrlimit(int resource, const void *limit)');
  const before = Buffer.alloc(16);
  expect(getrlimit(RLIMIT_NOFILE, before)).toBe(0);
  const none = Buffer.from(before);
  none.writeBigUInt64LE(0n, 0);
  expect(setrlimit(RLIMIT_NOFILE, none)).toBe(0);
  try {
    return use();
  } finally {
    expect(setrlimit(RLIMIT_NOFILE, before)).toBe(0);
  }
}

test('a database in a directory that programs use beside the mount is not fenced', () => {
  mkdirSync(join(data, 'stats'));
  make('stats/a.db', 'stats.db');
  hold('stats/a.db');
  hold('stats.db');
  const fence = createFence();
  fence.survey(['stats']);
  expect(fence.databases).toEqual(['stats.db']);
});
