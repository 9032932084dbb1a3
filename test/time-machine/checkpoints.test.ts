// A log that is not archived yet may not be begun anew: whoever asks for it waits until it is, whatever dies meanwhile,
// and the log of a writer that never pauses stays short.
import { closeSync, openSync, readSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { locksText } from '../../daemon/cli/locks-text.ts';
import { type Daemon, killProcess, pidOf, withDaemon } from '../helpers/daemon.ts';
import { eventually } from '../helpers/eventually.ts';
import { run } from '../helpers/process.ts';
import { type SqliteClient, withClients } from '../helpers/sqlite-client.ts';
import { Archived } from './archived.ts';

const truncate = 'pragma wal_checkpoint(truncate)';
/** Not busy, and nothing is left in the log. */
const done = { error: null, rows: [[0, 0, 0]] };
/** Longer than the archive process is ever kept from reading here, by this test or by a slow machine. */
const patient = ['--archive', 'wal', '--lock-limit', 'unreadCheckpointMs=60000,unreadRestartMs=60000'];
const mostLogBytes = 6 << 20;

async function waitsForArchive(daemon: Daemon, { pid }: SqliteClient): Promise<void> {
  const line = new RegExp(`pid ${pid} \\(host\\) has waited .* for READ1.* exclusive until the log is archived: `);
  await eventually(async () => expect(locksText(await daemon.locks())).toMatch(line));
}

/** The archive process reads nothing while `work` is at work: within 11 s, since it would be ended then. */
async function whileStopped(daemon: Daemon, work: () => Promise<void>): Promise<void> {
  const pid = await pidOf(daemon, 'archive');
  process.kill(pid, 'SIGSTOP');
  try {
    await work();
  } finally {
    process.kill(pid, 'SIGCONT');
  }
}

test('a checkpoint without a busy timeout waits for the archive, across a kill of the mount, and a killed one is gone', () =>
  withDaemon(patient, (daemon) =>
    withClients(async (start) => {
      const [writer, patientOne, killed] = [start(), start(), start()];
      const path = join(daemon.mount, 'app.db');
      for (const client of [writer, patientOne, killed]) await client.open(path);
      await writer.run(['pragma journal_mode=wal', 'create table t (n)']);
      for (let round = 0; round < 30; round++) {
        expect(await writer.run(`insert into t values (${round})`)).toMatchObject({ error: null });
        expect(await patientOne.run(truncate)).toMatchObject(done);
      }

      let answer: Promise<unknown> | undefined;
      await whileStopped(daemon, async () => {
        await writer.run('insert into t values (1)');
        killed.run(truncate);
        await waitsForArchive(daemon, killed);
        killed.kill();
        await eventually(async () => expect(locksText(await daemon.locks())).not.toContain('until the log'));
        expect(await writer.run('insert into t values (2)')).toMatchObject({ error: null });
        answer = patientOne.run(truncate);
        await waitsForArchive(daemon, patientOne);
        await killProcess(daemon, 'fs');
        await waitsForArchive(daemon, patientOne);
      });
      expect(await answer).toMatchObject(done);
      expect(await writer.run('insert into t values (3)')).toMatchObject({ error: null });
    }),
  ));

/** How many frames of the log are in the main file, and how many there are (WalCkptInfo, WalIndexHdr of wal.c). */
function framesOf({ data }: Daemon, name: string): { readonly copied: number; readonly all: number } {
  const bytes = Buffer.alloc(100);
  const shm = openSync(join(data, `${name}-shm`), 'r');
  readSync(shm, bytes, 0, bytes.length, 0);
  closeSync(shm);
  return { copied: bytes.readUInt32LE(96), all: bytes.readUInt32LE(16) };
}

test('while the archive process reads nothing, a writer does not pay for a checkpoint after each commit; nothing is lost', () =>
  withDaemon(['--archive', 'wal'], (daemon) =>
    withClients(async (start) => {
      const [insert, singles] = ['insert into t values (zeroblob(8000))', 200];
      const writer = start();
      await writer.open(join(daemon.mount, 'app.db'));
      await writer.run(['pragma journal_mode=wal', 'pragma synchronous=off', 'create table t (a)']);
      const archived = await Archived.of(daemon);
      try {
        await archived.history('app.db');
        let copiedAll = 0;
        await whileStopped(daemon, async () => {
          await writer.run(Array(600).fill(insert)); // more than the thousand pages of wal_autocheckpoint
          for (let commits = 0; commits < singles; commits++) {
            expect(await writer.run(insert)).toMatchObject({ error: null });
            const { copied, all } = framesOf(daemon, 'app.db');
            if (copied === all) copiedAll++;
          }
        });
        expect(copiedAll).toBeLessThan(singles / 4);
        // Once it reads again, the log is begun anew.
        const before = framesOf(daemon, 'app.db').all;
        await eventually(async () => {
          await writer.run(insert);
          expect(framesOf(daemon, 'app.db').all).toBeLessThan(before);
        });
        const { rows } = await writer.run('select count(*) from t');
        const history = await archived.history('app.db');
        expect(history.filter(({ kind }) => kind === 'resync')).toEqual([]);
        expect(history.length).toBeGreaterThan(600 + singles);
        const newest = await archived.stateAt('app.db', history.at(-1)?.bookmark ?? '');
        const past = start();
        await past.open(newest);
        expect(await past.run('select count(*) from t')).toMatchObject({ rows });
      } finally {
        archived.close();
      }
    }),
  ));

test('the log of a writer that never pauses is begun anew as without the archive', () =>
  withDaemon(patient, async (daemon) => {
    const script = `
import os, sqlite3, sys
db = sqlite3.connect(sys.argv[1], timeout=0, isolation_level=None)
db.execute('pragma journal_mode=wal'); db.execute('pragma synchronous=off'); db.execute('create table t (a)')
for number in range(8000): db.execute('insert into t values (?)', ('x' * 100,))
print(os.path.getsize(sys.argv[1] + '-wal'))`;
    const { stdout, stderr } = await run('python3', ['-c', script, join(daemon.mount, 'app.db')]);
    expect(stderr).toBe('');
    expect(Number(stdout)).toBeGreaterThan(0);
    expect(Number(stdout)).toBeLessThan(mostLogBytes);
  }));
