// What the records of a mount add to what the tail reads: who wrote, logs that are gone, and what nobody recorded.
import { renameSync } from 'node:fs';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { eventually } from '../../helpers/eventually.ts';
import { Followed } from './followed.ts';
import { RecordedMount } from './recorded-mount.ts';
import type { Driver } from './sqlite-driver.ts';

vi.setConfig({ testTimeout: 120_000, hookTimeout: 60_000 });

let db: Followed;
beforeEach(() => {
  db = new Followed();
});
afterEach(() => db.end());

const insert = (body: string) => `insert into item (body) values ('${body}')`;
const kinds = () => db.store.only.commits.map(({ kind }) => kind);

let mount: RecordedMount;
beforeEach(() => {
  mount = new RecordedMount(db.path);
  db.records = [];
});
afterEach(() => mount.close());

async function transact(driver: Driver, ...statements: string[]): Promise<void> {
  mount.began();
  await db.transact(driver, ...statements);
  record(driver);
}

function record(driver: Driver): void {
  const found = mount.ended(driver);
  if (found !== undefined) db.records?.push(found);
}

async function close(driver: Driver): Promise<void> {
  await driver.do({ close: true });
  record(driver);
}

test('logs that were deleted unread are read by the descriptors of the fs process, in order, each with its writer', async () => {
  const driver = await db.create();
  mount.ended(driver);
  await db.settle();
  for (let round = 0; round < 5; round++) {
    await transact(driver, insert(`a ${round}`));
    await transact(driver, insert(`b ${round}`));
    await close(driver);
    await driver.do({ open: db.path });
  }
  await db.settle();
  expect(await db.judge()).toEqual(Array.from({ length: 11 }, (_, n) => n));
  expect(kinds()).not.toContain('resync');
  expect(db.store.only.commits.slice(-10).map(({ writer }) => writer?.pid)).toEqual(Array(10).fill(driver.pid));
});

test('a new log follows on the last one, though a later commit of it has brought page 1 into the main file', async () => {
  const driver = await db.create();
  mount.ended(driver);
  await db.settle();
  await transact(driver, insert('in a log that is deleted'));
  await close(driver);
  await driver.do({ open: db.path });
  await transact(driver);
  await db.transact(driver, 'create table other (a)');
  await driver.do({ sql: ['pragma wal_checkpoint(passive)'] });
  db.pollAll();
  record(driver);
  await db.settle();
  expect(kinds()).not.toContain('resync');
  expect(await db.judge()).toEqual([0, 1, 2, 3]);
});

test('a commit whose record is not there yet waits for it', async () => {
  const driver = await db.create();
  mount.ended(driver);
  await db.settle();
  const commits = db.store.only.commits.length;
  await db.transact(driver, insert('a'));
  db.pollAll();
  expect(db.store.only.commits.length).toBe(commits);
  const record = mount.ended(driver);
  if (record !== undefined) db.records?.push(record);
  db.pollAll();
  expect(db.store.only.commits.at(-1)?.writer?.pid).toBe(driver.pid);
});

test('a commit behind the mount has no writer, and the ones around it have theirs', async () => {
  const driver = await db.create();
  mount.ended(driver);
  await db.settle();
  await transact(driver, insert('a'));
  await db.transact(driver, insert('behind the mount'));
  await db.settle();
  await transact(driver, insert('c'));
  await db.settle();
  expect(await db.judge()).toEqual([0, 1, 2, 3]);
  expect(db.store.only.commits.slice(-3).map(({ writer }) => writer?.pid)).toEqual([driver.pid, undefined, driver.pid]);
});

test('a log that is seen without its index while the last program closes it is no gap', async () => {
  const driver = await db.create();
  mount.ended(driver);
  await db.settle();
  for (const isRead of [true, false]) {
    await close(driver);
    await db.settle();
    await driver.do({ open: db.path });
    await transact(driver, insert('a'));
    if (isRead) await db.settle();
    db.tail?.rest();
    const record = db.records?.splice(0) ?? [];
    renameSync(`${db.path}-shm`, `${db.path}-away`);
    db.pollAll();
    db.pollAll();
    db.records?.push(...record);
    renameSync(`${db.path}-away`, `${db.path}-shm`);
    await close(driver);
    await driver.do({ open: db.path });
    await transact(driver, insert('b'));
    await db.settle();
  }
  expect(await db.judge()).toEqual([0, 1, 2, 3, 4]);
  expect(kinds()).not.toContain('resync');
});

test('programs that stay open begin a log anew with any salts, and the page that one of them wrote before', async () => {
  const driver = await db.create();
  mount.ended(driver);
  const other = await db.open();
  await transact(other, 'create table a (a)');
  await db.settle();
  for (let round = 0; round < 3; round++) {
    await transact(other, `create table b${round} (a)`);
    await db.settle();
    db.tail?.rest();
    await driver.do({ sql: ['pragma wal_checkpoint(truncate)'] });
    await transact(other, `create table c${round} (a)`);
    await db.settle();
  }
  expect(await db.judge()).toEqual([0, 1, 2, 3, 4, 5, 6, 7]);
  expect(kinds()).not.toContain('resync');
});

test('changes in rollback mode between two recorded logs: one resync', async () => {
  const driver = await db.create();
  mount.ended(driver);
  await db.settle();
  await transact(driver, insert('a'));
  await driver.do({ sql: ['pragma journal_mode=delete'] });
  await db.transact(driver, insert('b'));
  await driver.do({ sql: ['pragma journal_mode=wal'] });
  await transact(driver, 'create table page_one_is_written (a)');
  await db.settle();
  expect(await db.judge()).toEqual([0, 1, 3]);
  expect(kinds().at(-1)).toBe('resync');
});

test('changes in rollback mode that no log follows: one resync', async () => {
  const driver = await db.create();
  mount.ended(driver);
  await db.settle();
  await transact(driver, insert('a'));
  await db.settle();
  await driver.do({ sql: ['pragma journal_mode=delete'] });
  await db.transact(driver, insert('b'));
  await driver.do({ sql: ['pragma journal_mode=wal'] });
  await driver.do({ close: true });
  await db.settle();
  expect(await db.judge()).toEqual([0, 1, 2]);
  expect(kinds().at(-1)).toBe('resync');
});

test.each([
  ['locking_mode=EXCLUSIVE', ['pragma locking_mode=exclusive']],
  ['rollback mode', ['pragma journal_mode=delete']],
  ['a program behind the mount', []],
])('%s between two logs, unseen and without a trace in page 1: one resync', async (_, pragmas) => {
  const driver = await db.create();
  mount.ended(driver);
  await transact(driver, insert('a'));
  await db.settle();
  await transact(driver, insert('b'));
  await close(driver);
  const other = db.driver();
  await other.do({ open: db.path, sql: [...pragmas] });
  await db.transact(other, "update item set body = 'unseen'");
  if (pragmas[0]?.includes('journal_mode')) await other.do({ sql: ['pragma journal_mode=wal'] });
  await other.do({ close: true });
  await driver.do({ open: db.path });
  await transact(driver, "update item set body = body || 'c'");
  await close(driver);
  await db.settle();
  expect(await db.judge()).toEqual([0, 1, 2, 4]);
  expect(kinds().filter((kind) => kind === 'resync')).toHaveLength(1);
});

test('a log that a program behind the mount has begun anew behind its own commit: one resync', async () => {
  const driver = await db.create();
  mount.ended(driver);
  await transact(driver, insert('a'));
  await db.settle();
  const other = await db.open();
  await db.transact(other, "update item set body = 'unseen'");
  await other.do({ sql: ['pragma wal_checkpoint(truncate)'] });
  await transact(driver, "update item set body = body || 'c'");
  await db.settle();
  expect(await db.judge()).toEqual([0, 1, 3]);
  expect(kinds().at(-1)).toBe('resync');
});

test('times are those of the records, and never go back', async () => {
  const driver = await db.create();
  mount.ended(driver);
  await db.settle();
  const before = Date.now();
  await transact(driver, insert('a'));
  const after = Date.now() + 1;
  await eventually(() => expect(Date.now()).toBeGreaterThan(after + 20));
  await db.settle();
  const timeMs = db.store.only.commits.at(-1)?.timeMs ?? 0;
  expect(timeMs).toBeGreaterThanOrEqual(before);
  expect(timeMs).toBeLessThanOrEqual(after);
});
