import { closeSync, copyFileSync, existsSync, openSync, readFileSync, writeSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { eventually } from '../../helpers/eventually.ts';
import { Followed } from './followed.ts';

vi.setConfig({ testTimeout: 120_000, hookTimeout: 60_000 });

let db: Followed;
beforeEach(() => {
  db = new Followed();
});
afterEach(() => db.end());

const insert = (body: string) => `insert into item (body) values ('${body}')`;
const kinds = () => db.store.only.commits.map(({ kind }) => kind);

test('every commit is one commit of the log, and its state is the database of that moment', async () => {
  const driver = await db.create();
  await db.settle();
  for (let round = 0; round < 5; round++) await db.transact(driver, insert(`row ${round}`));
  await db.transact(driver, 'delete from item where id < 3', 'create index body on item (body)');
  await db.settle();
  expect(await db.judge()).toEqual([0, 1, 2, 3, 4, 5, 6]);
  expect(kinds()).not.toContain('resync');
});

test('a transaction that is rolled back, and frames that were spilled by one, are no commits', async () => {
  const driver = await db.create(['pragma cache_size=5', 'pragma cache_spill=5']);
  await db.settle();
  const commits = db.store.only.commits.length;
  const large = Array.from({ length: 60 }, (_, index) => insert(`${index}`.padEnd(3000, 'x')));
  await driver.do({ sql: ['begin immediate', ...large] });
  db.pollAll();
  await driver.do({ sql: ['rollback'] });
  db.pollAll();
  expect(db.store.only.commits.length).toBe(commits);
  await db.transact(driver, ...large);
  await db.settle();
  expect(await db.judge()).toEqual([0, 1]);
});

describe('checkpoints', () => {
  test.each(['passive', 'full', 'restart', 'truncate'])('%s: no commit is lost or told twice', async (mode) => {
    const driver = await db.create();
    const other = await db.open();
    await db.settle();
    for (let round = 0; round < 12; round++) {
      await db.transact(round % 2 ? driver : other, insert(`row ${round}`.padEnd(500, 'y')));
      await db.settle();
      if (round % 3 === 0) await other.do({ sql: [`pragma wal_checkpoint(${mode})`] });
      if (round % 2 === 0) await db.settle();
    }
    await db.settle();
    expect(await db.judge()).toEqual(Array.from({ length: 13 }, (_, n) => n));
    expect(kinds()).not.toContain('resync');
  });

  test('a log that was begun anew before it was read, and still holds its old end: no commit is lost', async () => {
    const driver = await db.create();
    await db.settle();
    for (let round = 0; round < 3; round++) {
      for (let count = 0; count < 5; count++) await db.transact(driver, insert(`read ${count}`));
      await db.settle();
      for (let count = 0; count < 3; count++) await db.transact(driver, insert(`unread ${count}`));
      await driver.do({ sql: ['pragma wal_checkpoint(restart)'] });
      await db.transact(driver, insert('in the new log'));
      await db.settle();
    }
    expect(await db.judge()).toEqual(Array.from({ length: 28 }, (_, n) => n));
    expect(kinds()).not.toContain('resync');
  });

  test('a log that was begun anew behind a phantom commit is compared', async () => {
    const driver = await db.create();
    await db.settle();
    await db.transact(driver, insert('read'));
    await db.settle();
    await db.transact(driver, insert('unread'));
    await leavePhantom();
    await driver.do({ sql: ['pragma wal_checkpoint(restart)'] });
    await db.transact(driver, 'delete from item');
    await db.settle();
    expect(await db.judge()).toEqual([0, 1, 3]);
    expect(kinds().at(-1)).toBe('resync');
  });

  test('a log that was begun anew before it was read: one resync, and the state is right again', async () => {
    const driver = await db.create();
    await db.settle();
    for (let round = 0; round < 4; round++) {
      await db.transact(driver, insert(`lost ${round}`));
      await driver.do({ sql: ['pragma wal_checkpoint(truncate)'] });
    }
    await db.transact(driver, insert('kept'));
    await db.settle();
    expect(kinds().filter((kind) => kind === 'resync')).toHaveLength(1);
    expect((await db.judge()).at(-1)).toBe(5);
    await db.transact(driver, insert('after'));
    await db.settle();
    expect((await db.judge()).at(-1)).toBe(6);
    expect(kinds().filter((kind) => kind === 'resync')).toHaveLength(1);
  });
});

test('a last close that deletes the log takes nothing away, and the next log follows on it', async () => {
  const driver = await db.create();
  await db.settle();
  for (let round = 0; round < 4; round++) {
    await db.transact(driver, insert(`a ${round}`));
    if (round % 2) await db.settle();
    else db.pollAll();
    await db.transact(driver, insert(`b ${round}`));
    await driver.do({ close: true });
    expect(existsSync(`${db.path}-wal`)).toBe(false);
    await db.settle();
    await driver.do({ open: db.path });
  }
  await db.settle();
  expect(await db.judge()).toEqual(Array.from({ length: 9 }, (_, n) => n));
  expect(kinds()).not.toContain('resync');
});

/** What a writer leaves that is killed between its commit frame and the index: a frame further than the index tells. */
async function leavePhantom(): Promise<void> {
  // A copy of the database goes one commit further, and its log is put in the place of ours.
  for (const suffix of ['', '-wal', '-shm']) copyFileSync(db.path + suffix, `${db.path}.copy${suffix}`);
  const other = db.driver();
  await other.do({ open: `${db.path}.copy`, transact: [insert('phantom')] });
  const wal = openSync(`${db.path}-wal`, 'r+');
  const forward = readFileSync(`${db.path}.copy-wal`);
  writeSync(wal, forward, 0, forward.length, 0);
  closeSync(wal);
}

test.each(['read', 'unread'])(
  'a commit frame whose writer was killed before the index told of it is never archived: behind a commit that is %s',
  async (before) => {
    const driver = await db.create();
    await db.settle();
    await db.transact(driver, insert('before'));
    if (before === 'read') await db.settle();
    await leavePhantom();
    await db.settle();
    expect(await db.judge()).toEqual([0, 1]);
    await db.transact(driver, insert('real'));
    await db.settle();
    expect(await db.judge()).toEqual([0, 1, 2]);
    expect(kinds()).not.toContain('resync');
  },
);

test.each([512, 1024, 8192, 65_536])('page size %d', async (pageSize) => {
  const driver = await db.create([`pragma page_size=${pageSize}`]);
  await db.settle();
  for (let round = 0; round < 3; round++) {
    await db.transact(driver, ...Array.from({ length: 20 }, (_, index) => insert(`${index}`.padEnd(700, 'z'))));
  }
  await db.transact(driver, 'delete from item where id > 10');
  await driver.do({ sql: ['vacuum'] });
  await db.settle();
  expect(await db.judge()).toEqual([0, 1, 2, 3, 4, 4]);
  expect(db.store.only.commits.at(-1)?.pageBytes).toBe(pageSize);
});

test('journal mode WAL to DELETE, changes, and back: one resync', async () => {
  const driver = await db.create();
  await db.transact(driver, insert('a'));
  await db.settle();
  await driver.do({ sql: ['pragma journal_mode=delete'] });
  await db.transact(driver, insert('b'));
  db.pollAll();
  expect(db.tail?.status.state).toBe('off');
  await db.transact(driver, insert('c'));
  await driver.do({ sql: ['pragma journal_mode=wal'] });
  await db.transact(driver, insert('d'));
  await db.settle();
  await db.transact(driver, insert('e'));
  await db.settle();
  expect(await db.judge()).toEqual([0, 1, 4, 5]);
  expect(kinds().filter((kind) => kind === 'resync')).toHaveLength(1);
  expect(db.store.only.commits.find(({ kind }) => kind === 'resync')?.reason).toContain('journal mode');
});

test('a gap that comes again is recorded each time, and told once', async () => {
  const driver = await db.create();
  await db.transact(driver, insert('a'));
  await db.settle();
  for (const text of ['b', 'c', 'd']) {
    await driver.do({ sql: ['pragma journal_mode=delete'] });
    await db.transact(driver, insert(text));
    db.pollAll();
    await driver.do({ sql: ['pragma journal_mode=wal'] });
    await db.settle();
  }
  expect(kinds().filter((kind) => kind === 'resync')).toHaveLength(3);
  expect(db.events.filter(({ event }) => event === 'archive-gap')).toHaveLength(1);
});

test('an archive process that was killed goes on behind the last commit of its log', async () => {
  const driver = await db.create();
  await db.settle();
  for (let round = 0; round < 6; round++) {
    await db.transact(driver, insert(`row ${round}`));
    if (round % 2) db.pollAll();
    db.follow();
  }
  await db.settle();
  expect(await db.judge()).toEqual([0, 1, 2, 3, 4, 5, 6]);
  expect(kinds()).not.toContain('resync');
});

test('a gap after which nothing differs is counted, and is no entry', async () => {
  const driver = await db.create();
  await db.transact(driver, insert('a'));
  await driver.do({ sql: ['pragma wal_checkpoint(truncate)'] });
  await db.settle();
  const entries = db.store.only.commits.length;
  expect(db.tail?.status.emptyGaps).toBe(0);
  db.follow(); // nothing proves to this one that the main file is as it was
  await db.settle();
  expect(db.events.map(({ event }) => event)).toContain('archive-gap');
  expect(db.store.only.commits).toHaveLength(entries);
  expect(db.tail?.status.emptyGaps).toBe(1);
});

test('a log that was begun anew while no archive process ran is compared', async () => {
  const driver = await db.create();
  await db.settle();
  db.tail?.close();
  await db.transact(driver, insert('unseen'));
  await driver.do({ sql: ['pragma wal_checkpoint(truncate)'] });
  await db.transact(driver, insert('seen'));
  db.follow();
  await db.settle();
  expect(await db.judge()).toEqual([0, 2]);
  expect(kinds().at(-1)).toBe('resync');
});

test('a database whose first copy has no room is left out, grows no log, and is followed once there is room', async () => {
  db.store.roomBytes = 100;
  const driver = await db.create();
  await db.transact(driver, insert('a'));
  db.pollAll();
  expect(db.tail?.status).toMatchObject({ state: 'off', reason: expect.stringContaining('more than half') });
  expect(db.published.at(-1)).toMatchObject({ isArchived: false });
  expect(db.store.only.last).toBeUndefined();
  db.store.roomBytes = Number.POSITIVE_INFINITY;
  await db.transact(driver, insert('b'));
  await db.settle();
  expect(db.tail?.status).toMatchObject({ state: 'current' });
  expect((await db.judge()).length).toBeGreaterThan(0);
});

test('the last part of a disk is left to programs', async () => {
  const driver = await db.create();
  await db.settle();
  db.store.roomBytes = 100;
  await db.transact(driver, insert('a'));
  db.pollAll();
  expect(db.tail?.status).toMatchObject({ state: 'behind', reason: 'the archive has no space' });
  db.store.roomBytes = Number.POSITIVE_INFINITY;
  await db.settle();
  expect(await db.judge()).toEqual([0, 1]);
});

test('a full archive disk: it is behind and told, nobody waits for it, and it goes on later', async () => {
  const driver = await db.create();
  await db.settle();
  db.store.only.failure = Object.assign(new Error('ENOSPC: no space left'), { code: 'ENOSPC' });
  await db.transact(driver, insert('a'));
  db.pollAll();
  expect(db.tail?.status).toMatchObject({ state: 'behind', reason: 'the archive has no space' });
  expect(db.published.at(-1)).toMatchObject({ isArchived: false });
  expect(db.room).toEqual([false]);
  db.store.only.failure = undefined;
  await db.settle();
  expect(await db.judge()).toEqual([0, 1]);
  expect(db.published.at(-1)).toMatchObject({ isArchived: true });
  expect(db.room).toEqual([false, true]);
});

test('locking_mode=EXCLUSIVE: it says so, and one resync follows', async () => {
  const driver = await db.create();
  await db.transact(driver, insert('a'));
  await driver.do({ close: true });
  await db.settle();
  await driver.do({ open: db.path, sql: ['pragma locking_mode=exclusive'] });
  await db.transact(driver, insert('b'));
  await eventually(() => {
    db.pollAll();
    expect(db.tail?.status).toMatchObject({ state: 'off', reason: expect.stringContaining('EXCLUSIVE') });
  });
  await db.transact(driver, insert('c'));
  await driver.do({ close: true });
  await db.settle();
  expect(await db.judge()).toEqual([1, 3]);
  expect(kinds().at(-1)).toBe('resync');
});
