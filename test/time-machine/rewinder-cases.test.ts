// What the rewinder meets one at a time: logs in each condition, schemas that change under open programs, and what it
// refuses.
import { appendFileSync, copyFileSync, mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { PageFile } from '../../server/messages/rewinder.ts';
import { runRewinder } from '../../server/process/time-machine/rewinder.ts';
import { addToSums, type Sums } from '../../server/rewinder/wal-checksum.ts';
import { eventually } from '../helpers/eventually.ts';
import { run } from '../helpers/process.ts';
import { tempMount } from '../helpers/temp-mount.ts';
import { problemsOf, RewoundDatabase, rowsOf } from './rewound-database.ts';

let root: string;
let database: RewoundDatabase;
let open: Database.Database;

const insert = "INSERT INTO row VALUES ('a', (SELECT count(*) FROM row), randomblob(2000))";
const rules = () => ({ root, dataDir: root, allowAnyAbsoluteDbPath: false });
const soon = () => performance.now() + 20_000;

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'hoody-rewinder-'));
  database = new RewoundDatabase(root, 4096);
  open = new Database(database.path, { timeout: 10_000 });
});

afterEach(() => {
  open.close();
  database.close();
  rmSync(root, { recursive: true, force: true });
});

test.each([
  ['that was never begun', () => {}],
  ['that was emptied', () => open.pragma('wal_checkpoint(TRUNCATE)')],
  ['that can start anew', () => open.pragma('wal_checkpoint(RESTART)')],
  ['that is wholly in the database already', () => open.pragma('wal_checkpoint(PASSIVE)')],
])('a log %s is gone on with', async (_, prepare) => {
  const before = database.state();
  open.exec(insert);
  prepare();
  await database.rewind(before);
  expect(rowsOf(database.state()).size).toBe(0);
  open.exec(insert);
  expect(rowsOf(database.state()).get('a')).toEqual([0]);
  expect(database.recovered().equals(database.state())).toBe(true);
});

test('a program that has a schema open sees the old one, with statements that it has prepared', async () => {
  open.exec(insert);
  const select = open.prepare('SELECT * FROM row');
  const before = database.state();
  open.exec('ALTER TABLE row ADD COLUMN more; DROP INDEX by_size; CREATE TABLE other(x)');
  expect(select.all()).toEqual([expect.objectContaining({ more: null })]);
  const cookie = open.pragma('schema_version', { simple: true }) as number;
  await database.rewind(before);
  expect(select.all()).toEqual([expect.not.objectContaining({ more: null })]);
  expect(open.prepare("SELECT name FROM sqlite_master WHERE name IN ('other', 'by_size')").pluck().all()).toEqual([
    'by_size',
  ]);
  expect(open.pragma('schema_version', { simple: true })).toBeGreaterThan(cookie);
});

test('a program with an open database goes back and forth: each state has a schema number of its own', async () => {
  const states = [database.state()];
  for (const name of ['one', 'two', 'three']) {
    open.exec(`CREATE TABLE ${name}(x)`);
    states.push(database.state());
  }
  const seen = new Set<unknown>();
  for (const at of [0, 3, 1, 2, 0, 3]) {
    await database.rewind(states[at] as Buffer);
    expect(
      open
        .prepare(
          "SELECT count(*) FROM sqlite_master WHERE length(name) < 6 AND type = 'table' AND name NOT IN ('row', 'total')",
        )
        .pluck()
        .get(),
    ).toBe(at);
    seen.add(open.pragma('schema_version', { simple: true }));
  }
  expect(seen.size).toBe(6);
});

test('a log of a machine with the other byte order is gone on with in its order', async () => {
  const before = database.state();
  open.exec(insert);
  const log = `${database.path}-wal`;
  // As if everybody had been killed: the log stays, and its index is made anew from it.
  const foreign = new RewoundDatabase(root, 4096, { name: 'foreign.db' });
  copyFileSync(database.path, foreign.path);
  writeFileSync(`${foreign.path}-wal`, inOtherOrder(readFileSync(log)));
  const holder = new Database(foreign.path);
  expect(holder.prepare('SELECT count(*) FROM row').pluck().get()).toBe(1);
  await foreign.rewind(before);
  holder.exec(insert);
  expect(rowsOf(foreign.state()).get('a')).toEqual([0]);
  expect(foreign.recovered().equals(foreign.state())).toBe(true);
  expect(readFileSync(`${foreign.path}-wal`).readUInt32BE(0)).toBe(0x377f0683);
  holder.close();
  foreign.close();
});

test('a rewind fills several blocks of the index, from the middle of one on', async () => {
  const small = new RewoundDatabase(root, 512, { name: 'small.db' });
  const holder = new Database(small.path);
  holder.pragma('wal_autocheckpoint=0');
  try {
    holder.exec("INSERT INTO row VALUES ('a', 1, randomblob(3000000))");
    const before = small.state();
    holder.exec("UPDATE row SET data = randomblob(3000000); INSERT INTO row VALUES ('b', 1, randomblob(500000))");
    await small.rewind(before);
    // Each entry of the index is found: SQLite reads every page through it.
    expect(Buffer.compare(small.state().subarray(512), before.subarray(512))).toBe(0);
    expect(small.recovered().equals(small.state())).toBe(true);
    holder.exec("INSERT INTO row VALUES ('c', 1, randomblob(500000))");
    expect(problemsOf(small.state())).toBe('ok');
    expect(small.recovered().equals(small.state())).toBe(true);
  } finally {
    holder.close();
    small.close();
  }
});

test('what a writer that was killed in the middle has left in the index is no page of the rewind', async () => {
  open.exec(insert);
  const before = database.state();
  open.exec(insert);
  const script = `import sqlite3, os, signal, sys
db = sqlite3.connect(sys.argv[1], isolation_level=None)
db.execute('pragma cache_size=5')
db.execute('begin immediate')
for n in range(400): db.execute("insert into row values ('killed', ?, randomblob(3000))", (n,))
os.kill(os.getpid(), signal.SIGKILL)`;
  await run('python3', ['-c', script, database.path]);
  await database.rewind(before);
  expect(rowsOf(database.state())).toEqual(rowsOf(before));
  const index = readFileSync(`${database.path}-shm`);
  const slots = Array.from({ length: 8192 }, (_, slot) => index.readUInt16LE(16_384 + slot * 2));
  expect(slots.filter((slot) => slot > 0).length).toBe(index.readUInt32LE(16));
  for (let more = 0; more < 50; more += 1) open.exec(insert);
  expect(problemsOf(database.state())).toBe('ok');
  expect(database.recovered().equals(database.state())).toBe(true);
});

test('a writer waits, and a reader reads on, while the rewinder has the lock; the monitor names it', async () => {
  const mount = await tempMount({ lockLimits: { queueMs: 500 } }); // the wait of this process itself
  const held = new RewoundDatabase(mount.mountPoint, 4096);
  const client = new Database(held.path, { timeout: 0 });
  try {
    client.exec(insert);
    const pages = async () => {
      expect(() => client.exec(insert)).toThrow(/locked/);
      expect(client.prepare('SELECT count(*) FROM row').pluck().get()).toBe(1);
      await eventually(async () => {
        const holders = (await mount.locks()).databases.flatMap((one) => one.holders);
        const holder = holders.find(({ lock }) => lock === 'WRITE');
        expect(holder?.command).toBe('hoody-sqlite rewind app.db');
      });
      return null;
    };
    const where = { root: mount.mountPoint, dataDir: mount.dataDir, allowAnyAbsoluteDbPath: false };
    expect(await runRewinder({ path: held.path, rules: where, deadlineMs: soon(), pages })).toBeNull();
    await eventually(() => client.exec(insert));
  } finally {
    client.close();
    held.close();
    await mount.close();
  }
});

test('a database that somebody writes until the deadline is busy, and left as it is', async () => {
  open.exec(insert);
  const before = database.state();
  open.exec(`BEGIN IMMEDIATE; ${insert}`);
  const pages = () => Promise.reject(new Error('never asked'));
  const late = { path: database.path, rules: rules(), deadlineMs: performance.now() + 1500, pages };
  await expect(runRewinder(late)).rejects.toMatchObject({ code: 'DATABASE_BUSY' });
  open.exec('COMMIT');
  expect(rowsOf(database.state()).get('a')).toEqual([0, 1]);
  await database.rewind(before);
  expect(rowsOf(database.state()).get('a')).toEqual([0]);
});

test('a database with a rollback journal goes back: it shrinks and grows, and what is the same is left alone', async () => {
  open.pragma('journal_mode=DELETE');
  open.exec(insert);
  const before = database.state();
  for (let more = 0; more < 20; more += 1) open.exec(insert);
  const select = open.prepare('SELECT count(*) FROM row').pluck();
  expect(select.get()).toBe(21);
  const large = database.state();
  expect((await database.rewind(before))?.pages).toBeGreaterThan(1);
  expect([select.get(), problemsOf(database.state())]).toEqual([1, 'ok']);
  expect(database.state().length).toBe(before.length);
  await database.rewind(large);
  expect([select.get(), problemsOf(database.state())]).toEqual([21, 'ok']);
  const now = database.state();
  expect((await database.rewind(large))?.pages).toBe(0);
  expect(database.state().equals(now)).toBe(true);
});

test('what is missing, or has pages of another size, is refused', async () => {
  const before = database.state();
  const pages = async () => ({ ...database.pageFile(Buffer.alloc(0), before), pageBytes: 8192, pages: 0 });
  const other = { path: database.path, rules: rules(), deadlineMs: soon(), pages };
  await expect(runRewinder(other)).rejects.toMatchObject({ code: 'CONFLICT', message: expect.stringMatching(/fork/) });
  open.pragma('journal_mode=DELETE');
  const whole = async () => ({ ...database.stateFile(before), pageBytes: 8192 });
  await expect(runRewinder({ ...other, pages: whole })).rejects.toMatchObject({ code: 'CONFLICT' });
  const none = { ...other, path: join(root, 'none.db') };
  await expect(runRewinder(none)).rejects.toMatchObject({ code: 'DATABASE_NOT_FOUND' });
});

test('pages that are not whole, or in no order, change nothing', async () => {
  open.exec(insert);
  const before = database.state();
  for (let more = 0; more < 20; more += 1) open.exec(insert);
  const now = database.state();
  const broken: ((file: PageFile) => PageFile)[] = [
    (file) => {
      truncateSync(file.path, 5000);
      return file;
    },
    (file) => {
      appendFileSync(file.path, 'x');
      return file;
    },
    (file) => ({ ...file, databasePages: 1 }),
    (file) => {
      const bytes = readFileSync(file.path);
      bytes.writeUInt32LE(0, 0);
      writeFileSync(file.path, bytes);
      return file;
    },
  ];
  for (const make of broken) {
    const pages = async () => make(database.pageFile(database.state(), before));
    const rewind = runRewinder({ path: database.path, rules: rules(), deadlineMs: soon(), pages });
    await expect(rewind).rejects.toMatchObject({ code: 'INTERNAL_ERROR' });
    expect(database.state().equals(now)).toBe(true);
  }
  open.exec(insert);
});

function inOtherOrder(log: Buffer): Buffer {
  const copy = Buffer.from(log);
  copy.writeUInt32BE(0x377f0683, 0);
  const frameBytes = 4096 + 24;
  const sum = (sums: Sums, from: number, to: number): Sums =>
    addToSums(sums, new Int32Array(Uint8Array.from(copy.subarray(from, to)).buffer), true);
  let sums = sum([0, 0], 0, 24);
  copy.writeInt32BE(sums[0], 24);
  copy.writeInt32BE(sums[1], 28);
  for (let at = 32; at + frameBytes <= copy.length; at += frameBytes) {
    sums = sum(sum(sums, at, at + 8), at + 24, at + frameBytes);
    copy.writeInt32BE(sums[0], at + 16);
    copy.writeInt32BE(sums[1], at + 20);
  }
  return copy;
}
