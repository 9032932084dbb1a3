// A sync that was handed over: it is answered on the device, and the descriptor that was opened for it is closed.
import { fstatSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { syncAndAnswer } from '../../../fs/channel/slow-sync.ts';
import { SyncAverage } from '../../../fs/nodes/syncer.ts';
import type { Unique } from '../../../fs/protocol/requests.ts';
import { close } from '../../../fs/system/files.ts';
import { eventually } from '../../helpers/eventually.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'hoody-sqlite-sync-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

test.each([true, false])('opened for this sync: %s', async (isOwn) => {
  const answers = join(folder, 'device');
  const device = openSync(answers, 'w');
  const fd = openSync(folder, 'r');
  syncAndAnswer({ fd, isOwn, isDataOnly: false, unique: 77 as Unique, isResent: false }, device, new SyncAverage());
  await eventually(() => expect(readFileSync(answers).length).toBe(16));
  expect(readFileSync(answers).readBigUInt64LE(8)).toBe(77n);
  if (isOwn) await eventually(() => expect(() => fstatSync(fd)).toThrow('EBADF'));
  else expect(close(fd)).toBe(0);
  close(device);
});
