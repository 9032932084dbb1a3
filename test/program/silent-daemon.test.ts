// A daemon, or a process of it, that does not answer: what the commands say, and what becomes of it.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { loadSettings } from '../../daemon/config/settings.ts';
import { connectToDaemon } from '../../daemon/control/client.ts';
import {
  createInstanceFolder,
  createRunDir,
  currentBootId,
  instanceOf,
  writeRecord,
} from '../../daemon/instance/instances.ts';
import { killProcess, pidOf, withDaemon } from '../helpers/daemon.ts';
import { eventually } from '../helpers/eventually.ts';
import { ask, told, withStandIn } from '../helpers/stand-in-archive.ts';

// The first three wait for most of their time.
test.concurrent('every command that gets no answer fails with exit code 1 and says who does not answer', {
  timeout: 200_000,
}, async () => {
  await withDaemon(['--no-mount'], async (daemon) => {
    process.kill(daemon.pid, 'SIGSTOP');
    try {
      const commands = [
        ['status'],
        ['status', '--json'],
        ['locks'],
        ['reload'],
        ['stop'],
        ['backup', 'app', join(daemon.folder, 'saved')],
        ['restore', join(daemon.folder, 'saved'), 'app'],
      ];
      const finished = await Promise.all(commands.map(([name = '', ...args]) => daemon.command(name, ...args)));
      for (const [index, { code, stdout, stderr }] of finished.entries()) {
        expect({ code, stdout }, commands[index]?.join(' ')).toEqual({ code: 1, stdout: '' });
        expect(stderr).toContain(`the daemon with pid ${daemon.pid} does not answer`);
      }
    } finally {
      process.kill(daemon.pid, 'SIGCONT');
    }
    // The `stop` that was not answered has been heard all the same.
    expect((await daemon.finished).code).toBe(0);
  });
});

test.concurrent('status --alive fails when a process of the daemon is silent', async () => {
  await withDaemon([], async (daemon) => {
    const server = await pidOf(daemon, 'server');
    process.kill(server, 'SIGSTOP');
    expect(await daemon.command('status', '--alive')).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('no HTTP answer'),
    });
    process.kill(server, 'SIGCONT');
  });
});

test.concurrent('an archive process that hangs is ended and followed, and one that cannot start is told of: the daemon serves on', async () => {
  await withStandIn([], async (daemon) => {
    await told(daemon);
    const before = await pidOf(daemon, 'archive');
    writeFileSync(join(daemon.stateDir, 'silent'), '');
    await eventually(async () => expect(await pidOf(daemon, 'archive')).not.toBe(before), { timeoutMs: 60_000 });
    writeFileSync(join(daemon.stateDir, 'refuse'), '');
    rmSync(join(daemon.stateDir, 'silent'));
    await killProcess(daemon, 'archive');
    const reason = 'the archive process is down and is being started again: no room (make some)';
    await eventually(async () => expect((await daemon.status()).degraded).toEqual([reason]));
    expect(await ask(daemon, { op: 'status' })).toMatchObject({ ok: false, code: 'timeout' });
    expect((await fetch(`${daemon.url}/api/v1/sqlite/health`)).status).toBe(200);
    expect(await daemon.command('status', '--alive')).toMatchObject({ code: 0 });
    rmSync(join(daemon.stateDir, 'refuse'));
    await eventually(() => told(daemon), { timeoutMs: 60_000 });
  });
});

/** A daemon that says these lines to whatever it is asked, and then closes the connection. */
async function askOne(lines: readonly string[]): Promise<unknown> {
  const folder = mkdtempSync(join(tmpdir(), 'hoody-sqlite-'));
  const runDir = join(folder, 'run');
  const instance = instanceOf(runDir, '/data');
  createRunDir(runDir);
  createInstanceFolder(instance);
  writeRecord(instance, { pid: 4711, data: '/data', mount: null, connection: null, fs: [], bootId: currentBootId() });
  const server = createServer((socket) =>
    socket.once('data', () => socket.end(lines.map((line) => `${line}\n`).join(''))),
  );
  await new Promise<void>((resolve) => server.listen(instance.controlSocket, resolve));
  try {
    const { settings } = loadSettings(new Map([['runDir', [runDir]]]), {});
    const loaded = { settings, named: new Set<never>(), origins: new Map(), faults: [], warnings: [] };
    const input = { ...loaded, flags: new Map(), switches: new Set<string>(), values: new Map<string, string>() };
    const daemon = await connectToDaemon({ ...input, positionals: [] });
    return await daemon.ask('status').finally(() => daemon.close());
  } finally {
    server.close();
    rmSync(folder, { recursive: true });
  }
}

test('a daemon that ends before it answers does not answer', async () => {
  await expect(askOne([])).rejects.toThrow('the daemon with pid 4711 does not answer');
});

test('empty lines before the answer say that a daemon is at work on it', async () => {
  expect(await askOne(['', '', '{"value": 7}'])).toBe(7);
});
