// The copier of one database in RAM in moments that a busy machine meets now and then: it copies what was committed, or
// says that it has to look again, and never takes a part for the whole.
import { spawn, spawnSync } from 'node:child_process';
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { folderParts } from '../../../fs/nodes/ram-folders.ts';
import { encodeNote, leftNumber, noteSuffix } from '../../../fs/nodes/ram-notes.ts';
import { keepsLogsName } from '../../../fs/nodes/ram-positions.ts';
import { compareOnce } from '../../../fs/tier/compare.ts';
import { Copier } from '../../../fs/tier/copier.ts';
import { copyPages } from '../../../fs/tier/copy-pages.ts';
import { DurableCopy, nothingCopied } from '../../../fs/tier/durable-copy.ts';
import { type Place, placeOf, readPosition, stampsOf } from '../../../fs/tier/place.ts';
import { Progress } from '../../../fs/tier/progress.ts';
import { RamLog } from '../../../fs/tier/ram-log.ts';

const name = 'app.db';
const log = () => {};
let folder: string;
let place: Place;
let database: Database.Database;

/** A database in WAL mode with three rows of a page each; its durable copy is an empty file. */
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'hoody-sqlite-copier-'));
  const root = join(folder, 'root');
  for (const part of folderParts) mkdirSync(join(root, 'dir', part), { recursive: true });
  mkdirSync(join(folder, 'data'));
  writeFileSync(join(root, keepsLogsName), '');
  place = placeOf(join(folder, 'data'), join(root, 'dir'), '', name);
  writeFileSync(place.durable, '');
  database = new Database(place.ram);
  database.pragma('journal_mode=wal');
  database.pragma('wal_autocheckpoint=0');
  database.exec('create table t (n integer, filling text)');
  for (let n = 1; n <= 3; n++) insert(n);
});
afterEach(() => {
  vi.useRealTimers();
  database.close();
  rmSync(folder, { recursive: true, force: true });
});

function insert(n: number): void {
  database.prepare('insert into t values (?, ?)').run(n, `${n}`.repeat(3000));
}

/** The header of the file stays as it is. */
function update(filling: string): void {
  database.prepare('update t set filling = ? where n = 1').run(filling.repeat(3000));
}

/** Rows of the durable copy, which is whole. */
function copiedRows(sql = 'select count(*) as count from t'): number {
  const file = join(folder, 'looked-at.db');
  copyFileSync(place.durable, file);
  const copied = new Database(file);
  try {
    expect(copied.pragma('integrity_check', { simple: true })).toBe('ok');
    return (copied.prepare(sql).get() as { count: number }).count;
  } finally {
    copied.close();
    for (const suffix of ['', '-wal', '-shm']) rmSync(`${file}${suffix}`, { force: true });
  }
}

function copiedUpdates(filling: string): number {
  return copiedRows(`select count(*) as count from t where filling like '${filling}%'`);
}

async function copied(): Promise<Copier> {
  const copier = new Copier(place, log);
  expect(await copier.pollAnew()).toBe(true);
  expect(copiedRows()).toBe(3);
  return copier;
}

function met(): DurableCopy {
  const copy = new DurableCopy(place);
  copy.meet();
  return copy;
}

/** The clock stands so many milliseconds after the last write of the file. */
function stopClock(afterMs: number): void {
  vi.useFakeTimers({ toFake: ['Date'], now: statSync(place.ram).mtimeMs + afterMs });
}

function openLog(): RamLog {
  return new RamLog(`${place.ram}-wal`, `${place.ram}-shm`);
}

/** As while a program writes the index of the log. */
function tearIndex(): () => void {
  const shm = `${place.ram}-shm`;
  const whole = readFileSync(shm);
  const torn = Buffer.from(whole.subarray(0, 48));
  torn[16] = (torn[16] ?? 0) ^ 1;
  writeFileSync(shm, torn, { flag: 'r+' });
  return () => writeFileSync(shm, whole.subarray(0, 48), { flag: 'r+' });
}

/**
 * What a shell does ($0: folder of the test, $1: file in RAM) while the copier waits for what it knows of the log. It
 * has looked at the log before, and for logs that have ended.
 */
async function whilePositionIsRead(script: string, act: () => Promise<void>): Promise<void> {
  const position = join(place.folder, 'positions', name);
  const known = join(folder, 'known');
  renameSync(position, known);
  expect(spawnSync('mkfifo', [position]).status).toBe(0);
  const program = spawn('bash', ['-c', `exec 3> "$2"; ${script}; cat "$0/known" >&3`, folder, place.ram, position]);
  const ended = new Promise((resolve) => program.once('exit', resolve));
  await act();
  await ended;
  renameSync(known, position);
}

describe('an index of the log that is being written', () => {
  test('says nothing about the log, unless the log has no frames', () => {
    const open = openLog();
    expect(open.committed()).toMatchObject({ lastFrame: expect.any(Number) });
    const mend = tearIndex();
    expect(open.committed()).toBe('unknown');
    mend();
    renameSync(`${place.ram}-shm`, join(folder, 'shm'));
    const alone = openLog();
    expect(alone.committed()).toBe('unknown'); // nor does one that is missing
    renameSync(join(folder, 'shm'), `${place.ram}-shm`);
    database.pragma('wal_checkpoint(truncate)');
    expect(open.committed()).toBe('empty');
    expect(alone.committed()).toBe('empty');
    open.close();
    alone.close();
  });

  test('is told of once its program must have been ended, until somebody has read the database', async () => {
    const copier = await copied();
    insert(4);
    const mend = tearIndex();
    expect(await copier.pollAnew()).toBe(false);
    const clock = vi.spyOn(performance, 'now').mockReturnValue(performance.now() + 2_000);
    expect(await copier.pollAnew()).toBe(false);
    clock.mockRestore();
    expect(copier.status.trouble).toMatch(/half written.*read the database once/);
    mend();
    expect(await copier.pollAnew()).toBe(true);
    expect(copier.status.trouble).toBeUndefined();
    expect(copiedRows()).toBe(4);
  });

  test('makes a comparison look again', async () => {
    stopClock(1_000);
    const open = openLog();
    const mend = tearIndex();
    expect(await compareOnce(met(), new Progress(name, log), open, [])).toBe('later');
    expect(statSync(place.durable).size).toBe(0);
    mend();
    expect(await compareOnce(met(), new Progress(name, log), open, [])).toBe('copied');
    open.close();
    expect(copiedRows()).toBe(3);
  });

  test('makes a batch of pages look again', async () => {
    await copied();
    insert(4);
    const batchOf = async () => {
      const copy = met();
      const batch = copy.batchOf(4096);
      const position = readPosition(place) ?? nothingCopied;
      // A log that has ended has written page 1.
      const pages = new Set([1]);
      const outcome = await copyPages(copy, batch, { names: [], pages, position, databasePages: 2 });
      batch.close();
      return outcome;
    };
    const mend = tearIndex();
    expect(await batchOf()).toBe('later');
    expect(copiedRows()).toBe(3);
    mend();
    expect(await batchOf()).toBe('copied');
    expect(copiedRows()).toBe(4);
  });

  test('keeps the copier from saying that all is copied', async () => {
    database.pragma('wal_checkpoint(passive)');
    const copier = await copied();
    update('x');
    const mend = tearIndex();
    expect(await copier.pollAnew()).toBe(false);
    mend();
    expect(await copier.pollAnew()).toBe(true);
    expect(copiedUpdates('x')).toBe(1);
  });

  test('does so as well when it began while the copier looked', async () => {
    const copier = await copied();
    const mend = tearIndex();
    const torn = readFileSync(`${place.ram}-shm`).subarray(0, 48);
    mend();
    update('x');
    const whole = readFileSync(`${place.ram}-shm`).subarray(0, 48);
    writeFileSync(join(folder, 'torn'), torn);
    await whilePositionIsRead('cat "$0/torn" 1<> "$1-shm"', async () => expect(await copier.pollAnew()).toBe(false));
    writeFileSync(`${place.ram}-shm`, whole, { flag: 'r+' });
    expect(await copier.pollAnew()).toBe(true);
    expect(copiedUpdates('x')).toBe(1);
  });
});

test('a batch is given up when the mount drops the position meanwhile', async () => {
  await copied();
  insert(4);
  const copy = met();
  writeFileSync(join(place.folder, 'drops', name), Buffer.alloc(8, 7)); // as RamPositions.drop
  const batch = copy.batchOf(4096);
  const begun = { names: [], pages: new Set<number>(), position: nothingCopied, databasePages: 0 };
  expect(await copyPages(copy, batch, begun)).toBe('later');
  batch.close();
  expect(copiedRows()).toBe(3);
  expect(statSync(`${place.durable}-wal`).size).toBe(0);
  expect(readPosition(place)).toBeUndefined();
});

describe('logs that end', () => {
  const leftPath = () => join(place.folder, 'left', `${leftNumber()}.${name}${noteSuffix}`);

  /** A program begins the log anew. The bytes of the note that the mount makes before. */
  function endLog(): Buffer {
    const open = openLog();
    const index = open.committed();
    if (index === 'empty' || index === 'unknown') throw new Error(`the log is ${index}`);
    const pages = Uint32Array.from(open.framesOf(0, index.lastFrame)?.keys() ?? []);
    open.close();
    database.pragma('wal_checkpoint(truncate)');
    return encodeNote({ pageBytes: index.pageBytes, databasePages: index.databasePages, pages });
  }

  test('while a batch is made: their pages are read once more', async () => {
    await copied();
    const copy = met();
    const position = readPosition(place) ?? nothingCopied;
    insert(4);
    writeFileSync(leftPath(), endLog());
    insert(5); // into the next log
    const batch = copy.batchOf(4096);
    const begun = { names: [], pages: new Set<number>(), position, databasePages: 0 };
    expect(await copyPages(copy, batch, begun)).toBe('copied');
    batch.close();
    expect(copiedRows()).toBe(5);
  });

  test('while the copier finds out what is new: it looks again', async () => {
    database.pragma('wal_checkpoint(passive)');
    const copier = await copied();
    update('x');
    writeFileSync(join(folder, 'note'), endLog());
    const left = leftPath();
    await whilePositionIsRead(`mv "$0/note" '${left}'`, async () => expect(await copier.pollAnew()).toBe(false));
    expect(existsSync(left)).toBe(true);
    expect(await copier.pollAnew()).toBe(true);
    expect(copiedUpdates('x')).toBe(1);
  });
});

describe('the time of a file that was written a moment ago', () => {
  test('proves nothing in rollback mode: a later write may leave the same one', async () => {
    database.pragma('journal_mode=delete');
    for (const [afterMs, isProof] of [
      [5, false],
      [1_000, true],
    ] as const) {
      stopClock(afterMs);
      const copy = met();
      const open = openLog();
      expect(await compareOnce(copy, new Progress(name, log), open, [])).toBe('copied');
      open.close();
      expect(copiedRows()).toBe(3);
      expect(copy.wasCleanAt(stampsOf(place.ram))).toBe(isProof);
    }
  });

  test('makes a comparison in WAL mode look again: a checkpoint heeds no lock', async () => {
    database.pragma('wal_checkpoint(truncate)');
    for (const [afterMs, outcome] of [
      [5, 'later'],
      [1_000, 'copied'],
    ] as const) {
      stopClock(afterMs);
      const open = openLog();
      expect(await compareOnce(met(), new Progress(name, log), open, [])).toBe(outcome);
      open.close();
    }
    expect(copiedRows()).toBe(3);
  });
});
