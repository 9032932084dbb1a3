import { closeSync, fstatSync, mkdtempSync, openSync, readSync, rmSync, unlinkSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { KeptDescriptors } from '../../../fs/state/kept-descriptors.ts';
import { createSocketPair } from '../../../fs/system/sockets.ts';

const roomBytes = 1 << 20;
let folder = '';
let socket: { readonly sendFd: number; readonly receiveFd: number };
const log = () => {};

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'hoody-sqlite-kept-'));
  socket = createSocketPair(roomBytes);
});
afterEach(() => {
  closeSync(socket.sendFd);
  closeSync(socket.receiveFd);
  rmSync(folder, { recursive: true });
});

function keepFile(kept: KeptDescriptors, id: number): number {
  const path = join(folder, `${id}`);
  const fd = openSync(path, 'w+');
  writeSync(fd, `file ${id}`);
  unlinkSync(path);
  kept.keep('node', id, fd);
  return fd;
}

function contentOf(fd: number): string {
  const bytes = Buffer.alloc(20);
  return bytes.toString('utf8', 0, readSync(fd, bytes, 0, bytes.length, 0));
}

describe('kept descriptors', () => {
  test('a successor finds what was kept, although the first process closed it and the file has no name', () => {
    const first = new KeptDescriptors(socket, log);
    for (const id of [1, 2, 3]) closeSync(keepFile(first, id));
    const found = new KeptDescriptors(socket, log).recover();
    expect(found.map(({ id, fd }) => [id, contentOf(fd)])).toEqual([
      [1, 'file 1'],
      [2, 'file 2'],
      [3, 'file 3'],
    ]);
    for (const { fd } of found) closeSync(fd);
  });

  test('finding them takes nothing away: the next successor finds them again', () => {
    closeSync(keepFile(new KeptDescriptors(socket, log), 7));
    for (let generation = 0; generation < 3; generation++) {
      const [found] = new KeptDescriptors(socket, log).recover();
      expect(contentOf(found?.fd ?? -1)).toBe('file 7');
      closeSync(found?.fd ?? -1);
    }
  });

  test('a newer descriptor of the same number replaces the older one', () => {
    const kept = new KeptDescriptors(socket, log);
    const older = keepFile(kept, 1);
    const newer = openSync(join(folder, 'newer'), 'w+');
    kept.keep('node', 1, newer);
    const [found, ...others] = new KeptDescriptors(socket, log).recover();
    expect(others).toEqual([]);
    expect(fstatSync(found?.fd ?? -1).ino).toBe(fstatSync(newer).ino);
    for (const fd of [older, newer, found?.fd ?? -1]) closeSync(fd);
  });

  test('copies of forgotten descriptors are cleared out while the live ones stay', () => {
    const kept = new KeptDescriptors(socket, log);
    const live = keepFile(kept, 1);
    for (let id = 2; id < 1000; id++) {
      const fd = keepFile(kept, id);
      kept.forget('node', id);
      closeSync(fd);
      expect(kept.inFlight).toBeLessThan(100);
    }
    const found = new KeptDescriptors(socket, log).recover().filter(({ id }) => id === 1);
    expect(found.map(({ fd }) => contentOf(fd))).toEqual(['file 1']);
    for (const fd of [live, found[0]?.fd ?? -1]) closeSync(fd);
  });

  test('a file that is to go has no copy left, and among many it waits for the others: no call takes out more than some', () => {
    const kept = new KeptDescriptors(socket, log);
    const fds = Array.from({ length: 500 }, (_, id) => keepFile(kept, id));
    let before = kept.inFlight;
    for (const id of fds.keys()) {
      kept.forget('node', id);
      kept.letGo(id);
      expect(before - kept.inFlight).toBeLessThanOrEqual(64);
      before = kept.inFlight;
      if (kept.inFlight <= 64) expect(kept.inFlight).toBe(kept.size);
    }
    expect(kept.inFlight).toBe(0);
    for (const fd of fds) closeSync(fd);
  });

  test('dead copies between thousands of live ones are cleared out a few at a time, and no live one is ever without a copy', () => {
    const first = new KeptDescriptors(socket, log);
    const fds = Array.from({ length: 300 }, (_, id) => keepFile(first, id));
    for (let id = 250; id < 300; id++) first.forget('node', id);
    vi.spyOn(performance, 'now').mockImplementation(() => 1e9);
    let calls = 0;
    while (first.nextClearMs < Number.POSITIVE_INFINITY) {
      expect(first.clearIfDue()).toBe(true);
      calls += 1;
      if (calls % 5 !== 0) continue;
      const found = new KeptDescriptors(socket, log).recover();
      expect(new Set(found.map(({ id }) => id)).size).toBeGreaterThanOrEqual(250);
      for (const { fd } of found) closeSync(fd);
    }
    vi.restoreAllMocks();
    expect(calls).toBeGreaterThan(300 / 20);
    expect(first.inFlight).toBe(250);
    const found = new KeptDescriptors(socket, log).recover();
    expect(found.map(({ id, fd }) => `${id} ${contentOf(fd)}`).sort()).toEqual(
      Array.from({ length: 250 }, (_, id) => `${id} file ${id}`).sort(),
    );
    for (const fd of [...fds, ...found.map(({ fd }) => fd)]) closeSync(fd);
  });

  test('a socket that is full loses no live descriptor when dead ones are cleared out', () => {
    const events: string[] = [];
    const small = createSocketPair(4096);
    const kept = new KeptDescriptors(small, (_level, event) => events.push(event));
    const fd = openSync(join(folder, 'file'), 'w');
    let count = 0;
    while (events.length === 0) kept.keep('mirror', count++, fd);
    for (let id = 1; id < count; id += 2) kept.forget('mirror', id);
    vi.spyOn(performance, 'now').mockImplementation(() => 1e9);
    while (kept.clearIfDue());
    vi.restoreAllMocks();
    const found = new KeptDescriptors(small, log).recover();
    expect(found.map(({ id }) => id).sort((a, b) => a - b)).toEqual(
      Array.from({ length: Math.floor(count / 2) }, (_, n) => 2 * n).filter((id) => id < count - 1),
    );
    for (const open of [fd, small.sendFd, small.receiveFd, ...found.map(({ fd }) => fd)]) closeSync(open);
    expect(events).toEqual(['descriptor-not-kept']);
  });

  test('when the socket is full the loss is logged and nothing fails', () => {
    const events: string[] = [];
    const kept = new KeptDescriptors(socket, (_level, event) => events.push(event));
    const fd = openSync(join(folder, 'file'), 'w');
    for (let id = 0; id < 20_000 && events.length === 0; id++) kept.keep('mirror', id, fd);
    expect(events).toEqual(['descriptor-not-kept']);
    closeSync(fd);
  });
});
