// Jobs are interrupted by their number, which another process writes into a FIFO while this one is inside SQLite.
import { spawn, spawnSync } from 'node:child_process';
import { constants, existsSync, mkdtempSync, openSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { afterAll, beforeEach, expect, test } from 'vitest';
import { findGuard, Guard } from '../../../../server/executor/guard/guard.ts';
import { eventually } from '../../../helpers/eventually.ts';

const endless = 'WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c) SELECT count(*) FROM c';
const short = `${endless.slice(0, endless.indexOf(' FROM c)'))} FROM c WHERE x < 300000) SELECT count(*) AS n FROM c`;

const found = findGuard();
if (!(found instanceof Guard)) throw found;
const guard: Guard = found;
const folder = mkdtempSync(join(tmpdir(), 'hoody-sqlite-'));
const fifo = join(folder, 'interrupts');
spawnSync('mkfifo', [fifo]);
// Read and write, so that the thread never meets an end.
const fd = openSync(fifo, constants.O_RDWR);
guard.listen(fd);
const database = new Database(join(folder, 'test.db'));
guard.attach(database);
database.exec('CREATE TABLE t (a)');
let job = 1000;

beforeEach(() => {
  job += 1;
});

afterAll(() => {
  database.close();
  rmSync(folder, { recursive: true, force: true });
});

function numberOf(interrupted: number): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64LE(BigInt(interrupted));
  return bytes;
}

/** Asks from another process, which needs some time to begin. */
function interruptFromOutside(interrupted: number): void {
  const write = `fs.writeSync(fs.openSync(${JSON.stringify(fifo)}, 'w'), Buffer.from('${numberOf(interrupted).toString('hex')}', 'hex'))`;
  spawn(process.execPath, ['-e', write], { stdio: 'ignore' });
}

function codeOf(work: () => unknown): string {
  try {
    work();
    return 'ran';
  } catch (error) {
    return error instanceof Error && 'code' in error ? String(error.code) : String(error);
  }
}

test('a statement that never ends is interrupted, and the connection goes on', () => {
  expect(guard.beginJob(job)).toBe(false);
  database.exec('BEGIN; INSERT INTO t VALUES (1)');
  interruptFromOutside(job);
  expect(codeOf(() => database.prepare(endless).get())).toBe('SQLITE_INTERRUPT');
  expect(guard.endJob()).toBe(true);
  database.exec('ROLLBACK');
  expect(codeOf(() => database.prepare(short).get())).toBe('ran');
  expect(database.prepare('SELECT count(*) AS n FROM t').get()).toEqual({ n: 0 });
});

test('a job of many short statements is interrupted too', () => {
  guard.beginJob(job);
  interruptFromOutside(job);
  const one = database.prepare(
    'WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c WHERE x < 1000) SELECT count(*) FROM c',
  );
  let code = 'ran';
  while (code === 'ran') code = codeOf(() => one.get());
  expect(code).toBe('SQLITE_INTERRUPT');
  expect(guard.endJob()).toBe(true);
});

test('an interrupt that comes between two statements hits the next', async () => {
  guard.beginJob(job);
  writeSync(fd, numberOf(job));
  await eventually(() => expect(guard.beginJob(job)).toBe(true));
  expect(codeOf(() => database.prepare(short.replace('300000', '3000000')).get())).toBe('SQLITE_INTERRUPT');
  guard.endJob();
});

test('an interrupt that comes late does not hit the next job', () => {
  for (let round = 0; round < 20; round += 1) {
    guard.beginJob(job);
    guard.endJob();
    job += 1;
    guard.beginJob(job);
    writeSync(fd, numberOf(job - 1));
    expect(codeOf(() => database.prepare(short).get())).toBe('ran');
    expect(guard.endJob()).toBe(false);
  }
});

test('an interrupt that comes before its job keeps it from beginning', async () => {
  writeSync(fd, numberOf(job));
  await eventually(() => expect(guard.beginJob(job)).toBe(true));
  expect(guard.endJob()).toBe(true);
  expect(guard.beginJob(job + 1)).toBe(false);
  expect(codeOf(() => database.prepare(short).get())).toBe('ran');
  guard.endJob();
});

test('a connection that was interrupted is closed like any other: its WAL goes into the database', async () => {
  const path = join(folder, 'wal.db');
  const written = new Database(path);
  guard.attach(written);
  written.exec('PRAGMA journal_mode=WAL; CREATE TABLE t (a)');
  guard.beginJob(job);
  writeSync(fd, numberOf(job));
  await eventually(() => expect(guard.beginJob(job)).toBe(true));
  guard.endJob();
  expect(existsSync(`${path}-wal`)).toBe(true);
  written.close();
  expect(existsSync(`${path}-wal`)).toBe(false);
});

test('what runs outside a job is never interrupted, and closed connections are forgotten', () => {
  for (let round = 0; round < 50; round += 1) {
    const other = new Database(':memory:');
    guard.attach(other);
    guard.beginJob(job);
    writeSync(fd, numberOf(job));
    other.close();
    guard.endJob();
    expect(codeOf(() => database.prepare(short.replace('300000', '3000')).get())).toBe('ran');
    job += 1;
  }
});
