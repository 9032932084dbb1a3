import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import type { DatabaseId } from '../../../fs/archive/commit.ts';
import { decodeRecord, RECORD_BYTES } from '../../../fs/archive/log/commit-record.ts';
import { listLog, rawFiles } from '../../../fs/archive/log/log-files.ts';
import { FolderLogStore } from '../../../fs/archive/log/log-store.ts';
import { OpenLog } from '../../../fs/archive/log/open-log.ts';
import { budgetOf } from '../../../fs/archive/log/retention.ts';
import { LogUpkeep } from '../../../fs/archive/log/upkeep.ts';
import type { Retention } from '../../../fs/archive/messages.ts';
import { oldestMoment } from '../../../fs/archive/past/commit-search.ts';
import { markRewind } from '../../../fs/archive/past/rewinds.ts';
import { bytesIn } from '../../../fs/archive/past/status.ts';
import { wholeFrom } from '../../helpers/seeded-random.ts';
import { headOf, LoggedModel, stateIn } from './logged-model.ts';

// Every write of a log is synced by a disk that others use too.
vi.setConfig({ testTimeout: 120_000 });

let archiveDir: string;
let nowMs: number;
let events: [string, unknown][];
const startMs = Date.UTC(2026, 0, 1);
const hourMs = 3_600_000;
const keepAll: Retention = { everyCommitSeconds: 1e9, thinnedSeconds: 1e9, budgetBytes: 1e12 };

beforeEach(() => {
  archiveDir = mkdtempSync(join(tmpdir(), 'hoody-upkeep-'));
  nowMs = startMs;
  events = [];
});
afterEach(() => {
  rmSync(archiveDir, { recursive: true, force: true });
});

function upkeepOf(store: FolderLogStore, retention: Retention): LogUpkeep {
  const log = (_level: string, event: string, fields: unknown) => events.push([event, fields]);
  return new LogUpkeep({ archiveDir, store, retention, log, nowMs: () => nowMs });
}

function idOf(inode: number, name = `${inode}.db`): DatabaseId {
  return { inode: String(inode), device: '1', name };
}

/** Commits up to this number; the base is valid from the first on. */
function fill(store: FolderLogStore, id: DatabaseId, model: LoggedModel, commits: number): void {
  const { log } = store.open(id);
  for (let number = model.states.length; number <= commits; number++) {
    log.append(model.next(number === 1 ? 'base' : number % 40 === 0 ? 'resync' : 'commit'));
    if (number !== 1) continue;
    const path = store.unfinishedBasePath(id);
    writeFileSync(path, Buffer.concat(model.states[0] ?? []));
    log.setBase(path, 1);
  }
}

function numbersIn(folder: string): { number: number; timeMs: number; standsFor: number }[] {
  const log = OpenLog.open(folder);
  const oldest = oldestMoment(log)?.number ?? 0;
  const found = log.segments.flatMap((segment) => {
    const records = segment.records();
    return Array.from({ length: segment.commits }, (_, index) => decodeRecord(records, index));
  });
  log.close();
  return found.filter(({ number }) => number >= oldest);
}

function checkStates(folder: string, model: LoggedModel): void {
  for (const { number } of numbersIn(folder)) {
    expect([number, stateIn(folder, number)]).toEqual([number, model.sumsAt(number)]);
  }
}

test('history is thinned to a state for each 5 minutes, then one a day, and every state that is left is right', async () => {
  const store = new FolderLogStore(archiveDir, { segmentBytes: 16 * 1024 });
  const id = idOf(1);
  const model = new LoggedModel({ seed: 31, startMs, stepMs: 120_000 });
  fill(store, id, model, 400);
  const { log } = store.open(id);
  await log.sync();
  const folder = join(archiveDir, '00000001');
  const retention = { everyCommitSeconds: 7 * 86_400, thinnedSeconds: 30 * 86_400, budgetBytes: 1e12 };
  const upkeep = upkeepOf(store, retention);
  await upkeep.round();
  expect(numbersIn(folder)).toHaveLength(400);
  const rawFirst = listLog(folder).raw[0] ?? 0;
  for (const [laterDays, intervalMs] of [
    [8, 5 * 60_000],
    [40, 24 * hourMs],
  ] as const) {
    nowMs = startMs + laterDays * 24 * hourMs;
    const before = bytesIn(folder);
    await upkeep.round();
    expect(bytesIn(folder)).toBeLessThan(before);
    const kept = numbersIn(folder);
    const closed = kept.filter(({ number }) => number < rawFirst);
    const intervals = closed.map(({ timeMs }) => Math.floor(timeMs / intervalMs));
    // A run of segments that is thinned together keeps its last commit as well.
    expect(intervals.length - new Set(intervals).size).toBeLessThanOrEqual(1);
    expect(closed.reduce((sum, { standsFor }) => sum + standsFor, 0)).toBe(rawFirst - 1);
    for (const { number, timeMs } of closed) {
      const next = model.times[number + 1] ?? Number.POSITIVE_INFINITY;
      const isLast = Math.floor(next / intervalMs) > Math.floor(timeMs / intervalMs);
      if (number !== closed.at(-1)?.number) expect([number, isLast]).toEqual([number, true]);
    }
    checkStates(folder, model);
    expect(headOf(log)).toEqual(model.head);
    expect(await upkeep.verify()).toEqual({ commits: kept.length, faults: [] });
  }
  fill(store, id, model, 410);
  expect(headOf(log)).toEqual(model.head);
  store.close();
  const again = new FolderLogStore(archiveDir);
  expect(again.open(id).log.last?.number).toBe(410);
  again.close();
  expect(events).toEqual([]);
});

test.each(['thinned', 'dropped'])(
  'pages that were cut off and grew again unwritten are zero, also when %s',
  async (how) => {
    const store = new FolderLogStore(archiveDir, { segmentBytes: how === 'thinned' ? 1e9 : 512 });
    const id = idOf(1);
    const model = new LoggedModel({ seed: 35, startMs, pages: 8, stepMs: 1000 });
    fill(store, id, model, 1);
    const { log } = store.open(id);
    const page = (content: number): Buffer => Buffer.alloc(512, content);
    log.append(model.commit('commit', 8, [5, 8], [page(1), page(2)]));
    log.append(model.commit('commit', 3, [2], [page(3)]));
    if (how === 'dropped') log.append(model.commit('commit', 3, [3], [page(4)]));
    log.append(model.commit('commit', 6, [6], [page(5)]));
    log.append(model.commit('commit', 7, [1], [page(6)]));
    await log.sync();
    log.close();
    const last = model.states.length - 1;
    const { folder } = store.incarnations[0] ?? { folder: '' };
    if (how === 'thinned') {
      store.forget(id);
      const upkeep = upkeepOf(store, { ...keepAll, everyCommitSeconds: 1 });
      nowMs += hourMs;
      await upkeep.round();
      expect(numbersIn(folder)).toMatchObject([{ number: last, standsFor: last }]);
    } else {
      const upkeep = upkeepOf(store, keepAll);
      await upkeep.prune(store.incarnations, model.times[5]);
      expect(numbersIn(folder)[0]?.number).toBe(5);
    }
    checkStates(folder, model);
    expect(stateIn(folder, last)).toEqual(model.sumsAt(last));
    expect(await upkeepOf(store, keepAll).verify()).toMatchObject({ faults: [] });
    store.close();
  },
);

test('over the budget, the oldest commits of all logs go first, and it is told once', async () => {
  const store = new FolderLogStore(archiveDir, { segmentBytes: 16 * 1024 });
  const models = [1, 2, 3].map((seed) => new LoggedModel({ seed, startMs: startMs + seed * hourMs, stepMs: 1000 }));
  for (const [index, model] of models.entries()) fill(store, idOf(index + 1), model, 160);
  for (const log of store.openLogs.values()) await log.sync();
  await upkeepOf(store, keepAll).round();
  const folders = store.incarnations.map(({ folder }) => folder);
  const all = folders.reduce((sum, folder) => sum + bytesIn(folder), 0);
  const budgetBytes = Math.floor(all * 0.75);
  const upkeep = upkeepOf(store, { ...keepAll, budgetBytes });
  expect(upkeep.budgetBytes).toBe(budgetBytes);
  await upkeep.round();
  expect(folders.reduce((sum, folder) => sum + bytesIn(folder), 0)).toBeLessThanOrEqual(budgetBytes);
  const oldest = folders.map((folder) => numbersIn(folder)[0]?.number ?? 0);
  expect(oldest[0]).toBeGreaterThan(50);
  expect(oldest[2]).toBe(1);
  for (const [index, folder] of folders.entries()) checkStates(folder, models[index] ?? new LoggedModel({ seed: 0 }));
  expect(await upkeep.verify()).toMatchObject({ faults: [] });
  await upkeep.round();
  expect(events).toMatchObject([['archive-budget-reached', { budgetBytes }]]);
  store.close();
});

test('the budget by default is a copy of each database, and for commits a share of the disk that leaves room', () => {
  const retention = { ...keepAll, budgetBytes: 0 };
  const empty = { bytes: 1e12, freeBytes: 1e12 };
  expect(budgetOf(retention, empty, { databaseBytes: 2 ** 30, archiveBytes: 2 ** 30 })).toBe(3 * 2 ** 30);
  const small = { bytes: 1e10, freeBytes: 5e9 };
  expect(budgetOf(retention, small, { databaseBytes: 2e9, archiveBytes: 2e9 })).toBe(3e9);
  const full = { bytes: 1e10, freeBytes: 1e8 };
  expect(budgetOf(retention, full, { databaseBytes: 2e9, archiveBytes: 2e9 })).toBe(2e9 + 5e7);
  expect(budgetOf(retention, full, { databaseBytes: 2e9, archiveBytes: 2.5e9 })).toBe(2e9 + 3e8);
  expect(budgetOf({ ...retention, budgetBytes: 5 }, full, { databaseBytes: 2e9, archiveBytes: 0 })).toBe(5);
});

test('the log of a deleted database stays until it is too old; prune drops just what is older than a time', async () => {
  const store = new FolderLogStore(archiveDir, { segmentBytes: 16 * 1024 });
  const models = [1, 2].map((seed) => new LoggedModel({ seed, startMs, stepMs: 1000 }));
  for (const [index, model] of models.entries()) fill(store, idOf(index + 1), model, 200);
  for (const log of store.openLogs.values()) await log.sync();
  const [first = '', second = ''] = store.incarnations.map(({ folder }) => folder);
  store.forget(idOf(2));
  const upkeep = upkeepOf(store, { ...keepAll, everyCommitSeconds: 1e6, thinnedSeconds: 1e6 });
  await upkeep.round();
  expect(numbersIn(second)).toHaveLength(200);
  const incarnations = store.incarnations.slice(0, 1);
  const model = models[0] ?? new LoggedModel({ seed: 0 });
  const dropped = await upkeep.prune(incarnations, model.times[120]);
  expect(dropped.droppedCommits).toBe(119);
  expect(numbersIn(first)[0]?.number).toBe(120);
  checkStates(first, model);
  expect(await upkeep.verify(incarnations)).toEqual({ commits: 81, faults: [] });
  // The newest one of a log that goes on stays, whatever its age.
  expect((await upkeep.prune(incarnations, startMs + 1e9)).droppedCommits).toBe(80);
  checkStates(first, model);
  expect(await upkeep.verify(incarnations)).toEqual({ commits: 1, faults: [] });
  fill(store, idOf(1), model, 210);
  checkStates(first, model);
  nowMs = startMs + 2e9;
  await upkeep.round();
  expect(readdirSync(archiveDir)).toEqual(['00000001']);
  expect(store.incarnations).toHaveLength(1);
  store.close();
});

/** One log of every kind of file: a base with its checksums, thinned, compressed and raw segments, a rewind. */
async function everyKindOfFile(): Promise<string> {
  const store = new FolderLogStore(archiveDir, { segmentBytes: 8 * 1024 });
  const id = idOf(1, 'app.db');
  const model = new LoggedModel({ seed: 33, startMs, stepMs: 60_000 });
  fill(store, id, model, 60);
  await store.open(id).log.sync();
  nowMs = startMs + 200_000;
  const retention = { everyCommitSeconds: 1, thinnedSeconds: 1e9, budgetBytes: 1e12 };
  await upkeepOf(store, keepAll).round();
  nowMs = (model.times[20] ?? 0) + 1000;
  await upkeepOf(store, retention).round();
  const folder = join(archiveDir, '00000001');
  markRewind(folder, { number: 50, from: 'a', to: 'b' });
  markRewind(folder, { number: 51, from: 'a', to: 'b' });
  store.close();
  const { closed, raw, base } = listLog(folder);
  expect([closed.length > 3, raw.length, base?.bootId]).toEqual([true, 1, undefined]);
  return folder;
}

async function faultsOf(): Promise<readonly string[]> {
  const store = new FolderLogStore(archiveDir);
  const { faults } = await upkeepOf(store, keepAll).verify();
  store.close();
  return faults;
}

test('verify finds a flipped bit in any byte of any file, and says where', async () => {
  const folder = await everyKindOfFile();
  expect(await faultsOf()).toEqual([]);
  const random = wholeFrom(34);
  for (const name of readdirSync(folder)) {
    const path = join(folder, name);
    const bytes = readFileSync(path);
    const places = new Set([0, bytes.length - 1]);
    while (places.size < Math.min(12, bytes.length)) places.add(random(bytes.length));
    for (const place of places) {
      const changed = Buffer.from(bytes);
      changed[place] = (changed[place] ?? 0) ^ (1 << random(8));
      writeFileSync(path, changed);
      const faults = await faultsOf();
      const isTornRewind = name === 'rewinds' && place === bytes.length - 1;
      if (!isTornRewind) expect([name, place, faults.length > 0]).toEqual([name, place, true]);
      expect(faults.filter((fault) => fault.includes('\n'))).toEqual([]);
    }
    writeFileSync(path, bytes);
  }
  expect(await faultsOf()).toEqual([]);
});

test.each(['thinned', 'dropped'])(
  'damage is not %s: it is told, stays as it is, and verify still finds it',
  async (how) => {
    const store = new FolderLogStore(archiveDir, { segmentBytes: 8 * 1024 });
    fill(store, idOf(1, 'app.db'), new LoggedModel({ seed: 35, startMs, stepMs: 60_000 }), 60);
    await store.openLogs.values().next().value?.sync();
    await upkeepOf(store, keepAll).round();
    const folder = join(archiveDir, '00000001');
    const { path = '', first = 0, last = 0 } = listLog(folder).closed[1] ?? {};
    const bytes = readFileSync(path);
    bytes[10] = (bytes[10] ?? 0) ^ 1;
    writeFileSync(path, bytes);
    nowMs = startMs + 30 * 24 * hourMs;
    const retention = how === 'thinned' ? { ...keepAll, everyCommitSeconds: 1 } : { ...keepAll, budgetBytes: 1 };
    const upkeep = upkeepOf(store, retention);
    for (let round = 0; round < 3; round++) await upkeep.round(true);
    expect(events.filter(([event]) => event === 'archive-damaged')).toHaveLength(1);
    expect(readFileSync(path).equals(bytes)).toBe(true);
    const { faults } = await upkeep.verify();
    expect(faults.join('; ')).toContain(`commits ${first} to ${last}`);
    store.close();
  },
);

test('verify finds commits that were removed, swapped or cut off, and files that are gone', async () => {
  const folder = await everyKindOfFile();
  const saved = join(archiveDir, 'saved');
  cpSync(folder, saved, { recursive: true });
  const { closed, raw, base } = listLog(folder);
  const files = rawFiles(folder, raw[0] ?? 0);
  const [one, two] = closed.slice(1, 3);
  const records = (change: (bytes: Buffer) => Buffer): void =>
    writeFileSync(files.commits, change(readFileSync(files.commits)));
  const at = (index: number): number => index * RECORD_BYTES;
  const tampering: readonly (readonly [string, RegExp, () => void])[] = [
    [
      'a record is removed',
      /commit \d+ stands where commit \d+ belongs/,
      () => records((bytes) => Buffer.concat([bytes.subarray(0, at(2)), bytes.subarray(at(3))])),
    ],
    [
      'two records are swapped',
      /commit \d+ stands where commit \d+ belongs/,
      () =>
        records((bytes) =>
          Buffer.concat([
            bytes.subarray(0, at(1)),
            bytes.subarray(at(2), at(3)),
            bytes.subarray(at(1), at(2)),
            bytes.subarray(at(3)),
          ]),
        ),
    ],
    ['a segment is removed', /commits \d+ to \d+ are missing/, () => rmSync(one?.path ?? '')],
    [
      'two segments are swapped',
      /its content is that of commits \d+ to \d+/,
      () => {
        cpSync(one?.path ?? '', join(archiveDir, 'kept'));
        cpSync(two?.path ?? '', one?.path ?? '');
        cpSync(join(archiveDir, 'kept'), two?.path ?? '');
        rmSync(join(archiveDir, 'kept'));
      },
    ],
    [
      'an old segment is cut',
      /end is damaged/,
      () => truncateSync(two?.path ?? '', statSync(two?.path ?? '').size - 9),
    ],
    ['pages are cut', /missing|damaged/, () => truncateSync(files.pages, statSync(files.pages).size - 9)],
    ['the base is gone', /base is missing|first copy|no state/, () => rmSync(base?.path ?? '')],
    ['the base is cut', /of the base/, () => truncateSync(base?.path ?? '', 512)],
    ['the oldest segment is gone', /commits \d+ to \d+ are missing/, () => rmSync(closed[0]?.path ?? '')],
  ];
  for (const [what, wanted, tamper] of tampering) {
    tamper();
    expect([what, (await faultsOf()).join('; ')]).toEqual([what, expect.stringMatching(wanted)]);
    rmSync(folder, { recursive: true });
    cpSync(saved, folder, { recursive: true });
  }
  rmSync(saved, { recursive: true });
  expect(await faultsOf()).toEqual([]);
});
