// The session on recorded bytes, without /dev/fuse: what it answers, and that nothing a client sends can end it.
import { spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { existsSync, linkSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { doErrand } from '../../../fs/channel/errand-thread.ts';
import { Session } from '../../../fs/channel/session.ts';
import { Errands } from '../../../fs/nodes/errands.ts';
import type { Tree } from '../../../fs/nodes/tree.ts';
import type { NodeId } from '../../../fs/protocol/requests.ts';
import { createKeptState, KeptState } from '../../../fs/state/kept-state.ts';
import { openPaths } from '../../helpers/descriptors.ts';
import { openTestTree } from '../open-tree.ts';
import { name, request, samples, u32, u64 } from '../wire.ts';

const EIO = 5;
const EINVAL = 22;
const ESTALE = 116;

let folder: string;
let tree: Tree;
let replies: Buffer[];
let logged: { level: string; event: string; fields: object }[];
let session: Session;
/** What was handed over to the errand thread. */
let calls: string[];

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'hoody-sqlite-session-'));
  replies = [];
  calls = [];
  logged = [];
  const log = (level: string, event: string, fields: object) => void logged.push({ level, event, fields });
  const keptState = new KeptState(createKeptState(), log);
  const errands = new Errands((errand) => {
    calls.push(errand.call);
    const { id, result, data } = doErrand(errand);
    const owed = errands.finished(id);
    if (owed === undefined) return expect.unreachable();
    session.finish(owed.asked, (out) => owed.finish(result, out, data));
  });
  tree = openTestTree(folder, keptState, log, { errands });
  session = new Session({
    tree,
    keptState,
    log,
    write: (bytes, sizeBytes) => void replies.push(Buffer.from(bytes.subarray(0, sizeBytes))),
    wantsPassthrough: false,
    initialized: () => {},
  });
});

afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** Serves one request and gives its reply. */
function ask(bytes: Buffer): { errno: number; unique: bigint; payload: Buffer } {
  const before = replies.length;
  session.serve(bytes, bytes.length);
  expect(replies.length).toBe(before + 1);
  const reply = replies[before] ?? Buffer.alloc(0);
  expect(reply.readUInt32LE(0)).toBe(reply.length);
  return { errno: Math.abs(reply.readInt32LE(4)), unique: reply.readBigUInt64LE(8), payload: reply.subarray(16) };
}

const handleOf = (payload: Buffer) => payload.readBigUInt64LE(payload.length - 16);

test('CREATE, WRITE, READ, RELEASE: a file made by bytes alone', () => {
  const created = ask(request('CREATE', [u32(0o102), u32(0o100600), u32(0), u32(0), name('a.db')], { unique: 10 }));
  expect(created).toMatchObject({ errno: 0, unique: 10n });
  expect(created.payload.length).toBe(128 + 16); // fuse_entry_out, fuse_open_out
  const fh = u64(handleOf(created.payload));
  const nodeId = Number(created.payload.readBigUInt64LE(0));
  const words = [u32(0), u64(0), u32(0), u32(0)]; // flags, lock_owner, flags, padding
  const data = Buffer.from('hello');
  expect(ask(request('WRITE', [fh, u64(2), u32(5), ...words, data], { nodeId })).payload).toEqual(
    Buffer.concat([u32(5), u32(0)]),
  );
  expect(ask(request('READ', [fh, u64(0), u32(100), ...words], { nodeId })).payload).toEqual(Buffer.from('\0\0hello'));
  expect(ask(request('RELEASE', [fh, u32(0), u32(0), u64(0)], { nodeId })).errno).toBe(0);
  expect(tree.files.size).toBe(0);
});

test('what takes long on a large file is answered when it is done, with what the request asks for besides', () => {
  const created = ask(request('CREATE', [u32(0o102), u32(0o100600), u32(0), u32(0), name('f')]));
  const nodeId = Number(created.payload.readBigUInt64LE(0));
  const fh = u64(handleOf(created.payload));
  writeFileSync(join(folder, 'f'), Buffer.alloc(4 << 20, 'x'));
  const [MODE, SIZE, FH] = [1, 8, 64];
  const setAttributes = (valid: number, size: number, mode: number) => {
    const times = [u64(0), u64(0), u64(0), u32(0), u32(0), u32(0)];
    const body = [u32(valid), u32(0), fh, u64(size), u64(0), ...times, u32(mode), u32(0), u32(0), u32(0), u32(0)];
    return ask(request('SETATTR', body, { nodeId, unique: 77n }));
  };
  const copied = ask(request('COPY_FILE_RANGE', [fh, u64(0), u64(nodeId), fh, u64(4 << 20), u64(2 << 20), u64(0)]));
  expect([copied.errno, copied.payload.readUInt32LE(0)]).toEqual([0, 2 << 20]);
  expect(ask(request('FALLOCATE', [fh, u64(0), u64(8 << 20), u32(0), u32(0)])).errno).toBe(0);
  expect(statSync(join(folder, 'f')).size).toBe(8 << 20);
  const attrSize = 16 + 8;
  for (const [valid, size] of [
    [MODE | SIZE | FH, 5 << 20],
    [MODE | SIZE, 100],
  ] as const) {
    const { errno, unique, payload } = setAttributes(valid, size, 0o640);
    expect([errno, unique, Number(payload.readBigUInt64LE(attrSize))]).toEqual([0, 77n, size]);
    expect(statSync(join(folder, 'f')).mode & 0o777).toBe(0o640);
  }
  expect(calls).toEqual(['copy_file_range', 'fallocate', 'truncate', 'truncate']);
});

test('a file with many hard links is known by all of them: none has to be looked up again before it is removed', () => {
  writeFileSync(join(folder, 'first'), '');
  const names = Array.from({ length: 40 }, (_, n) => `link-${n}`);
  const nodeId = ask(request('LOOKUP', [name('first')])).payload.readBigUInt64LE(0);
  for (const link of names) expect(ask(request('LINK', [u64(nodeId), name(link)])).errno).toBe(0);
  expect(ask(request('RENAME', [u64(1), name('link-20'), name('moved')])).errno).toBe(0);
  const errnos = ['first', ...names].map((link) => ask(request('UNLINK', [name(link)])).errno);
  expect(errnos.filter((errno) => errno !== 0)).toEqual([2]); // link-20
  expect(readdirSync(folder)).toEqual(['moved']);
  // A name that was given up and comes back behind the mount is another one's: the kernel has to look.
  linkSync(join(folder, 'moved'), join(folder, 'first'));
  expect(ask(request('UNLINK', [name('first')])).errno).toBe(ESTALE);
});

const fileSystem = spawnSync('stat', ['-f', '-c', '%T', tmpdir()]).stdout.toString().trim();

test.skipIf(!['ext2/ext3', 'xfs', 'btrfs'].includes(fileSystem))(
  'a read of what is in memory is answered at once, one that waits for the disk when it is done, and both end where the file ends',
  () => {
    const created = ask(request('CREATE', [u32(0o102), u32(0o100600), u32(0), u32(0), name('f')]));
    const nodeId = Number(created.payload.readBigUInt64LE(0));
    const fh = u64(handleOf(created.payload));
    const words = [u32(0), u64(0), u32(0), u32(0)];
    const content = randomBytes(300_000);
    writeFileSync(join(folder, 'f'), content);
    const read = (offset: number, size: number) => {
      const { errno, payload } = ask(request('READ', [fh, u64(offset), u32(size), ...words], { nodeId }));
      expect(errno).toBe(0);
      expect(payload.equals(content.subarray(offset, offset + size)), `${size} bytes at ${offset}`).toBe(true);
      return calls.splice(0).length;
    };
    const ranges = [
      [0, 4096],
      [200_000, 131_072],
      [299_999, 10],
      [300_000, 10],
      [400_000, 10],
    ] as const;
    expect(ranges.map(([offset, size]) => read(offset, size))).toEqual([0, 0, 0, 0, 0]);
    /** The kernel may keep pages that another processor is busy with: asked again, it lets them go. */
    const waitsAfterForget = (known: number, offset: number, size: number) => {
      for (let tries = 0; tries < 20; tries++) {
        forget(join(folder, 'f'));
        read(0, known);
        if (read(offset, size) === 1) return true;
      }
      return false;
    };
    expect(waitsAfterForget(0, 8192, 100_000)).toBe(true);
    expect(read(8192, 100_000)).toBe(0);
    expect(waitsAfterForget(4096, 0, 300_000), 'in part in memory').toBe(true);
    expect(read(0, 300_000)).toBe(0);
  },
);

/** Drops the file from the page cache. */
function forget(path: string): void {
  spawnSync('sync', [path]);
  expect(spawnSync('dd', [`if=${path}`, 'iflag=nocache', 'count=0']).status).toBe(0);
}

test('a large directory is listed in answers of 100 entries with attributes, however large the buffer, and every name comes once', () => {
  for (let n = 0; n < 450; n++) writeFileSync(join(folder, `file-${n}`), '');
  const entryBytes = 128;
  const seen: string[] = [];
  for (let offset = 0n, answers = 0; answers < 10; answers++) {
    const { payload } = ask(
      request('READDIRPLUS', [u64(0), u64(offset), u32(1 << 20), u32(0), u64(0), u32(0), u32(0)]),
    );
    if (payload.length === 0) break;
    let entries = 0;
    for (let at = 0; at < payload.length; entries++) {
      const nameBytes = payload.readUInt32LE(at + entryBytes + 16);
      offset = payload.readBigUInt64LE(at + entryBytes + 8);
      seen.push(payload.toString('utf8', at + entryBytes + 24, at + entryBytes + 24 + nameBytes));
      at += (entryBytes + 24 + nameBytes + 7) & ~7;
    }
    expect(entries).toBeLessThanOrEqual(100);
  }
  const files = seen.filter((name) => name.startsWith('file-'));
  expect([files.length, new Set(files).size, seen.length]).toEqual([450, 450, 452]);
});

test('LOOKUP of an absent name is an entry without node, which the kernel may remember', () => {
  const { errno, payload } = ask(request('LOOKUP', [name('none')]));
  expect(errno).toBe(0);
  expect(payload.readBigUInt64LE(0)).toBe(0n);
  expect(payload.readBigUInt64LE(16)).toBe(1n); // entry_valid
});

test('a node lives until every lookup of it was forgotten', () => {
  writeFileSync(join(folder, 'f'), '');
  const nodeId = Number(ask(request('LOOKUP', [name('f')])).payload.readBigUInt64LE(0));
  ask(request('LOOKUP', [name('f')]));
  const forget = (count: number) => request('FORGET', [u64(count)], { nodeId });
  session.serve(forget(1), forget(1).length);
  expect(tree.nodes.size).toBe(2);
  session.serve(forget(1), forget(1).length);
  expect(tree.nodes.size).toBe(1);
  expect(ask(request('GETATTR', [u32(0), u32(0), u64(0)], { nodeId })).errno).toBe(ESTALE);
});

test('an open handle keeps its node when FORGET overtakes RELEASE', () => {
  const created = ask(request('CREATE', [u32(0o102), u32(0o100600), u32(0), u32(0), name('f')]));
  const nodeId = Number(created.payload.readBigUInt64LE(0));
  const forget = request('FORGET', [u64(1)], { nodeId });
  session.serve(forget, forget.length);
  expect(tree.nodes.size).toBe(2);
  ask(request('RELEASE', [u64(handleOf(created.payload)), u32(0), u32(0), u64(0)], { nodeId }));
  expect(tree.nodes.size).toBe(1);
});

test('the descriptor of a removed file is closed by another thread, any other at once', () => {
  const handed = vi.spyOn(tree.lastCloses, 'add');
  writeFileSync(join(folder, 'kept'), '');
  writeFileSync(join(folder, 'removed'), '');
  for (const file of ['kept', 'removed']) {
    const nodeId = Number(ask(request('LOOKUP', [name(file)])).payload.readBigUInt64LE(0));
    const { fd } = tree.nodes.get(nodeId as NodeId) ?? expect.unreachable();
    if (file === 'removed') ask(request('UNLINK', [name(file)]));
    const forget = request('FORGET', [u64(1)], { nodeId });
    session.serve(forget, forget.length);
    expect(handed.mock.calls).toEqual(file === 'removed' ? [[fd]] : []);
    expect(existsSync(`/proc/self/fd/${fd}`)).toBe(file === 'removed');
  }
});

test('a directory is open from the first READDIR to its end, or until the kernel forgets it', () => {
  for (let file = 0; file < 100; file++) writeFileSync(join(folder, `file-${file}`), '');
  const made = ask(request('MKDIR', [u32(0o755), u32(0), name('below')]));
  const below = Number(made.payload.readBigUInt64LE(0));
  for (let file = 0; file < 100; file++) writeFileSync(join(folder, 'below', `file-${file}`), '');
  const openDirectories = () =>
    openPaths(process.pid).filter((path) => path.startsWith(folder)).length - tree.nodes.size;
  /** Reads one buffer full from `offset` on, and gives the offset behind it. */
  const read = (nodeId: number, offset: bigint) => {
    const { payload } = ask(
      request('READDIR', [u64(0), u64(offset), u32(1024), u32(0), u64(0), u32(0), u32(0)], { nodeId }),
    );
    let last = offset;
    for (let at = 0; at < payload.length; at += (24 + payload.readUInt32LE(at + 16) + 7) & ~7)
      last = payload.readBigUInt64LE(at + 8);
    return payload.length === 0 ? undefined : last;
  };
  read(below, 0n);
  let offset = read(1, 0n);
  expect(openDirectories()).toBe(2);
  while (offset !== undefined) offset = read(1, offset);
  expect(openDirectories()).toBe(1);
  const forget = request('FORGET', [u64(1)], { nodeId: below });
  session.serve(forget, forget.length);
  expect(openDirectories()).toBe(0);
  for (let stream = 0; stream < 100; stream++) read(1, 0n);
  expect(openDirectories()).toBeLessThan(50);
});

describe('nothing that a client sends ends the session', () => {
  test('a malformed request is EINVAL, and the next one is served', () => {
    expect(ask(request('LOOKUP', [Buffer.from('no zero')], { unique: 20 }))).toMatchObject({
      errno: EINVAL,
      unique: 20n,
    });
    expect(ask(request('STATFS', [])).errno).toBe(0);
  });

  test('bytes that cannot be answered are logged, and the next request is served', () => {
    session.serve(Buffer.alloc(10), 10);
    expect(replies).toEqual([]);
    expect(logged).toMatchObject([{ level: 'error', event: 'request-garbage' }]);
    expect(ask(request('STATFS', [])).errno).toBe(0);
  });

  test('a handler that throws is EIO and a log line, and the next request is served', () => {
    tree.ownChanges.add = () => {
      throw new Error('a bug in a handler');
    };
    expect(ask(request('MKDIR', [u32(0o755), u32(0), name('d')])).errno).toBe(EIO);
    expect(logged).toMatchObject([{ level: 'error', event: 'handler-failed', fields: { op: 'MKDIR' } }]);
    expect(ask(request('STATFS', [])).errno).toBe(0);
  });

  test('recorded requests in any order, with bytes changed', () => {
    const recorded = Object.values(samples);
    const change = fc.tuple(fc.integer({ min: 40, max: 200 }), fc.nat(255));
    fc.assert(
      fc.property(fc.nat(recorded.length - 1), fc.array(change, { maxLength: 4 }), (index, changes) => {
        const bytes = Buffer.from(recorded[index] ?? Buffer.alloc(0));
        for (const [at, value] of changes) if (at < bytes.length) bytes[at] = value;
        session.serve(bytes, bytes.length);
      }),
      { numRuns: 3000 },
    );
    expect(logged.filter(({ event }) => event === 'handler-failed')).toEqual([]);
    expect(ask(request('STATFS', [])).errno).toBe(0);
  });
});

test('names with slashes and dots never reach the file system', () => {
  writeFileSync(join(folder, '..', 'hoody-sqlite-outside'), 'x');
  try {
    for (const bad of ['../hoody-sqlite-outside', '..', '.', 'a/../../hoody-sqlite-outside']) {
      expect(ask(request('LOOKUP', [name(bad)])).errno).toBe(EINVAL);
      expect(ask(request('UNLINK', [name(bad)])).errno).toBe(EINVAL);
    }
    expect(readdirSync(tmpdir())).toContain('hoody-sqlite-outside');
  } finally {
    rmSync(join(folder, '..', 'hoody-sqlite-outside'));
  }
});

test('requests are counted by kernel name', () => {
  ask(request('STATFS', []));
  ask(request('STATFS', []));
  ask(request('LOOKUP', [name('none')]));
  expect(session.requests).toEqual({ STATFS: 2, LOOKUP: 1 });
});
