// Random SQL of several programs on a real mount: every commit is archived, and its state is what its writer saw. The
// writers certify each state inside the database itself, so nothing has to be believed.
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { expect, test, vi } from 'vitest';
import { type Daemon, withDaemon } from '../helpers/daemon.ts';
import { eventually } from '../helpers/eventually.ts';
import { run } from '../helpers/process.ts';
import { Archived, certifiedWriter } from './archived.ts';
import { expectStatesThatExisted, judged } from './certified.ts';

const isSoak = process.env.HOODY_SQLITE_SOAK === '1';
/** Of all writers together, for each page size. */
const transactions = isSoak ? 20_000 : 168;
const writers = 3;
const mostKills = isSoak ? 60 : 6;
if (isSoak) vi.setConfig({ testTimeout: 3_600_000 });

for (const pageBytes of [512, 4096, 65_536]) {
  test(`pages of ${pageBytes} bytes: every commit of three programs is there, whole, and rightly named`, () =>
    withDaemon(['--archive', 'wal'], async (daemon) => {
      create(daemon, pageBytes, pageBytes === 512 ? 'full' : 'none');
      await begun(daemon);
      await writeTogether(daemon);
      const answers = await judged(daemon);
      const last = lastNumber(daemon);
      const named = expectStatesThatExisted(answers, last);
      expect(answers.entries.filter(({ kind }) => kind === 'resync').map(({ reason }) => reason)).toEqual([]);
      expect(named).toBeGreaterThan(last * 0.9);
    }));
}

test('kill -9 of the archive process and of the fs process: no program notices, and no state is one that never was', () =>
  withDaemon(['--archive', 'wal'], async (daemon) => {
    create(daemon, 4096, 'none');
    let areKillsOver = false;
    const writing = writeTogether(daemon, () => areKillsOver, 0.02);
    const killing = async () => {
      for (let kills = 0; kills < mostKills; ) {
        const role = kills % 3 === 2 ? 'fs' : 'archive';
        // After each further death the supervisor waits longer before the next start.
        const pid = (await daemon.status()).children.find((child) => child.role === role)?.pid;
        if (pid && process.kill(pid, 'SIGKILL')) kills++;
        await delay(300 + Math.random() * 700);
      }
    };
    await Promise.all([
      writing,
      killing().finally(() => {
        areKillsOver = true;
      }),
    ]);
    expectStatesThatExisted(await judged(daemon), lastNumber(daemon));
  }));

/** Each writes its part, and goes on until `mayEnd`. */
async function writeTogether(daemon: Daemon, mayEnd = () => true, pauseSeconds = 0): Promise<void> {
  const each = Array.from({ length: writers }, (_, index) => writeAll(daemon, index + 1, mayEnd, pauseSeconds));
  await Promise.all(each);
}

/** States before the first base of a history cannot be had. */
async function begun(daemon: Daemon): Promise<void> {
  const archived = await Archived.of(daemon);
  try {
    await eventually(async () => expect(await archived.history('app.db')).not.toEqual([]), { timeoutMs: 60_000 });
  } finally {
    archived.close();
  }
}

function create({ mount }: Daemon, pageBytes: number, autoVacuum: string): void {
  const sql = `pragma page_size=${pageBytes}; pragma auto_vacuum=${autoVacuum}; pragma journal_mode=wal;
    create table seen (number integer primary key, digest, pid);`;
  const { stderr } = spawnSync('sqlite3', [join(mount, 'app.db'), sql], { encoding: 'utf8' });
  expect(stderr).toBe('');
}

/** One that kills itself is followed by another. */
async function writeAll({ mount }: Daemon, seed: number, mayEnd: () => boolean, pauseSeconds: number): Promise<void> {
  const path = join(mount, 'app.db');
  const count = `${Math.min(2000, Math.ceil(transactions / writers))}`;
  let done = 0;
  for (let round = 0; done < transactions / writers || !mayEnd(); round++) {
    const args = [certifiedWriter, path, `${seed * 1000 + round}`, count, `${pauseSeconds}`];
    const { stdout, stderr } = await run('python3', args, { timeoutMs: 600_000 });
    expect(stderr).toBe('');
    done += stdout.split('\n').length - 1;
  }
}

function lastNumber({ mount }: Daemon): number {
  const { stdout } = spawnSync('sqlite3', [join(mount, 'app.db'), 'select max(number) from seen'], {
    encoding: 'utf8',
  });
  return Number(stdout);
}
