// Who does a sync: the thread that answers the kernel while the device is fast, somebody else while it is slow.
import { closeSync, fstatSync, fsyncSync, ftruncateSync, mkdtempSync, openSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { SyncAverage, Syncer, type SyncJob } from '../../../fs/nodes/syncer.ts';
import type { Unique } from '../../../fs/protocol/requests.ts';
import { SILENT } from '../../../fs/protocol/results.ts';

let folder: string;
let job: SyncJob;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'hoody-sqlite-sync-'));
  job = { fd: openSync(join(folder, 'f'), 'w'), isDataOnly: false, unique: 2 as Unique, isResent: false };
});
afterEach(() => {
  closeSync(job.fd);
  rmSync(folder, { recursive: true });
});

test('a sync is done at once while syncs are fast', () => {
  // One syncer each: on a busy machine the first sync alone may make the device count as slow.
  const unreachable = () => expect.unreachable();
  expect(new Syncer(new SyncAverage(), unreachable).sync(job)).toBe(0);
  expect(new Syncer(new SyncAverage(), unreachable).sync({ ...job, isDataOnly: true })).toBe(0);
});

test('a sync of much that waits to be written is handed over, the first one too', () => {
  const handedOver: SyncJob[] = [];
  const sync = () => new Syncer(new SyncAverage(), (given) => handedOver.push(given)).sync(job);
  writeSync(job.fd, Buffer.alloc(8 << 20, 1));
  expect(sync()).toBe(SILENT);
  fsyncSync(job.fd);
  expect(sync()).toBe(0);
  writeSync(job.fd, Buffer.alloc(4096, 2), 0, 4096, 0);
  expect(sync()).toBe(0);
  writeSync(job.fd, Buffer.alloc(4 << 20, 3), 0, 4 << 20, 4096);
  expect(sync()).toBe(SILENT);
  ftruncateSync(job.fd, 65 << 20); // where to count the dirty pages would take as long
  expect(sync()).toBe(SILENT);
  expect(handedOver).toHaveLength(3);
});

test('a sync that fails gives its errno', () => {
  const syncer = new Syncer(new SyncAverage(), () => expect.unreachable());
  expect(syncer.sync({ ...job, fd: -1 })).toBe(-9);
});

test('a descriptor that was opened for the sync is closed with it', () => {
  const fd = openSync(join(folder, 'f'), 'r');
  new Syncer(new SyncAverage(), () => expect.unreachable()).sync({ ...job, fd, isOwn: true });
  expect(() => fstatSync(fd)).toThrow('EBADF');
  expect(fstatSync(job.fd).isFile()).toBe(true);
});

test('a sync is handed over while syncs are slow, and taken back when they have become fast', () => {
  const average = new SyncAverage();
  const handedOver: SyncJob[] = [];
  const syncer = new Syncer(average, (given) => handedOver.push(given));
  average.add(30);
  expect(syncer.sync(job)).toBe(SILENT);
  expect(handedOver).toEqual([job]);
  for (let count = 0; count < 20; count++) average.add(0.1);
  expect(syncer.sync(job)).toBe(0);
});

test('the average is one for all threads that share its memory', () => {
  const average = new SyncAverage();
  average.add(30);
  expect(new SyncAverage(average.memory).isSlow).toBe(true);
});
