import { linkSync, mkdirSync, mkdtempSync, renameSync, rmSync, statSync, unlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { Archive } from '../../../fs/archive/archive.ts';
import type { Records } from '../../../fs/archive/archive-parts.ts';
import { Haste } from '../../../fs/archive/haste.ts';
import { QuietFile } from '../../../fs/archive/quiet-file.ts';
import type { CommitRecord } from '../../../fs/archive/tail/evidence.ts';
import { matcherOf } from '../../../fs/globs.ts';
import { eventually } from '../../helpers/eventually.ts';
import { MemoryStore } from './memory-log.ts';
import { RecordedMount } from './recorded-mount.ts';
import { Driver } from './sqlite-driver.ts';

vi.setConfig({ testTimeout: 120_000, hookTimeout: 60_000 });

let folder: string;
let store: MemoryStore;
let archive: Archive;
let driver: Driver;
const events: { readonly level: string; readonly event: string; readonly fields: object }[] = [];
const walDatabase = ['pragma journal_mode=wal', 'create table moment (n)', 'insert into moment values (0)'];

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'archive-'));
  mkdirSync(join(folder, 'data'));
  store = new MemoryStore(join(folder, 'logs'));
  driver = new Driver();
  events.length = 0;
});
afterEach(async () => {
  await archive.stop();
  await driver.kill();
  rmSync(folder, { recursive: true });
});

const at = (name: string) => join(folder, 'data', name);
const create = (name: string) => driver.do({ open: at(name), sql: walDatabase });
const stateOf = (name: string) => archive.status().find((database) => database.name === name)?.state;
const becomesCurrent = (name: string) => eventually(() => expect(stateOf(name)).toBe('current'));
/** A loaded machine may need more than the 2 seconds after which an answer has to come. */
const settles = (name: string) => eventually(async () => expect(await archive.settle(name)).toBe(true));
const logsOf = (inode: number) => store.logs.get(`${inode}`) ?? [];

async function begin(include: string[] = [], exclude: string[] = [], records?: Records): Promise<void> {
  archive = new Archive({
    dataDir: join(folder, 'data'),
    store,
    isIncluded: matcherOf(include, exclude),
    isRollbackIncluded: () => false,
    records,
    haste: new Haste(),
    quietFile: new QuietFile(join(folder, 'quiet.json')),
    log: (level, event, fields) => events.push({ level, event, fields }),
  });
  await archive.start();
}

test('databases in write-ahead mode are found by their headers; others, links and left-out ones are not', async () => {
  mkdirSync(at('deep/er'), { recursive: true });
  await create('a.db');
  await create('deep/er/b');
  await create('deep/left-out.db');
  await driver.do({ open: at('rollback.db'), sql: ['create table t (a)'] });
  writeFileSync(at('text.db'), 'no database at all, but long enough for a header'.repeat(10));
  await begin([], ['deep/left*']);
  await becomesCurrent('a.db');
  await becomesCurrent('deep/er/b');
  expect(archive.status().map(({ name }) => name)).toEqual(['a.db', 'deep/er/b']);
});

test('a database that is made later is followed as soon as somebody tells of it', async () => {
  await begin();
  await create('later.db');
  archive.wake(['later.db']);
  await becomesCurrent('later.db');
  await driver.do({ transact: [] });
  await settles('later.db');
  expect(store.only.commits.at(-1)?.kind).toBe('commit');
  expect(await archive.settle('absent.db')).toBe(false);
});

test('a renamed database goes on in its log, under its new name', async () => {
  await create('old.db');
  await driver.do({ close: true });
  await begin();
  await becomesCurrent('old.db');
  mkdirSync(at('folder'));
  renameSync(at('old.db'), at('folder/new.db'));
  archive.wake(['old.db']);
  await becomesCurrent('folder/new.db');
  expect(stateOf('old.db')).toBeUndefined();
  await driver.do({ open: at('folder/new.db'), transact: [] });
  await settles('folder/new.db');
  expect(logsOf(statSync(at('folder/new.db')).ino)).toHaveLength(1);
  expect(store.only.commits.map(({ kind }) => kind)).toEqual(['base', 'commit']);
});

test('a database in the making is read once it has its own name, and was made in one commit', async () => {
  await begin();
  await create('.new-12-ab3');
  archive.wake(['.new-12-ab3']);
  for (let n = 0; n < 3; n++) await driver.do({ transact: [] });
  await settles('.new-12-ab3');
  expect(archive.status()).toMatchObject([{ name: '.new-12-ab3', commits: 0 }]);
  await driver.do({ close: true });
  linkSync(at('.new-12-ab3'), at('app.db'));
  await settles('app.db'); // the other name is still there
  unlinkSync(at('.new-12-ab3'));
  await becomesCurrent('app.db');
  expect(store.only.commits.map(({ kind }) => kind)).toEqual(['base']);
  await driver.do({ open: at('app.db'), transact: [] });
  await settles('app.db');
  expect(store.only.commits.map(({ kind }) => kind)).toEqual(['base', 'commit']);
  expect(events.filter(({ level }) => level !== 'info')).toEqual([]);
});

test('a replaced file is another database, and a deleted one is forgotten', async () => {
  await create('app.db');
  await driver.do({ close: true });
  await begin();
  await becomesCurrent('app.db');
  const before = statSync(at('app.db')).ino;
  await create('other.db');
  await driver.do({ close: true });
  renameSync(at('other.db'), at('app.db'));
  archive.wake(['app.db']);
  const after = statSync(at('app.db')).ino;
  await eventually(() => {
    expect(archive.tailOf('app.db')?.id.inode).toBe(`${after}`);
    expect(stateOf('app.db')).toBe('current');
  });
  expect(logsOf(before)).toHaveLength(1);
  unlinkSync(at('app.db'));
  archive.wake(['app.db']);
  await eventually(() => expect(archive.status()).toEqual([]));
});

test('what was committed right before a database is deleted is in its log', async () => {
  await create('app.db');
  await begin();
  await becomesCurrent('app.db');
  await driver.do({ transact: [] });
  for (const suffix of ['', '-wal', '-shm']) unlinkSync(at(`app.db${suffix}`));
  archive.wake(['app.db']);
  await eventually(() => expect(archive.status()).toEqual([]));
  expect(store.only.commits.at(-1)).toMatchObject({ kind: 'commit' });
});

test('a bad database is told of once, and harms no other', async () => {
  await create('good.db');
  await driver.do({ open: at('bad.db'), sql: walDatabase });
  const { ino } = statSync(at('bad.db'));
  const { open } = store;
  store.open = (id) => {
    if (id.inode === `${ino}`) throw new Error('its log is broken');
    return open.call(store, id);
  };
  await begin();
  await becomesCurrent('good.db');
  archive.wake(['bad.db']);
  archive.wake(['bad.db']);
  expect(archive.status().map(({ name }) => name)).toEqual(['good.db']);
  expect(events.filter(({ event }) => event === 'archive-failed')).toHaveLength(1);
});

test('a database that nobody has written is not compared by the next archive process', async () => {
  await create('app.db');
  await driver.do({ close: true });
  await begin();
  await becomesCurrent('app.db');
  await eventually(() => expect(archive.tailOf('app.db')?.reading.quiet).toBeDefined());
  await archive.stop();
  await begin();
  await becomesCurrent('app.db');
  await driver.do({ open: at('app.db'), transact: [] });
  await settles('app.db');
  expect(store.only.commits.map(({ kind }) => kind)).toEqual(['base', 'commit']);
  expect(events.filter(({ event }) => event === 'archive-gap')).toEqual([]);
});

test('the next archive process follows a log that was begun anew meanwhile, by the records of the mount', async () => {
  const mount = new RecordedMount(at('app.db'));
  const all: CommitRecord[] = [];
  const recorders: CommitRecord[][] = [];
  const recordsOf = (): Records => {
    const unread = [...all];
    recorders.push(unread);
    return {
      isRecording: () => true,
      read: () => ({ records: unread.splice(0), isComplete: true }),
      publish: () => {},
      beat: () => {},
    };
  };
  const commit = async () => {
    mount.began();
    await driver.do({ transact: [] });
    const record = mount.ended(driver);
    if (record !== undefined) for (const records of [all, ...recorders]) records.push(record);
  };
  try {
    await create('app.db');
    await begin([], [], recordsOf());
    await becomesCurrent('app.db');
    for (let count = 0; count < 3; count++) await commit();
    await settles('app.db');
    await archive.stop();
    await driver.do({ sql: ['pragma wal_checkpoint(truncate)'] });
    for (let count = 0; count < 3; count++) await commit();
    await begin([], [], recordsOf());
    await settles('app.db');
    expect(events.filter(({ event }) => event === 'archive-gap')).toEqual([]);
    expect(store.only.commits.slice(-6).map(({ writer }) => writer?.pid)).toEqual(Array(6).fill(driver.pid));
  } finally {
    mount.close();
  }
});

test('a busy database keeps no other one waiting', async () => {
  await create('quiet.db');
  const busy = new Driver();
  try {
    await busy.do({ open: at('busy.db'), sql: [...walDatabase, 'create table item (id integer primary key, body)'] });
    await begin();
    await becomesCurrent('quiet.db');
    await becomesCurrent('busy.db');
    const many = Array.from({ length: 1500 }, () => 'insert into item (body) values (randomblob(2000))');
    const writing = busy.do({ sql: ['pragma wal_autocheckpoint=0', 'pragma synchronous=off', ...many] });
    for (let round = 0; round < 20; round++) {
      await driver.do({ transact: [] });
      await settles('quiet.db');
    }
    await writing;
    await settles('busy.db');
    expect(logsOf(statSync(at('busy.db')).ino).at(-1)?.commits.length).toBeGreaterThan(1500);
  } finally {
    await busy.kill();
  }
});
