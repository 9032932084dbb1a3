import {
  closeSync,
  cpSync,
  fstatSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  readSync,
  renameSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import type { CommitLog, DatabaseId } from '../../../fs/archive/commit.ts';
import { compress } from '../../../fs/archive/log/compress.ts';
import { listLog, rawFiles, rawParts } from '../../../fs/archive/log/log-files.ts';
import { FolderLogStore } from '../../../fs/archive/log/log-store.ts';
import { OpenLog } from '../../../fs/archive/log/open-log.ts';
import { wholeFrom } from '../../helpers/seeded-random.ts';
import { headOf, LoggedModel, stateIn, sumsOf } from './logged-model.ts';

// Every write of a log is synced by a disk that others use too.
vi.setConfig({ testTimeout: 120_000 });

let archiveDir: string;
const id: DatabaseId = { inode: '12', device: '34', name: 'app.db' };

beforeEach(() => {
  archiveDir = mkdtempSync(join(tmpdir(), 'hoody-log-'));
});
afterEach(() => {
  rmSync(archiveDir, { recursive: true, force: true });
});

const folderOf = (incarnation = 1): string => join(archiveDir, incarnation.toString(16).padStart(8, '0'));

/** A log with a base and `commits` random commits, closed again. */
function filledLog(model: LoggedModel, commits: number, segmentBytes = 8192): string {
  const store = new FolderLogStore(archiveDir, { segmentBytes });
  const { log } = store.open(id);
  for (let count = 1; count <= commits; count++) {
    log.append(model.next(count === 1 ? 'base' : count % 50 === 0 ? 'resync' : 'commit'));
    if (count === 3) setBase(store, model.states[2] ?? []);
  }
  store.close();
  return folderOf();
}

function setBase(store: FolderLogStore, pages: readonly Buffer[]): void {
  const path = store.unfinishedBasePath(id);
  writeFileSync(path, Buffer.concat(pages));
  store.open(id).log.setBase(path, 3);
}

test('every state of every commit comes back, raw and compressed, and so does the newest page', async () => {
  for (const pageBytes of [512, 4096, 65536]) {
    const model = new LoggedModel({ seed: pageBytes, pageBytes });
    const store = new FolderLogStore(archiveDir, { segmentBytes: 16 * pageBytes });
    const own = { ...id, inode: String(pageBytes) };
    const { log, isNew } = store.open(own);
    expect(isNew).toBe(true);
    const folder = store.incarnations.at(-1)?.folder ?? '';
    for (let count = 1; count <= 60; count++) {
      expect(log.append(model.next(count === 1 ? 'base' : 'commit'))).toBe(count);
      if (count === 2) {
        const path = store.unfinishedBasePath(own);
        writeFileSync(path, Buffer.concat(model.states[1] ?? []));
        log.setBase(path, 2);
      }
      if (count > 2) expect(headOf(log)).toEqual(model.head);
    }
    const check = (): void => {
      for (let number = 2; number <= 60; number++) expect(stateIn(folder, number)).toEqual(model.sumsAt(number));
    };
    check();
    const raws = listLog(folder).raw;
    expect(raws.length).toBeGreaterThan(3);
    for (const first of raws.slice(0, -1)) await compress(folder, first);
    expect(listLog(folder)).toMatchObject({ raw: raws.slice(-1), closed: { length: raws.length - 1 } });
    check();
    expect(headOf(log)).toEqual(model.head);
    store.close();
  }
});

test('a log goes on where it ended, whether its end is raw or compressed', async () => {
  const model = new LoggedModel({ seed: 5 });
  const folder = filledLog(model, 30);
  for (const compressFirst of [false, true]) {
    if (compressFirst) for (const first of listLog(folder).raw) await compress(folder, first);
    const store = new FolderLogStore(archiveDir);
    const { log, isNew } = store.open(id);
    const known = model.states.length - 1;
    expect([isNew, log.hasBase, log.pageBytes]).toEqual([false, true, 512]);
    expect(log.last).toMatchObject({
      number: known,
      timeMs: model.times[known],
      databasePages: model.head.length,
      position: { salt1: 0xfffffff0, salt2: 2, checksum1: 0x80000001, checksum2: 4 },
    });
    expect(headOf(log)).toEqual(model.head);
    log.append(model.next());
    await log.sync();
    expect(headOf(log)).toEqual(model.head);
    store.close();
    expect(stateIn(folder, known)).toEqual(model.sumsAt(known));
    expect(stateIn(folder, known + 1)).toEqual(model.sumsAt(known + 1));
  }
});

test('a kill at any byte of an append leaves the commits before it', () => {
  const model = new LoggedModel({ seed: 6 });
  const folder = filledLog(model, 12, 1 << 20);
  const before = new Map(rawParts.map((part) => [part, statSync(rawFiles(folder, 1)[part]).size]));
  const store = new FolderLogStore(archiveDir);
  const added = model.next('resync');
  store.open(id).log.append({ ...added, writer: { pid: 1, command: 'new', container: 'new too' } });
  store.close();
  const whole = join(archiveDir, 'whole');
  cpSync(folder, whole, { recursive: true });
  for (const [order, part] of (['texts', 'pages', 'numbers', 'commits'] as const).entries()) {
    const earlier = ['texts', 'pages', 'numbers', 'commits'].slice(0, order);
    const [from, to] = [before.get(part) ?? 0, statSync(rawFiles(whole, 1)[part]).size];
    expect(to).toBeGreaterThan(from);
    for (let length = from; length < to; length += Math.max(1, Math.floor((to - from) / 12))) {
      rmSync(folder, { recursive: true });
      cpSync(whole, folder, { recursive: true });
      for (const other of rawParts) {
        const end = other === part ? length : earlier.includes(other) ? undefined : before.get(other);
        if (end !== undefined) truncateSync(rawFiles(folder, 1)[other], end);
      }
      const opened = new FolderLogStore(archiveDir);
      const { log } = opened.open(id);
      expect(log.last?.number).toBe(12);
      for (const other of rawParts) expect(statSync(rawFiles(folder, 1)[other]).size).toBe(before.get(other));
      expect(log.append({ ...added, reason: 'again' })).toBe(13);
      expect(headOf(log)).toEqual(model.head);
      opened.close();
    }
  }
});

test('after a power cut, commits of the last second whose bytes are missing or zero are cut, never misread', async () => {
  for (const part of rawParts) {
    rmSync(archiveDir, { recursive: true });
    const model = new LoggedModel({ seed: 7 });
    const store = new FolderLogStore(archiveDir);
    const { log } = store.open(id);
    for (let count = 1; count <= 5; count++) log.append(model.next(count === 1 ? 'base' : 'commit'));
    await log.sync();
    const path = rawFiles(folderOf(), 1)[part];
    const synced = statSync(path).size;
    const named = { pid: 9, command: 'seen first now', container: 'x' };
    for (let count = 6; count <= 9; count++) log.append({ ...model.next(), writer: { ...named, pid: count } });
    store.close();
    const bytes = readFileSync(path);
    bytes.fill(0, synced, synced + (part === 'commits' ? 128 : 20));
    writeFileSync(path, bytes);
    const opened = new FolderLogStore(archiveDir);
    expect([part, opened.open(id).log.last?.number]).toEqual([part, 5]);
    opened.close();
  }
});

test('a database is found by its inode; a rename and a new incarnation keep what was before', () => {
  const model = new LoggedModel({ seed: 9 });
  const store = new FolderLogStore(archiveDir);
  const first = store.open(id).log;
  for (const kind of ['base', 'commit'] as const) first.append(model.next(kind));
  store.rename(id, 'renamed.db');
  const second = store.newIncarnation({ ...id, name: 'renamed.db' }, 'another page size');
  second.append({ ...new LoggedModel({ seed: 1, pageBytes: 1024 }).next('base') });
  expect(store.incarnations.map(({ identity }) => [identity.incarnation, identity.name, identity.reason])).toEqual([
    [1, 'renamed.db', undefined],
    [2, 'renamed.db', 'another page size'],
  ]);
  expect(() => second.append(model.next())).toThrow('pages of 512 bytes in a log of pages of 1024 bytes');
  store.close();

  const again = new FolderLogStore(archiveDir);
  const { log } = again.open({ ...id, name: 'renamed.db', device: '99' });
  expect([log.pageBytes, log.last?.number]).toEqual([1024, 1]);
  const other = again.open({ inode: '77', device: '99', name: 'renamed.db' });
  expect(other.isNew).toBe(true);
  expect(readdirSync(archiveDir).sort()).toEqual(['00000001', '00000002', '00000003']);
  again.close();
});

test('a history of one commit and no state goes when another one begins; with a state or more commits it stays', () => {
  const store = new FolderLogStore(archiveDir);
  const numbers = (): number[] => store.incarnations.map(({ identity }) => identity.incarnation);
  const begin = (): CommitLog => {
    const log = store.newIncarnation(id, 'it was written meanwhile');
    log.append(new LoggedModel({ seed: 3 }).next('base'));
    return log;
  };
  store.open(id).log.append(new LoggedModel({ seed: 3 }).next('base'));
  const second = begin();
  expect(numbers()).toEqual([2]);
  expect(readdirSync(archiveDir)).toEqual(['00000002']);
  const path = store.unfinishedBasePath(id);
  writeFileSync(path, Buffer.alloc(512));
  second.setBase(path, 1);
  begin();
  expect(numbers()).toEqual([2, 3]);
  store.close();
});

test('a name that differs counts from the next commit on, so a reused inode takes no history along', () => {
  const model = new LoggedModel({ seed: 10 });
  const store = new FolderLogStore(archiveDir);
  const { log } = store.open(id);
  for (const kind of ['base', 'commit'] as const) log.append(model.next(kind));
  store.close();
  const names = (of: FolderLogStore): string[] => of.incarnations.map(({ identity }) => identity.name);
  const reused = new FolderLogStore(archiveDir);
  reused.open({ ...id, name: 'other.db' });
  reused.newIncarnation({ ...id, name: 'other.db' }, 'another file');
  expect(names(reused)).toEqual(['app.db', 'other.db']);
  reused.close();
});

test('a reader that has a raw segment open goes on while it is compressed', async () => {
  const model = new LoggedModel({ seed: 11 });
  const folder = filledLog(model, 40);
  const reader = OpenLog.open(folder);
  for (const first of listLog(folder).raw) await compress(folder, first);
  expect(listLog(folder).raw).toEqual([]);
  const map = reader.mapAt(25);
  const pages = Array.from({ length: map.databasePages }, (_, index) => {
    const page = Buffer.alloc(512);
    reader.readPage(map, index + 1, page);
    return page;
  });
  expect(sumsOf(pages)).toEqual(model.sumsAt(25));
  reader.close();
});

/** Commits of a real database in WAL mode, each an update of one row anywhere in the table. */
function* rowUpdates(
  commits: number,
): Generator<{ readonly databasePages: number; readonly pages: Map<number, Buffer> }> {
  const db = new Database(join(archiveDir, 'app.db'));
  db.pragma('journal_mode = wal');
  db.pragma('wal_autocheckpoint = 0');
  db.exec('CREATE TABLE t (id INTEGER PRIMARY KEY, name TEXT, state TEXT, count INTEGER)');
  const insert = db.prepare('INSERT INTO t (name, state, count) VALUES (?, ?, 1000)');
  db.transaction(() => {
    for (let row = 0; row < 4000; row++)
      insert.run(`person number ${row * 7919} of the list`, `updated at ${1_600_000_000 + row}`);
  })();
  const update = db.prepare('UPDATE t SET count = count + 1, state = ? WHERE id = ?');
  const random = wholeFrom(14);
  const wal = openSync(join(archiveDir, 'app.db-wal'), 'r');
  for (let at = fstatSync(wal).size, commit = 0; commit < commits; commit++) {
    update.run(`updated at ${1_700_000_000 + commit * 17}`, 1 + random(4000));
    const pages = new Map<number, Buffer>();
    let databasePages = 0;
    for (const end = fstatSync(wal).size; at < end; at += 24 + 4096) {
      const frame = Buffer.alloc(24 + 4096);
      readSync(wal, frame, 0, frame.length, at);
      pages.set(frame.readUInt32BE(0), frame.subarray(24));
      databasePages = frame.readUInt32BE(4);
    }
    yield { databasePages, pages };
  }
  closeSync(wal);
  db.close();
}

test('a one-page commit takes at most 350 bytes after compression, everything included', async () => {
  const store = new FolderLogStore(join(archiveDir, 'archive'));
  const { log } = store.open(id);
  let timeMs = 1_700_000_000_000;
  let frames = 0;
  const random = wholeFrom(15);
  for (const { databasePages, pages } of rowUpdates(4000)) {
    expect(pages.size).toBe(1);
    timeMs += random(2 ** 30) / 2 ** 20;
    frames += pages.size;
    log.append({
      kind: 'commit',
      timeMs,
      writer: { pid: 4711, command: 'python3 /srv/app/worker.py --queue mail', container: 'web-1' },
      pageBytes: 4096,
      databasePages,
      pageNumbers: Uint32Array.from(pages.keys()),
      pages: Buffer.concat([...pages.values()]),
      position: { salt1: 1, salt2: 2, frames, checksum1: random(2 ** 32), checksum2: random(2 ** 32) },
    });
  }
  await log.sync();
  store.close();
  const folder = join(archiveDir, 'archive', '00000001');
  await compress(folder, 1);
  const [closed] = listLog(folder).closed;
  const perCommit = statSync(closed?.path ?? '').size / 4000;
  process.stdout.write(`${perCommit.toFixed(0)} bytes for a one-page commit\n`);
  expect(perCommit).toBeLessThan(350);
});

test('a base that was not on the disk before a power cut is dropped, so that it is made again', () => {
  const folder = filledLog(new LoggedModel({ seed: 13 }), 5);
  const { base } = listLog(folder);
  expect(base?.bootId).toMatch(/^[0-9a-f]{32}$/);
  renameSync(base?.path ?? '', join(folder, 'base-000000000003.0123456789abcdef'));
  const store = new FolderLogStore(archiveDir);
  expect(store.open(id).log.hasBase).toBe(false);
  expect(listLog(folder).base).toBe(undefined);
  store.close();
});

test('a segment that is compressed stays raw when its log is opened meanwhile, and nothing is lost', async () => {
  const model = new LoggedModel({ seed: 16 });
  const folder = filledLog(model, 12, 1 << 20);
  const store = new FolderLogStore(archiveDir);
  const compressed = compress(folder, 1, () => store.openLogs.get(folder)?.openSegment === 1);
  const { log } = store.open(id);
  log.append(model.next());
  await compressed;
  log.append(model.next());
  expect(listLog(folder)).toMatchObject({ raw: [1], closed: [], leftovers: [] });
  store.close();
  for (const number of [12, 13, 14]) expect(stateIn(folder, number)).toEqual(model.sumsAt(number));
});
