// The upkeep of a log is killed before each of its writes, renames, removals and syncs in turn: after a restart every
// moment that the log still tells of is right, and the upkeep ends its work.
import { cpSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import type { DatabaseId } from '../../../fs/archive/commit.ts';
import { finishFold, foldUpTo, settleBase } from '../../../fs/archive/log/base.ts';
import { decodeRecord, numberOf } from '../../../fs/archive/log/commit-record.ts';
import { compress } from '../../../fs/archive/log/compress.ts';
import { listLog, rawFiles, rawParts } from '../../../fs/archive/log/log-files.ts';
import { FolderLogStore } from '../../../fs/archive/log/log-store.ts';
import { OpenLog } from '../../../fs/archive/log/open-log.ts';
import { thin } from '../../../fs/archive/log/thin.ts';
import { LogUpkeep } from '../../../fs/archive/log/upkeep.ts';
import { oldestMoment } from '../../../fs/archive/past/commit-search.ts';
import { headOf, LoggedModel, stateIn } from './logged-model.ts';

const disk = vi.hoisted(() => ({ left: Number.POSITIVE_INFINITY, code: 'EIO' }));

vi.mock('node:fs', async (importOriginal) => {
  const real = await importOriginal<typeof import('node:fs')>();
  const names = ['writeSync', 'renameSync', 'unlinkSync', 'ftruncateSync', 'fsyncSync'] as const;
  const laterNames = ['write', 'ftruncate', 'fsync'] as const;
  type Call = (...args: unknown[]) => unknown;
  /** Of a write that fails, the first half arrives. */
  const failHere = (name: string, args: unknown[]): Error | undefined => {
    disk.left--;
    if (disk.left >= 0) return undefined;
    const [fd, bytes, offset = 0, length = 0, position] = args as [number, Buffer, number, number, number];
    if (disk.left === -1 && name.startsWith('write')) real.writeSync(fd, bytes, offset, length >> 1, position);
    return Object.assign(new Error(`${disk.code}: no more`), { code: disk.code });
  };
  const sync = names.map((name) => {
    const call: Call = (...args) => {
      const error = failHere(name, args);
      if (error !== undefined) throw error;
      return (real[name] as Call)(...args);
    };
    return [name, call];
  });
  const later = laterNames.map((name) => {
    const call: Call = (...args) => {
      const error = failHere(name, args);
      if (error === undefined) return (real[name] as Call)(...args);
      (args.at(-1) as (error: Error) => void)(error);
      return undefined;
    };
    return [name, call];
  });
  return { ...real, ...Object.fromEntries([...sync, ...later]) };
});

// Every write of a log is synced by a disk that others use too.
vi.setConfig({ testTimeout: 120_000 });

let folder: string;
let archiveDir: string;
const id: DatabaseId = { inode: '12', device: '34', name: 'app.db' };
const retention = { everyCommitSeconds: 1e9, thinnedSeconds: 1e9, budgetBytes: 1e12 };

beforeEach(() => {
  archiveDir = mkdtempSync(join(tmpdir(), 'hoody-crash-'));
  folder = join(archiveDir, '00000001');
});
afterEach(() => {
  disk.left = Number.POSITIVE_INFINITY;
  rmSync(archiveDir, { recursive: true, force: true });
});

/** 40 commits in segments of 8 KiB, with a base that is valid from commit 3. */
function fill(model: LoggedModel): void {
  const store = new FolderLogStore(archiveDir, { segmentBytes: 8192 });
  const { log } = store.open(id);
  for (let count = 1; count <= 40; count++) {
    log.append(model.next(count === 1 ? 'base' : 'commit'));
    if (count !== 3) continue;
    const path = store.unfinishedBasePath(id);
    writeFileSync(path, Buffer.concat(model.states[2] ?? []));
    log.setBase(path, 3);
  }
  store.close();
}

async function compressAll(): Promise<void> {
  await settleBase(folder);
  for (const first of listLog(folder).raw.slice(0, -1)) await compress(folder, first);
}

const works: readonly (readonly [string, (isPrepared: boolean) => Promise<void>])[] = [
  [
    'compression',
    async (isPrepared) => {
      const raws = listLog(folder).raw;
      if (!isPrepared) await settleBase(folder);
      for (const first of raws.slice(0, isPrepared ? -3 : 2)) await compress(folder, first);
    },
  ],
  [
    'dropping the oldest',
    async (isPrepared) => {
      if (isPrepared) await compressAll();
      else await foldUpTo(folder, listLog(folder).closed[1]?.last ?? 0);
    },
  ],
  [
    'dropping a part of a segment',
    async (isPrepared) => {
      if (isPrepared) return compressAll();
      const { first = 0, last = 0 } = listLog(folder).closed[1] ?? {};
      expect(last).toBeGreaterThan(first);
      await foldUpTo(folder, last - 1);
    },
  ],
  [
    'thinning',
    async (isPrepared) => {
      if (isPrepared) return compressAll();
      const log = OpenLog.open(folder);
      try {
        await thin(log, 0, log.segments.length - 2, 40);
      } finally {
        log.close();
      }
    },
  ],
];

test.each(works)('a crash at any moment of %s', async (_name, work) => {
  const model = new LoggedModel({ seed: 21 });
  fill(model);
  await work(true);
  const saved = join(archiveDir, 'saved');
  cpSync(folder, saved, { recursive: true });
  let crashes = 0;
  for (let left = 0; ; left++) {
    rmSync(folder, { recursive: true });
    cpSync(saved, folder, { recursive: true });
    disk.left = left;
    const failure = await work(false).then(
      () => undefined,
      (error: Error) => error,
    );
    const hasCrashed = disk.left < 0;
    disk.left = Number.POSITIVE_INFINITY;
    if (!hasCrashed) expect(failure).toBe(undefined);
    const store = new FolderLogStore(archiveDir, { segmentBytes: 8192 });
    const { log } = store.open(id);
    checkStates(model);
    const upkeep = new LogUpkeep({ archiveDir, store, retention, log: (_, event) => expect(event).toBe('none') });
    await upkeep.round();
    checkStates(model);
    expect(headOf(log)).toEqual(model.head);
    expect(await upkeep.verify()).toMatchObject({ faults: [] });
    expect(listLog(folder)).toMatchObject({ leftovers: [], raw: { length: 1 }, sums: { size: 1 } });
    await upkeep.stop();
    store.close();
    if (!hasCrashed) break;
    crashes++;
  }
  expect(crashes).toBeGreaterThan(5);
});

/** Every commit that the log tells of, from its oldest state on. */
function checkStates(model: LoggedModel): void {
  const log = OpenLog.open(folder);
  const oldest = oldestMoment(log)?.number ?? Number.POSITIVE_INFINITY;
  const numbers = log.segments.flatMap((segment) => {
    const records = segment.records();
    return Array.from({ length: segment.commits }, (_, index) => numberOf(records, index));
  });
  log.close();
  expect(numbers.at(-1)).toBe(40);
  expect(oldest).toBeLessThan(30);
  for (const number of numbers) {
    if (number >= oldest) expect([number, stateIn(folder, number)]).toEqual([number, model.sumsAt(number)]);
  }
}

test('a full disk leaves nothing of a commit, and the next one goes on', () => {
  const model = new LoggedModel({ seed: 22 });
  const store = new FolderLogStore(archiveDir);
  const { log } = store.open(id);
  const first = model.next('base');
  disk.code = 'ENOSPC';
  disk.left = 0;
  expect(() => log.append(first)).toThrow('ENOSPC');
  disk.left = Number.POSITIVE_INFINITY;
  expect(log.append(first)).toBe(1);
  const size = (): number[] => rawParts.map((part) => statSync(rawFiles(folder, 1)[part]).size);
  for (let count = 2; count <= 9; count++) {
    const before = size();
    const commit = model.next();
    const named = { ...commit, writer: { pid: count, command: `program ${count}`, container: 'web' } };
    for (let left = 0; left < 4; left++) {
      disk.left = left;
      expect(() => log.append(named)).toThrow('ENOSPC');
      disk.left = Number.POSITIVE_INFINITY;
      expect(log.last?.number).toBe(count - 1);
    }
    expect(log.append(named)).toBe(count);
    expect(size().every((bytes, index) => bytes > (before[index] ?? 0))).toBe(true);
  }
  store.close();
  const again = new FolderLogStore(archiveDir);
  expect(again.open(id).log.last?.number).toBe(9);
  again.close();
});

test('after folding, what was dropped is gone, and a fold that was cut off is ended by the next round', async () => {
  const model = new LoggedModel({ seed: 23 });
  fill(model);
  await compressAll();
  const { closed } = listLog(folder);
  const upTo = closed[2]?.last ?? 0;
  expect(await foldUpTo(folder, upTo)).toBe(true);
  await finishFold(folder);
  const after = listLog(folder);
  expect(after.closed).toEqual(closed.slice(3));
  expect(after.base).toMatchObject({ validFrom: upTo, bootId: undefined });
  const log = OpenLog.open(folder);
  expect(oldestMoment(log)?.number).toBe(upTo + 1);
  expect(decodeRecord(log.segments[0]?.records() ?? Buffer.alloc(0), 0).number).toBe(upTo + 1);
  log.close();
  checkStates(model);
});
