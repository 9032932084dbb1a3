// A file is moved onto an open database: its WAL and wal-index go with it if nobody but its users has them open.
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { FileHandle } from '../../../fs/nodes/handles.ts';
import type { HandleId } from '../../../fs/protocol/requests.ts';
import { createKeptState, type KeptStateDescriptors } from '../../../fs/state/kept-state.ts';
import { close } from '../../../fs/system/files.ts';
import { type Process, startProcess } from '../state/process.ts';
import { name, request, u32, u64 } from '../wire.ts';

const me = process.pid;
const otherThread = Number(readdirSync('/proc/self/task').find((tid) => Number(tid) !== me));
let folder: string;
let descriptors: KeptStateDescriptors;
let fs: Process;
let stranger: ChildProcess;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'hoody-sqlite-sidecars-'));
  for (const file of ['saved', 'app.db', 'app.db-wal', 'app.db-shm']) writeFileSync(join(folder, file), file);
  descriptors = createKeptState();
  fs = startProcess(folder, descriptors);
  stranger = spawn('sleep', ['1000']);
  nodeOf('saved');
});
afterEach(() => {
  stranger.kill('SIGKILL');
  for (const fd of Object.values(descriptors)) close(fd);
  rmSync(folder, { recursive: true, force: true });
});

const nodeOf = (file: string) => Number(fs.ask(request('LOOKUP', [name(file)])).payload.readBigUInt64LE(0));

function open(file: string, tid: number): FileHandle {
  const { payload } = fs.ask(request('OPEN', [u32(2), u32(0)], { nodeId: nodeOf(file), pid: tid }));
  const handle = fs.tree.files.get(Number(payload.readBigUInt64LE(0)) as HandleId);
  if (handle === undefined) return expect.unreachable();
  return handle;
}

/** What is left after saved was moved to app.db. */
function left(): string[] {
  expect(fs.ask(request('RENAME', [u64(1), name('saved'), name('app.db')])).errno).toBe(0);
  return readdirSync(folder).sort();
}

test('opened by the thread that has the database open: they go', () => {
  for (const file of ['app.db', 'app.db-wal', 'app.db-shm']) open(file, me);
  expect(left()).toEqual(['app.db']);
});

test('opened by another thread of that process: they go', () => {
  open('app.db', me);
  for (const file of ['app.db-wal', 'app.db-shm']) open(file, otherThread);
  expect(left()).toEqual(['app.db']);
});

test('opened by a thread whose number may be another one by now: they stay', () => {
  open('app.db', me);
  Object.assign(open('app.db-wal', otherThread), { openedS: 0 });
  expect(left()).toEqual(['app.db', 'app.db-shm', 'app.db-wal']);
});

test('one of them opened by a process that has not opened the database: they stay', () => {
  for (const file of ['app.db', 'app.db-wal', 'app.db-shm']) open(file, me);
  open('app.db-wal', stranger.pid ?? 0);
  expect(left()).toEqual(['app.db', 'app.db-shm', 'app.db-wal']);
});
