// What the fs process tells the archive process: a record for each commit of each program, and nothing for anything
// else. The write-ahead log itself, read here by other means, says what is right.
import { closeSync, openSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { type ArchiveMemory, mapArchiveMemory } from '../../fs/state/archive-memory.ts';
import type { CommitRecord } from '../../fs/state/commit-slots.ts';
import { eventually } from '../helpers/eventually.ts';
import { run } from '../helpers/process.ts';
import { type SqliteClient, withClients } from '../helpers/sqlite-client.ts';
import { type TempMount, tempMount } from '../helpers/temp-mount.ts';

const walHeaderBytes = 32;
const frameHeaderBytes = 24;

/** `openKeeper` opens a connection of another process, which stays open. */
async function withRecords(
  use: (mount: TempMount, memory: ArchiveMemory, openKeeper: (file: string) => Promise<SqliteClient>) => Promise<void>,
): Promise<void> {
  const mount = await tempMount({ archive: true });
  const fd = memoryOf(mount);
  try {
    await withClients(async (start) => {
      await use(mount, mapArchiveMemory(fd), async (file) => {
        const keeper = start();
        await keeper.open(file, { timeout: 30 });
        return keeper;
      });
    });
  } finally {
    closeSync(fd);
    await mount.close();
  }
}

/** The memory that the supervisor would hand to an archive process. */
function memoryOf({ process: { pid } }: TempMount): number {
  const folder = `/proc/${pid}/fd`;
  const name = readdirSync(folder).find((entry) =>
    readlinkSync(`${folder}/${entry}`).startsWith('/memfd:hoody-sqlite'),
  );
  if (name === undefined) throw new Error('the fs process has no kept state');
  return openSync(`${folder}/${name}`, 'r+');
}

function python(script: string, ...args: readonly string[]) {
  return run('python3', ['-c', `import os, sqlite3, sys\n${script}`, ...args]);
}

const all = (memory: ArchiveMemory) => memory.commits.readAfter(0, Number.POSITIVE_INFINITY).records;

/** The frames that end a transaction: their header names the size of the database. */
function committedFrames(wal: Buffer): number[] {
  const frameBytes = wal.readUInt32BE(8) + frameHeaderBytes;
  const salts = wal.readBigUInt64BE(16);
  const frames: number[] = [];
  for (let at = walHeaderBytes; at + frameBytes <= wal.length; at += frameBytes) {
    const isOfThisLog = wal.readBigUInt64BE(at + 8) === salts;
    if (isOfThisLog && wal.readUInt32BE(at + 4) !== 0) frames.push((at - walHeaderBytes) / frameBytes + 1);
  }
  return frames;
}

const insert = `
db = sqlite3.connect(sys.argv[1], timeout=30, isolation_level=None)
db.execute('pragma wal_autocheckpoint=0')
for number in range(int(sys.argv[2])):
    db.execute('begin immediate'); db.execute('insert into t values (?, zeroblob(5000))', (os.getpid(),)); db.execute('commit')
    if number % 3 == 0: db.execute('begin immediate'); db.execute('delete from t'); db.execute('rollback')
`;

test('three processes at once: one record for each commit, by the right process, none for a rollback', async () => {
  await withRecords(async (mount, memory, openKeeper) => {
    const file = join(mount.mountPoint, 'app.db');
    await python("sqlite3.connect(sys.argv[1]).execute('pragma journal_mode=wal')", file);
    const keeper = await openKeeper(file);
    await keeper.run('create table t (pid, data)');
    await Promise.all([1, 2, 3].map(() => python(insert, file, '60')));
    const wal = readFileSync(`${file}-wal`);
    const records = all(memory);
    expect(records.map(({ lastFrame }) => lastFrame)).toEqual(committedFrames(wal));
    expect(records.every(({ salt1 }) => salt1 === wal.readUInt32BE(16))).toBe(true);
    const rows = await python(
      "print([row[0] for row in sqlite3.connect(sys.argv[1]).execute('select pid from t order by rowid')])",
      file,
    );
    expect(records.slice(1).map(({ pid }) => pid)).toEqual(JSON.parse(rows.stdout));
    for (const record of records) expect(memory.writers.find(record.writer)).toMatchObject({ pid: record.pid });
    expect(memory.writers.find(records.at(-1)?.writer ?? 0)?.command).toMatch(/python3 -c import/);
    expect(memory.writers.find(records.at(-1)?.writer ?? 0)?.container).toBe('host');
    for (const [index, { timeMs }] of records.entries()) {
      expect(timeMs).toBeGreaterThan(records[index - 1]?.timeMs ?? 0);
    }
  });
});

test('a shell that opens, commits and closes: its log can be read after the file is gone', async () => {
  await withRecords(async (mount, memory) => {
    const file = join(mount.mountPoint, 'app.db');
    await run('sqlite3', [file, 'pragma journal_mode=wal; create table t (a);']);
    for (let number = 0; number < 10; number++) await run('sqlite3', [file, `insert into t values (${number})`]);
    const records = all(memory).filter(({ isClosing }) => !isClosing);
    expect(records).toHaveLength(11);
    expect(all(memory).filter(({ isClosing }) => isClosing)).toHaveLength(11);
    expect(new Set(records.map(({ pid }) => pid)).size).toBe(11);
    for (const record of records) {
      const { fsPid, walFd, salt1, salt2, lastFrame } = record;
      const wal = readFileSync(`/proc/${fsPid}/fd/${walFd}`);
      expect([wal.readUInt32BE(16), wal.readUInt32BE(20)]).toEqual([salt1, salt2]);
      expect(committedFrames(wal)).toContain(lastFrame);
    }
  });
});

test('a deleted log that was read gives its room back, although nothing else happens on the mount', async () => {
  await withRecords(async (mount, memory) => {
    const file = join(mount.mountPoint, 'app.db');
    await run('sqlite3', [file, 'pragma journal_mode=wal; create table t (a); insert into t values (1);']);
    const [last] = all(memory).slice(-1);
    if (last === undefined) throw new Error('no commit was recorded');
    const log = () => readlinkSync(`/proc/${last.fsPid}/fd/${last.walFd}`);
    expect(log()).toMatch(/-wal \(deleted\)$/);
    memory.positions.publish(last, { ...last, frames: last.lastFrame, isArchived: true });
    await eventually(() => expect(log).toThrow(/ENOENT/), { timeoutMs: 9_000 });
  });
});

test('checkpoints, reads and a recovery after a kill record nothing', async () => {
  await withRecords(async (mount, memory) => {
    const file = join(mount.mountPoint, 'app.db');
    await run('sqlite3', [file, 'pragma journal_mode=wal; create table t (a); insert into t values (1);']);
    const before = memory.commits.newest;
    const script = `
db = sqlite3.connect(sys.argv[1], isolation_level=None)
for mode in ['passive', 'full', 'restart', 'truncate']: db.execute('pragma wal_checkpoint(' + mode + ')')
db.execute('select * from t').fetchall()
db.execute('begin immediate'); db.execute('commit')
db.execute('begin immediate'); db.execute('delete from t where a = 7'); db.execute('commit')
db.execute('begin immediate'); db.execute('insert into t values (2)'); os.kill(os.getpid(), 9)`;
    await python(script, file);
    await python("sqlite3.connect(sys.argv[1]).execute('select * from t').fetchall()", file);
    expect(memory.commits.newest).toBe(before);
  });
});

test('a log that is not read goes on, one that is read is begun anew, and nobody waits or fails', async () => {
  await withRecords(async (mount, memory, openKeeper) => {
    const file = join(mount.mountPoint, 'app.db');
    await run('sqlite3', [file, 'pragma journal_mode=wal; create table t (a);']);
    const keeper = await openKeeper(file);
    const write = async () => {
      await keeper.run('insert into t values (zeroblob(100000))');
      await keeper.run('pragma wal_checkpoint(passive)');
      return all(memory).at(-1) as CommitRecord;
    };
    const publish = (record: CommitRecord, isArchived = true) =>
      memory.positions.publish(record, { ...record, frames: record.lastFrame, isArchived });
    memory.beat();
    const first = await write();
    const second = await write();
    expect([second.salt1, second.lastFrame > first.lastFrame]).toEqual([first.salt1, true]);
    publish(first);
    const third = await write();
    expect(third.salt1).toBe(first.salt1);
    publish(third);
    const fourth = await write();
    expect([fourth.salt1 === third.salt1, fourth.lastFrame < third.lastFrame]).toEqual([false, true]);
    // One that is not archived belongs to its programs.
    publish(third, false);
    expect((await write()).salt1).not.toBe(fourth.salt1);
  });
});

test('without an archive process that lives, a log is begun anew as ever', async () => {
  await withRecords(async (mount, memory, openKeeper) => {
    const file = join(mount.mountPoint, 'app.db');
    await run('sqlite3', [file, 'pragma journal_mode=wal; create table t (a);']);
    const keeper = await openKeeper(file);
    for (let number = 0; number < 3; number++) {
      await keeper.run('insert into t values (zeroblob(100000))');
      await keeper.run('pragma wal_checkpoint(passive)');
    }
    const salts = new Set(all(memory).map(({ salt1 }) => salt1));
    expect(salts.size).toBeGreaterThan(2);
  });
});

test('where it is not asked for nothing is recorded', async () => {
  const mount = await tempMount();
  const fd = memoryOf(mount);
  try {
    const file = join(mount.mountPoint, 'app.db');
    await run('sqlite3', [file, 'pragma journal_mode=wal; create table t (a); insert into t values (1);']);
    expect(mapArchiveMemory(fd).commits.newest).toBe(0);
  } finally {
    closeSync(fd);
    await mount.close();
  }
});
