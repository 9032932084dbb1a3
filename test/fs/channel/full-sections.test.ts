// The session when the memory that a successor reads is full: who asks hears it, and nothing is kept of what was
// refused.
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { Session } from '../../../fs/channel/session.ts';
import { CoordinatedLocks } from '../../../fs/lock-binding/coordinated-locks.ts';
import type { HandleId, NodeId, Unique } from '../../../fs/protocol/requests.ts';
import { createKeptState, KeptState } from '../../../fs/state/kept-state.ts';
import { handleSection, waiterSection } from '../../../fs/state/layout.ts';
import { openTestTree } from '../open-tree.ts';
import { name, request, u32, u64 } from '../wire.ts';

const ENFILE = 23;
const ENOLCK = 37;
const END = 2n ** 63n - 1n;

let folder: string;
let keptState: KeptState;
let session: Session;
let coordinated: CoordinatedLocks;
/** By the unique of the request. */
let replies: Map<number, { errno: number; payload: Buffer }>;
const log = vi.fn();

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'hoody-sqlite-full-'));
  replies = new Map();
  log.mockReset();
  const descriptors = createKeptState();
  keptState = new KeptState(descriptors, log);
  const tree = openTestTree(folder, keptState, log);
  coordinated = new CoordinatedLocks({
    nodes: tree.nodes,
    dataDir: folder,
    log,
    keptState,
    answer: (asked, result) => session.answer(asked, result),
    committed: () => {},
    unread: () => {},
  });
  session = new Session({
    tree,
    keptState,
    log,
    locks: coordinated,
    wantsPassthrough: false,
    initialized: () => {},
    write: (bytes, sizeBytes) => {
      const unique = Number(bytes.readBigUInt64LE(8));
      expect(replies.has(unique), 'a second answer').toBe(false);
      const payload = Buffer.from(bytes.subarray(16, sizeBytes));
      replies.set(unique, { errno: Math.abs(bytes.readInt32LE(4)), payload });
    },
  });
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

function serve(bytes: Buffer): void {
  session.serve(bytes, bytes.length);
}

function create(unique: number, file: string): { nodeId: number; fh: bigint } | number {
  serve(request('CREATE', [u32(0o102), u32(0o100600), u32(0), u32(0), name(file)], { unique }));
  const { errno = -1, payload = Buffer.alloc(0) } = replies.get(unique) ?? {};
  if (errno !== 0) return errno;
  return { nodeId: Number(payload.readBigUInt64LE(0)), fh: payload.readBigUInt64LE(payload.length - 16) };
}

test('a lock request that would wait where no more can wait is ENOLCK at once, and is not in line', () => {
  const file = create(10, 'some.db');
  if (typeof file === 'number') return expect.unreachable();
  const { nodeId, fh } = file;
  const lock = (unique: number, owner: number, type: number) =>
    serve(
      request('SETLKW', [u64(fh), u64(owner), u64(0), u64(END), u32(type), u32(owner), u32(0), u32(0)], {
        unique,
        nodeId,
      }),
    );
  const [write, unlock] = [1, 2];
  lock(20, 1, write);
  expect(replies.get(20)?.errno).toBe(0);
  for (let n = 1; n <= waiterSection.slots; n++) keptState.waiters.add((1_000_000 + n) as Unique);
  lock(30, 2, write);
  expect(replies.get(30)?.errno).toBe(ENOLCK);
  expect(coordinated.pending).toBe(0);
  expect(keptState.full.refusals).toBe(1);
  expect(log).toHaveBeenCalledWith('error', 'section-full', expect.objectContaining({ section: 'waiters' }));
  keptState.waiters.remove(1_000_001 as Unique);
  lock(40, 2, write);
  expect(replies.has(40)).toBe(false);
  lock(50, 1, unlock);
  expect(replies.get(40)?.errno).toBe(0);
  lock(60, 3, write);
  expect(replies.has(60)).toBe(false);
});

test('a file is not opened, and not made, where no more open files can be stored', () => {
  const handle = { nodeId: 1 as NodeId, access: 0, isDirect: false, pid: 1, openedS: 1, unique: 1 as Unique };
  for (let id = 1; id <= handleSection.slots; id++) keptState.handles.add({ ...handle, id: id as HandleId });
  expect(create(10, 'one.db')).toBe(ENFILE);
  expect(existsSync(join(folder, 'one.db'))).toBe(false);
  expect(log).toHaveBeenCalledWith('error', 'section-full', expect.objectContaining({ section: 'handles' }));
  keptState.handles.remove(5);
  expect(create(20, 'one.db')).toMatchObject({ nodeId: 2 });
});
