// Errands as the thread does them: the very file, the result or the errno, and no descriptor left.
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { doErrand } from '../../../fs/channel/errand-thread.ts';
import { type Errand, Errands } from '../../../fs/nodes/errands.ts';
import type { Unique } from '../../../fs/protocol/requests.ts';
import { SILENT } from '../../../fs/protocol/results.ts';
import { O_CLOEXEC, O_PATH, openat } from '../../../fs/system/files.ts';
import { openPaths } from '../../helpers/descriptors.ts';

const EBADF = 9;
const EINVAL = 22;
const asked = { unique: 7 as Unique, isResent: true };
let folder: string;
let path: string;
let fd: number;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'hoody-sqlite-errand-'));
  path = join(folder, 'f');
  writeFileSync(path, 'abcdefgh');
  fd = openSync(path, 'r+');
});
afterEach(() => {
  closeSync(fd);
  rmSync(folder, { recursive: true });
});

/** Hands the call over; the caller's descriptors are closed before it is done, as by a client that is killed. */
function run(call: Parameters<Errands['start']>[2]): number {
  const given: Errand[] = [];
  const errands = new Errands((errand) => given.push(errand));
  expect(errands.start(asked, { device: '8:1' }, call, (result) => result)).toBe(SILENT);
  const [errand] = given;
  if (errand === undefined) return expect.unreachable();
  const { id, result } = doErrand(errand);
  const owed = errands.finished(id);
  expect(owed?.asked).toEqual(asked);
  expect(errands.finished(id)).toBeUndefined();
  return owed?.finish(result, Buffer.alloc(0)) ?? Number.NaN;
}

test('truncate reaches the file of an open descriptor and of one that is only a name for it', () => {
  const name = openat(-1, Buffer.from(`${path}\0`), O_PATH | O_CLOEXEC, 0);
  expect(run({ call: 'truncate', fds: [fd], isOpen: true, size: 5 })).toBe(0);
  expect(readFileSync(path, 'utf8')).toBe('abcde');
  expect(run({ call: 'truncate', fds: [name], isOpen: false, size: 3 })).toBe(0);
  expect(readFileSync(path, 'utf8')).toBe('abc');
  closeSync(name);
});

test('fallocate and copy_file_range do what they are asked for', () => {
  expect(run({ call: 'copy_file_range', fds: [fd, fd], offsetIn: 0n, offsetOut: 8n, sizeBytes: 4 })).toBe(4);
  expect(readFileSync(path, 'utf8')).toBe('abcdefghabcd');
  expect(run({ call: 'fallocate', fds: [fd], mode: 0, offset: 0, length: 100 })).toBe(0);
  expect(statSync(path).size).toBe(100);
});

test('an error is its errno, and no descriptor is left in any case', () => {
  const before = openPaths(process.pid).length;
  expect(run({ call: 'fallocate', fds: [fd], mode: 0, offset: -1, length: 1 })).toBe(-EINVAL);
  expect(run({ call: 'truncate', fds: [fd], isOpen: true, size: -1 })).toBe(-EINVAL);
  const unreachable = () => expect.unreachable();
  const broken = { call: 'copy_file_range', fds: [fd, 99_999], offsetIn: 0n, offsetOut: 0n, sizeBytes: 1 } as const;
  expect(new Errands(unreachable).start(asked, { device: '8:1' }, broken, unreachable)).toBe(-EBADF);
  expect(openPaths(process.pid)).toHaveLength(before);
});
