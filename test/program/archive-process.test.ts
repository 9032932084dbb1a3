// The archive process beside a running daemon: what becomes of it, and that nobody but who asks about the past minds.
// Its place is taken by a stand-in that tells what it is given.
import { cpSync, existsSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { expect, test } from 'vitest';
import type { CommandInput } from '../../daemon/cli/command.ts';
import { connectToAll } from '../../daemon/control/client.ts';
import { type Daemon, type DaemonPaths, withDaemon, withPaths } from '../helpers/daemon.ts';
import { eventually } from '../helpers/eventually.ts';
import { SqliteClient } from '../helpers/sqlite-client.ts';

const checkout = resolve(import.meta.dirname, '../..');

/**
 * Answers each question with what it was given and told. It writes down whether the mount is there when it ends, and
 * goes silent, or refuses to start, while a file in its folder says so.
 */
const standIn = `
import { appendFileSync, existsSync, fstatSync, mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
const told = [];
let options;
const has = (name) => existsSync(join(options.archiveDir, '..', name));
process.on('disconnect', () => process.exit());
process.on('message', (m) => {
  if (m.type === 'start') {
    options = m.options;
    if (has('refuse')) return process.send({ type: 'failed', code: 'EROFS', message: 'no room', hint: 'make some' });
    mkdirSync(options.archiveDir, { recursive: true });
    process.send({ type: 'ready' });
  }
  if (m.type === 'committed') told.push(...m.databases);
  if (m.type === 'stop') {
    const isMounted = readFileSync('/proc/self/mountinfo', 'utf8').includes(join(options.dataDir, '../mount'));
    appendFileSync(join(options.archiveDir, 'stops'), isMounted ? 'mounted\\n' : 'unmounted\\n');
    process.exit(0);
  }
  if (m.type !== 'query' || has('silent')) return;
  const memory = options.hasKeptState ? fstatSync(3).ino : null;
  const figures = { databases: [], bytes: 5, budgetBytes: 7 };
  process.send({ type: 'answer', id: m.id, value: { ok: true, value: { ...figures, question: m.args, options, told, memory } } });
});`;

async function withStandIn(flags: readonly string[], test: (daemon: Daemon, paths: DaemonPaths) => Promise<void>) {
  await withPaths(async (paths) => {
    const folder = join(paths.folder, 'program');
    cpSync(join(checkout, 'dist'), join(folder, 'dist'), { recursive: true });
    cpSync(join(checkout, 'package.json'), join(folder, 'package.json'));
    symlinkSync(join(checkout, 'node_modules'), join(folder, 'node_modules'));
    writeFileSync(join(folder, 'dist/fs/archive/main.js'), standIn);
    const program = join(folder, 'dist/daemon/main.js');
    await withDaemon(['--archive', 'wal', ...flags], (daemon) => test(daemon, paths), { paths, program });
  });
}

interface Told {
  readonly question: unknown;
  readonly options: Readonly<Record<string, unknown>>;
  readonly told: readonly string[];
  readonly memory: number | null;
}

async function ask({ runDir, pid }: Daemon, question: object): Promise<unknown> {
  const settings = { runDir } as CommandInput['settings'];
  const [connection] = await connectToAll({ settings, named: new Set() }, pid);
  try {
    return await connection?.ask('archive', question);
  } finally {
    connection?.close();
  }
}

async function told(daemon: Daemon): Promise<Told> {
  const answer = (await ask(daemon, { op: 'status' })) as { readonly value: Told };
  expect(answer).toMatchObject({ ok: true });
  return answer.value;
}

const pidOf = async (daemon: Daemon, role: string) =>
  (await daemon.status()).processes.find((one) => one.role === role)?.pid;

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
    const before = await pidOf(daemon, 'archive');
    process.kill(before ?? 0, 'SIGKILL');
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

test('one that hangs is ended and followed, and one that cannot start is told of: the daemon serves on', async () => {
  await withStandIn([], async (daemon) => {
    await told(daemon);
    const before = await pidOf(daemon, 'archive');
    writeFileSync(join(daemon.stateDir, 'silent'), '');
    await eventually(async () => expect(await pidOf(daemon, 'archive')).not.toBe(before), { timeoutMs: 60_000 });
    writeFileSync(join(daemon.stateDir, 'refuse'), '');
    rmSync(join(daemon.stateDir, 'silent'));
    process.kill((await pidOf(daemon, 'archive')) ?? 0, 'SIGKILL');
    const reason = 'the archive process is down and is being started again: no room (make some)';
    await eventually(async () => expect((await daemon.status()).degraded).toEqual([reason]));
    expect(await ask(daemon, { op: 'status' })).toMatchObject({ ok: false, code: 'timeout' });
    expect((await fetch(`${daemon.url}/api/v1/sqlite/health`)).status).toBe(200);
    expect(await daemon.command('status', '--alive')).toMatchObject({ code: 0 });
    rmSync(join(daemon.stateDir, 'refuse'));
    await eventually(() => told(daemon), { timeoutMs: 60_000 });
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

test('where commits are not kept, there is no such process, and a question says what to do', async () => {
  await withDaemon(['--archive', 'off'], async (daemon) => {
    expect(await ask(daemon, { op: 'history', database: 'app.db', limit: 1 })).toEqual({
      ok: false,
      code: 'not-archived',
      message: 'commits are not kept: start the daemon with --archive wal',
    });
    expect(await pidOf(daemon, 'archive')).toBeUndefined();
    expect((await daemon.status()).archive).toBe(null);
    expect(existsSync(join(daemon.stateDir, 'archive'))).toBe(false);
  });
});
