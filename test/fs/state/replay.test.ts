// The kernel asks again for what a dead process had done but not answered: the successor gives the same answer and does
// nothing twice.
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { opcodes } from '../../../fs/protocol/opcodes.ts';
import type { Unique } from '../../../fs/protocol/requests.ts';
import { createKeptState, type KeptStateDescriptors } from '../../../fs/state/kept-state.ts';
import { close } from '../../../fs/system/files.ts';
import { AT_SYMLINK_NOFOLLOW, statAt, statxSize } from '../../../fs/system/stat.ts';
import { name, request, u32, u64 } from '../wire.ts';
import { type Process, startProcess as startOver } from './process.ts';

const O_RDWR = 2;
const O_CREAT = 0o100;
const O_EXCL = 0o200;
const EXCHANGE = 2;
const asked = 4711n;
const askedAgain = asked | (1n << 63n);

let folder: string;
let descriptors: KeptStateDescriptors;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'hoody-sqlite-replay-'));
  descriptors = createKeptState();
});
afterEach(() => {
  for (const fd of Object.values(descriptors)) close(fd);
  rmSync(folder, { recursive: true, force: true });
});

const startProcess = () => startOver(folder, descriptors);

/**
 * What a request and its repetition after a death were answered; the request is made by the number that it gets. The
 * kernel has looked up the `known` names before.
 */
function twice(make: (unique: bigint, first: Process) => Buffer, known: readonly string[] = []) {
  const first = startProcess();
  for (const of of known) look(first, of);
  const bytes = make(asked, first);
  const answer = first.ask(bytes);
  const next = startProcess();
  const again = next.ask(make(askedAgain, next));
  return { answer, again, next };
}

/** The process serves the request until its effect is there, and dies: it comes to nothing that would follow. */
function diesAfter({ keptState, tree }: Process, op: 'RENAME' | 'UNLINK', effect: () => void): void {
  const { operation } = keptState;
  operation.begin(Number(asked) as Unique, false, opcodes[op]);
  const statOf = (of: string) => {
    const root = tree.nodes.get(1 as never);
    const stat = Buffer.alloc(statxSize);
    expect(statAt(root?.fd ?? -1, name(of), AT_SYMLINK_NOFOLLOW, stat)).toBe(true);
    return stat;
  };
  if (op === 'UNLINK') operation.intendToRemove(statOf('new'));
  else operation.intendToRename(statOf('saved'), statOf('app.db'));
  effect();
}

const createIn = (flags: number) => [u32(flags), u32(0o100644), u32(0), u32(0), name('new')];
const look = (process: Process, of: string) =>
  Number(process.ask(request('LOOKUP', [name(of)])).payload.readBigUInt64LE(0));

test('CREATE with O_EXCL: one file, one handle, one lookup', () => {
  const { answer, again, next } = twice((unique) => request('CREATE', createIn(O_RDWR | O_CREAT | O_EXCL), { unique }));
  expect([answer.errno, again.errno]).toEqual([0, 0]);
  expect(again.payload.readBigUInt64LE(0)).toBe(answer.payload.readBigUInt64LE(0)); // node
  expect(again.payload.readBigUInt64LE(128)).toBe(answer.payload.readBigUInt64LE(128)); // handle
  expect([...next.tree.nodes.values()].map(({ id, lookups, opens }) => [id, lookups, opens])).toEqual([
    [1, 1, 0],
    [2, 1, 1],
  ]);
});

test('CREATE with O_EXCL of a name that was there before is EEXIST both times', () => {
  writeFileSync(join(folder, 'new'), '');
  const { answer, again } = twice((unique) => request('CREATE', createIn(O_RDWR | O_CREAT | O_EXCL), { unique }));
  expect([answer.errno, again.errno]).toEqual([17, 17]);
});

test.each([
  ['MKDIR', [u32(0o755), u32(0), name('new')]],
  ['SYMLINK', [name('new'), name('target')]],
  ['MKNOD', [u32(0o010644), u32(0), u32(0), u32(0), name('new')]],
] as const)('%s: made once, found the second time', (op, body) => {
  const { answer, again, next } = twice((unique) => request(op, [...body], { unique }));
  expect([answer.errno, again.errno]).toEqual([0, 0]);
  expect(again.payload.readBigUInt64LE(0)).toBe(answer.payload.readBigUInt64LE(0));
  expect(next.tree.nodes.get(2 as never)?.lookups).toBe(1);
});

test('MKDIR of a name that was there before is EEXIST both times', () => {
  mkdirSync(join(folder, 'new'));
  const { answer, again } = twice((unique) => request('MKDIR', [u32(0o755), u32(0), name('new')], { unique }));
  expect([answer.errno, again.errno]).toEqual([17, 17]);
});

test('LINK: one more name, not two', () => {
  writeFileSync(join(folder, 'old'), '');
  const first = startProcess();
  const node = look(first, 'old');
  const ask = (process: Process, unique: bigint) => process.ask(request('LINK', [u64(node), name('new')], { unique }));
  expect(ask(first, asked).errno).toBe(0);
  expect(ask(startProcess(), askedAgain).errno).toBe(0);
  expect(statSync(join(folder, 'new')).nlink).toBe(2);
});

test.each([['UNLINK'], ['RMDIR']] as const)('%s: 0 both times', (op) => {
  if (op === 'UNLINK') writeFileSync(join(folder, 'old'), '');
  else mkdirSync(join(folder, 'old'));
  const { answer, again } = twice((unique) => request(op, [name('old')], { unique }), ['old']);
  expect([answer.errno, again.errno]).toEqual([0, 0]);
  expect(existsSync(join(folder, 'old'))).toBe(false);
});

test.each([['UNLINK'], ['RENAME']] as const)(
  '%s of a name that the kernel has not looked up: it is to look first',
  (op) => {
    writeFileSync(join(folder, 'old'), '');
    const body = op === 'UNLINK' ? [name('old')] : [u64(1), name('old'), name('new')];
    const { answer, again, next } = twice((unique) => request(op, body, { unique }));
    expect([answer.errno, again.errno]).toEqual([116, 116]);
    expect(readdirSync(folder)).toEqual(['old']);
    look(next, 'old');
    expect(next.ask(request(op, body)).errno).toBe(0);
    expect(readdirSync(folder)).toEqual(op === 'UNLINK' ? [] : ['new']);
  },
);

test('UNLINK of a name that was never there is ENOENT both times', () => {
  const { answer, again } = twice((unique) => request('UNLINK', [name('old')], { unique }));
  expect([answer.errno, again.errno]).toEqual([2, 2]);
});

test('RENAME over another file: done once', () => {
  writeFileSync(join(folder, 'old'), 'moved');
  writeFileSync(join(folder, 'new'), 'replaced');
  const { answer, again } = twice(
    (unique) => request('RENAME', [u64(1), name('old'), name('new')], { unique }),
    ['old', 'new'],
  );
  expect([answer.errno, again.errno]).toEqual([0, 0]);
  expect(readdirSync(folder)).toEqual(['new']);
  expect(readFileSync(join(folder, 'new'), 'utf8')).toBe('moved');
});

test('RENAME that exchanges two files is not done a second time, which would undo it', () => {
  writeFileSync(join(folder, 'old'), 'A');
  writeFileSync(join(folder, 'new'), 'B');
  const body = [u64(1), u32(EXCHANGE), u32(0), name('old'), name('new')];
  const { answer, again } = twice((unique) => request('RENAME2', body, { unique }), ['old', 'new']);
  expect([answer.errno, again.errno]).toEqual([0, 0]);
  expect(readFileSync(join(folder, 'old'), 'utf8')).toBe('B');
});

test('RENAME of a saved copy over an open WAL database: its WAL goes also when the process dies before it has looked', () => {
  for (const file of ['saved', 'app.db', 'app.db-wal', 'app.db-shm']) writeFileSync(join(folder, file), file);
  const first = startProcess();
  const opened = ['app.db', 'app.db-wal', 'app.db-shm'].map((of) => {
    const nodeId = look(first, of);
    first.ask(request('OPEN', [u32(O_RDWR), u32(0)], { nodeId, pid: process.pid }));
    return nodeId;
  });
  look(first, 'saved');
  const body = [u64(1), name('saved'), name('app.db')];
  diesAfter(first, 'RENAME', () => renameSync(join(folder, 'saved'), join(folder, 'app.db')));
  const next = startProcess();
  expect(next.ask(request('RENAME', body, { unique: askedAgain })).errno).toBe(0);
  expect(readdirSync(folder)).toEqual(['app.db']);
  const nameless = opened.map((id) => next.tree.nodes.get(id as never)?.isNameless);
  expect(nameless).toEqual([true, true, true]);
  // The kernel knows the moved file by its new name now, without a LOOKUP.
  expect(next.ask(request('UNLINK', [name('app.db')])).errno).toBe(0);
});

test('UNLINK of an open file: whoever takes over after the effect, and before anything was noted, knows that it has no name', () => {
  const first = startProcess();
  first.ask(request('CREATE', createIn(O_RDWR | O_CREAT)));
  diesAfter(first, 'UNLINK', () => unlinkSync(join(folder, 'new')));
  const next = startProcess();
  expect(next.tree.nodes.get(2 as never)?.isNameless).toBe(true);
  expect(next.keptState.descriptors.has('node', 2)).toBe(true);
  expect(next.ask(request('UNLINK', [name('new')], { unique: askedAgain })).errno).toBe(0);
});

test('LOOKUP counts once', () => {
  writeFileSync(join(folder, 'file'), '');
  const { next } = twice((unique) => request('LOOKUP', [name('file')], { unique }));
  expect(next.tree.nodes.get(2 as never)?.lookups).toBe(1);
});

test('READDIRPLUS counts every entry once', () => {
  for (const file of ['a', 'b', 'c']) writeFileSync(join(folder, file), '');
  const first = startProcess();
  const body = [u64(0), u64(0), u32(65536), u32(0), u64(0), u32(0), u32(0)];
  const answer = first.ask(request('READDIRPLUS', body, { unique: asked }));
  const next = startProcess();
  const again = next.ask(request('READDIRPLUS', body, { unique: askedAgain }));
  expect(again.payload.length).toBe(answer.payload.length);
  expect([...next.tree.nodes.values()].map(({ lookups }) => lookups)).toEqual([1, 1, 1, 1]);
});

test('OPEN: the same handle, and only that', () => {
  writeFileSync(join(folder, 'file'), '');
  const first = startProcess();
  const nodeId = look(first, 'file');
  const ask = (process: Process, unique: bigint) =>
    process.ask(request('OPEN', [u32(O_RDWR), u32(0)], { unique, nodeId })).payload.readBigUInt64LE(0);
  const fh = ask(first, asked);
  const next = startProcess();
  expect(ask(next, askedAgain)).toBe(fh);
  expect(next.tree.files.size).toBe(1);
});

test('RELEASE of a handle that is released already answers 0', () => {
  const first = startProcess();
  const created = first.ask(request('CREATE', createIn(O_RDWR | O_CREAT)));
  const body = [u64(created.payload.readBigUInt64LE(128)), u32(0), u32(0), u64(0)];
  expect(first.ask(request('RELEASE', body, { nodeId: 2, unique: asked })).errno).toBe(0);
  const next = startProcess();
  expect(next.ask(request('RELEASE', body, { nodeId: 2, unique: askedAgain })).errno).toBe(0);
  expect(next.tree.nodes.get(2 as never)).toMatchObject({ lookups: 1, opens: 0 });
});

test('a file without a name stays readable for its handle through several deaths', () => {
  let process = startProcess();
  const fh = process.ask(request('CREATE', createIn(O_RDWR | O_CREAT))).payload.readBigUInt64LE(128);
  const words = [u32(0), u64(0), u32(0), u32(0)];
  process.ask(request('WRITE', [u64(fh), u64(0), u32(5), ...words, Buffer.from('hello')], { nodeId: 2 }));
  process.ask(request('UNLINK', [name('new')]));
  for (let death = 0; death < 3; death++) {
    process = startProcess();
    const read = process.ask(request('READ', [u64(fh), u64(0), u32(100), ...words], { nodeId: 2 }));
    expect(read.payload.toString()).toBe('hello');
  }
});
