// The archive process beside a running daemon: what becomes of it, and that nobody but who asks about the past minds.
// Its place is taken by a stand-in that tells what it is given.
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { type Daemon, type DaemonPaths, killProcess, pidOf, withDaemon } from '../helpers/daemon.ts';
import { eventually } from '../helpers/eventually.ts';
import { SqliteClient } from '../helpers/sqlite-client.ts';
import { ask, told, withStandIn } from '../helpers/stand-in-archive.ts';

test('it gets the options, the memory of commits, and the names of written databases', async () => {
  await withStandIn(['--archive-exclude', 'tmp/*', '--archive-budget', '1GiB'], async (daemon) => {
    expect(await told(daemon)).toMatchObject({
      question: { op: 'status' },
      options: {
        dataDir: daemon.data,
        archiveDir: join(daemon.stateDir, 'archive'),
        include: [],
        exclude: ['tmp/*'],
        retention: { everyCommitSeconds: 7 * 86_400, thinnedSeconds: 30 * 86_400, budgetBytes: 2 ** 30 },
        hasKeptState: true,
      },
      memory: expect.any(Number),
    });
    const client = new SqliteClient();
    try {
      await client.open(join(daemon.root, 'app.db'));
      expect(await client.run(['CREATE TABLE t(a)'])).toMatchObject({ error: null });
      await eventually(async () => expect((await told(daemon)).told).toContain('app.db'));
    } finally {
      client.kill();
    }
    const status = await daemon.status();
    expect(status.archive).toMatchObject({ bytes: 5, budgetBytes: 7 });
    expect(status.degraded).toEqual([]);
    const metrics = await (await fetch(`${daemon.url}/metrics`)).text();
    expect(metrics).toContain('hoody_sqlite_archive_bytes 5\n');
  });
});

test('a death costs nobody anything, and a new one follows; after a reload as well', async () => {
  await withStandIn([], async (daemon) => {
    await told(daemon);
    await killProcess(daemon, 'archive');
    await eventually(async () => {
      const { children } = await daemon.status();
      expect(children.find(({ role }) => role === 'archive')).toMatchObject({ restarts: 1, lastExit: 'SIGKILL' });
    });
    expect((await fetch(`${daemon.url}/api/v1/sqlite/health`)).status).toBe(200);
    const second = await pidOf(daemon, 'archive');
    const { memory } = await told(daemon);
    expect(await daemon.command('reload')).toMatchObject({ code: 0 });
    await eventually(async () => expect(await pidOf(daemon, 'archive')).not.toBe(second));
    expect((await told(daemon)).memory).toBe(memory);
    expect((await daemon.status()).children.find(({ role }) => role === 'archive')?.restarts).toBe(1);
  });
});

test('it ends after the mount, whose programs commit until then', async () => {
  await withStandIn([], async (daemon) => {
    await told(daemon);
    expect(await daemon.stop()).toMatchObject({ code: 0 });
    expect(readFileSync(join(daemon.stateDir, 'archive/stops'), 'utf8')).toBe('unmounted\n');
  });
});

test('a mount that is made anew has other memory, and a new archive process gets it', async () => {
  await withStandIn([], async (daemon) => {
    const { memory } = await told(daemon);
    const { spawnSync } = await import('node:child_process');
    spawnSync('umount', ['-l', daemon.mount]);
    await eventually(async () => expect((await told(daemon)).memory).not.toBe(memory), { timeoutMs: 60_000 });
  });
});

test('without a mount it has no memory of commits, and makes files for the server only', async () => {
  await withStandIn(['--no-mount'], async (daemon) => {
    expect(await told(daemon)).toMatchObject({ options: { hasKeptState: false }, memory: null });
    const question = { op: 'materialise', database: 'app.db', at: { head: true } };
    expect(await ask(daemon, { ...question, path: '/etc/app.db' })).toMatchObject({ ok: false });
    mkdirSync(join(daemon.stateDir, 'past/1'), { recursive: true });
    const path = join(daemon.stateDir, 'past/1/app.db');
    expect(await ask(daemon, { ...question, path })).toMatchObject({ ok: true, value: { question: { path } } });
  });
});

test.each([
  [['--passthrough', 'off'], 'commits of an open database are not seen'],
  [['--locks', 'kernel'], 'commits are kept without who made them'],
])('a mount with %j cannot note commits, which is told, and is no fault', async (flags, effect) => {
  await withStandIn(flags, async (daemon) => {
    const [line] = daemon
      .stderr()
      .split('\n')
      .filter((text) => text.includes('"archive-without-records"'));
    expect(line).toContain('"level":"info"');
    expect(line).toContain(effect);
    expect((await daemon.status()).degraded).toEqual([]);
  });
});

test.each([
  [[], 'the archive process is down and is being started again: no room'],
  [['--locks', 'kernel'], 'commits are kept without who made them'],
  [['--no-mount'], 'commits are kept without who made them (nothing is mounted)'],
])(
  'an archive that nobody has asked for and that %j keeps from its work is told, and is no fault',
  async (flags, why) => {
    const test = async (daemon: Daemon, { stateDir }: DaemonPaths) => {
      if (flags.length === 0) {
        writeFileSync(join(stateDir, 'refuse'), '');
        await killProcess(daemon, 'archive');
      }
      const whatIsTold = async () => (await daemon.status()).archiveLimits.join();
      await eventually(async () => expect(await whatIsTold()).toContain(why), { timeoutMs: 60_000 });
      expect((await daemon.status()).degraded).toEqual([]);
      expect((await daemon.command('status')).stdout).toContain(`kept         ${why}`);
    };
    await withStandIn(flags, test, false);
  },
);

test('where commits are not kept, there is no such process, and a question says what to do', async () => {
  await withDaemon(['--archive', 'off'], async (daemon) => {
    expect(await ask(daemon, { op: 'history', database: 'app.db', limit: 1 })).toEqual({
      ok: false,
      code: 'not-archived',
      message: 'commits are not kept: the daemon runs with --archive off',
    });
    expect((await daemon.status()).processes.map(({ role }) => role)).not.toContain('archive');
    expect((await daemon.status()).archive).toBe(null);
    expect(existsSync(join(daemon.stateDir, 'archive'))).toBe(false);
  });
});
