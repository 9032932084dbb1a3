// Databases with a rollback journal, in all five modes of one: every commit is archived, and its state is what its
// writer saw. The writers certify each state inside the database itself.
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { type Daemon, withDaemon } from '../helpers/daemon.ts';
import { eventually } from '../helpers/eventually.ts';
import type { Started } from '../helpers/process.ts';
import { expectStatesThatExisted, type Judged, judged, writeCertified } from './certified.ts';

const isLong = process.env.HOODY_SQLITE_SOAK === '1';
const transactions = isLong ? 600 : 60;
const kills = isLong ? 60 : 10;
const journaled = ['delete', 'truncate', 'persist'];

test('every commit of three programs in all modes of a rollback journal is there, whole, and rightly named', () =>
  withDaemon(['--archive', 'all'], async (daemon) => {
    const modes = [...journaled, 'memory', 'off'];
    create(daemon);
    await Promise.all([1, 2, 3].map((seed) => writeCertified(daemon, seed, transactions / 3, { modes })));
    const result = await judged(daemon);
    expect(gapsOf(result)).toEqual([]);
    expect(expectStatesThatExisted(result, lastNumber(daemon))).toBeGreaterThan(result.entries.length * 0.8);
  }));

test('a program that goes into WAL mode and out of it: every commit is there', () =>
  withDaemon(['--archive', 'all'], async (daemon) => {
    create(daemon);
    await writeCertified(daemon, 7, transactions, { modes: [...journaled, 'wal', 'wal'] });
    const result = await judged(daemon);
    expect(gapsOf(result)).toEqual([]);
    expectStatesThatExisted(result, lastNumber(daemon));
  }));

test('kill -9 of writers, of the archive process and of the fs process: no state is one that never was', () =>
  withDaemon(['--archive', 'all'], async (daemon) => {
    create(daemon);
    const running = new Set<Started>();
    const options = { modes: journaled, running };
    const writing = Promise.all([1, 2, 3].map((seed) => writeCertified(daemon, seed, transactions / 2, options)));
    await Promise.race([writing, killAll(daemon, running)]);
    await writing;
    expectStatesThatExisted(await judged(daemon), lastNumber(daemon));
  }));

/** In turn, and each time after somebody has committed: at some moment of what comes next. */
async function killAll(daemon: Daemon, running: ReadonlySet<Started>): Promise<void> {
  for (let round = 0; round < kills; round++) {
    const committed = [...running].map((writer) => writer.stdout().length);
    const hasCommitted = (writer: Started, index: number) => writer.stdout().length > (committed[index] ?? 0);
    const writer = await eventually(() => {
      const found = [...running].find(hasCommitted);
      expect(found).toBeDefined();
      return found;
    });
    await delay(Math.random() * 20);
    if (round % 5 < 3) writer?.process.kill('SIGKILL');
    else await killChild(daemon, round % 5 === 3 ? 'archive' : 'fs');
  }
}

async function killChild(daemon: Daemon, role: string): Promise<void> {
  const pid = (await daemon.status()).children.find((child) => child.role === role)?.pid;
  if (pid) process.kill(pid, 'SIGKILL');
}

function gapsOf({ entries }: Judged): (string | undefined)[] {
  return entries.filter(({ kind }) => kind === 'resync').map(({ reason }) => reason);
}

function create(daemon: Daemon): void {
  sql(daemon, 'pragma journal_mode=delete; create table seen (number integer primary key, digest, pid)');
}

function lastNumber(daemon: Daemon): number {
  return Number(sql(daemon, 'select max(number) from seen'));
}

function sql({ mount }: Daemon, text: string): string {
  const { stdout, stderr } = spawnSync('sqlite3', [join(mount, 'app.db'), text], { encoding: 'utf8' });
  expect(stderr).toBe('');
  return stdout;
}
