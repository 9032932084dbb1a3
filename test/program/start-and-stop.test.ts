import { once } from 'node:events';
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import {
  type DaemonPaths,
  processesOf,
  runProgram,
  startDaemon,
  whenReady,
  withDaemon,
  withPaths,
} from '../helpers/daemon.ts';
import { eventually } from '../helpers/eventually.ts';
import { type Started, start } from '../helpers/process.ts';

function isMounted(directory: string): boolean {
  return readFileSync('/proc/self/mountinfo', 'utf8').includes(` ${directory} `);
}

async function expectNothingLeft(paths: DaemonPaths): Promise<void> {
  expect(isMounted(paths.mount)).toBe(false);
  await eventually(async () => expect(await processesOf(paths)).toEqual([]));
  expect(existsSync(`${paths.data}.lock`)).toBe(false);
  expect(readdirSync(paths.runDir)).toEqual([]);
}

/** A program that holds a file of the mount open until it is told to close it by the end of its input. */
async function holdOpen(path: string): Promise<Started> {
  const script = 'import sys; f=open(sys.argv[1],"a"); print("open",flush=True); sys.stdin.read()';
  const holder = start('python3', ['-c', script, path]);
  await eventually(() => expect(holder.stdout()).toContain('open'));
  return holder;
}

describe('start', () => {
  test('prints exactly one line on stdout and JSON lines on stderr', async () => {
    await withDaemon([], async (daemon) => {
      expect(daemon.stdout()).toBe(`hoody-sqlite ready mount=${daemon.mount} url=${daemon.url}\n`);
      const events = daemon.stderr().trim().split('\n');
      for (const line of events) expect(JSON.parse(line)).toHaveProperty('event');
      expect(isMounted(daemon.mount)).toBe(true);
      const finished = await daemon.stop();
      expect(finished.stdout.split('\n')).toHaveLength(2);
    });
  });

  test('tells its processes, directories and address', async () => {
    await withDaemon([], async (daemon) => {
      const status = await daemon.status();
      expect(status).toMatchObject({ mount: daemon.mount, data: daemon.data, url: daemon.url });
      expect(status.processes.map(({ role }) => role)).toEqual(expect.arrayContaining(['supervisor', 'fs', 'server']));
      expect(status.processes[0]).toEqual({ role: 'supervisor', pid: daemon.pid });
      expect(status.fuse.requests).toHaveProperty('INIT', 1);
      const { stdout } = await daemon.command('status');
      expect(stdout).toContain(daemon.mount);
    });
  });

  test('without a mount it serves the data directory', async () => {
    await withDaemon(['--no-mount'], async (daemon) => {
      expect(daemon.stdout()).toContain('mount=none');
      const status = await daemon.status();
      expect(status).toMatchObject({ mount: null, passthrough: false });
      expect(status.fuse.requests).toEqual({});
      expect((await fetch(`${daemon.url}/api/v1/sqlite/health`)).status).toBe(200);
    });
  });

  test('serves a unix socket', async () => {
    await withPaths(async (paths) => {
      const path = join(paths.folder, 'http.sock');
      await withDaemon(
        ['--no-mount', '--listen', `unix:${path}`],
        async (daemon) => {
          expect(daemon.url).toBe(`unix:${path}`);
          expect(statSync(path).isSocket()).toBe(true);
        },
        { paths },
      );
      expect(existsSync(path)).toBe(false);
    });
  });

  test('serves HTTP and says why where it may not mount', async () => {
    await withPaths(async (paths) => {
      mkdirSync(paths.folder, { recursive: true });
      // A file where the mount point should be makes every mount impossible, for root too.
      writeFileSync(paths.mount, '');
      await withDaemon(
        [],
        async (daemon) => {
          expect(daemon.mounted).toBe(false);
          expect((await daemon.status()).degraded).toEqual([expect.stringContaining(paths.mount)]);
          expect((await fetch(`${daemon.url}/api/v1/sqlite/health`)).status).toBe(200);
        },
        { paths },
      );
    });
  });

  test('a used port, a wrong flag, a reachable address: refused by name, with its exit code', async () => {
    await withPaths(async (paths) => {
      const busy = createServer();
      await new Promise<void>((resolve) => busy.listen(0, '127.0.0.1', resolve));
      const { port } = busy.address() as { port: number };
      const cases: [string[], number, string][] = [
        [['--listen', `127.0.0.1:${port}`], 1, String(port)],
        [['--lisen', 'x'], 2, '--lisen'],
        [['--listen', '0.0.0.0:0'], 2, '--insecure'],
        [['--data', join(paths.mount, 'inside')], 2, '--data'],
      ];
      for (const [flags, code, named] of cases) {
        const finished = await startDaemon(paths, flags).finished;
        expect(finished).toMatchObject({ code, stdout: '' });
        expect(finished.stderr).toContain(named);
        expect(isMounted(paths.mount)).toBe(false);
      }
      busy.close();
    });
  });
});

test('a signal to npm start stops the daemon', async () => {
  await withPaths(async (paths) => {
    const flags = [
      '--mount',
      paths.mount,
      '--data',
      paths.data,
      '--state-dir',
      paths.stateDir,
      '--run-dir',
      paths.runDir,
    ];
    // Without its scripts, so that the program under test is not built again.
    const npm = start('npm', ['start', '--silent', '--ignore-scripts', '--', ...flags, '--listen', '127.0.0.1:0']);
    await whenReady(npm, paths);
    expect(isMounted(paths.mount)).toBe(true);
    npm.process.kill('SIGTERM');
    expect((await npm.finished).code).toBe(0);
    await expectNothingLeft(paths);
  });
});

describe('stop', () => {
  test.each(['SIGTERM', 'SIGINT'] as const)('%s ends it with code 0 and leaves nothing behind', async (signal) => {
    await withPaths(async (paths) => {
      const started = startDaemon(paths, []);
      await whenReady(started, paths);
      process.kill(started.pid, signal);
      expect((await started.finished).code).toBe(0);
      await expectNothingLeft(paths);
    });
  });

  test('the command returns once the daemon has ended', async () => {
    await withPaths(async (paths) => {
      const started = startDaemon(paths, []);
      const daemon = await whenReady(started, paths);
      expect(await daemon.command('stop')).toMatchObject({ code: 0 });
      await expectNothingLeft(paths);
      expect(await daemon.command('stop')).toMatchObject({ code: 3 });
      expect(await daemon.command('status')).toMatchObject({ code: 3 });
    });
  });

  test('does not wait for connections on which no request runs', async () => {
    await withDaemon(['--no-mount', '--drain', '60'], async (daemon) => {
      const { hostname, port } = new URL(daemon.url);
      const silent = connect(Number(port), hostname);
      silent.on('error', () => {}); // it may be reset
      await once(silent, 'connect');
      const base = `${daemon.url}/api/v1/sqlite`;
      const put = await fetch(`${base}/kv/a?db=app&create_db_if_missing=true`, { method: 'PUT', body: '1' });
      expect(put.ok).toBe(true); // its connection is kept for the next request
      const streams = new AbortController();
      const stream = await fetch(`${base}/changes/stream?db=app`, { signal: streams.signal });
      expect(stream.status).toBe(200);
      streams.abort();
      const sinceMs = performance.now();
      expect(await daemon.stop()).toMatchObject({ code: 0 });
      expect(performance.now() - sinceMs).toBeLessThan(30_000);
    });
  });

  test('waits for a program that has a file open, and names it', async () => {
    await withPaths(async (paths) => {
      const started = startDaemon(paths, ['--drain', '60']);
      const daemon = await whenReady(started, paths);
      const holder = await holdOpen(join(paths.mount, 'held'));
      process.kill(daemon.pid, 'SIGTERM');
      await eventually(() => expect(daemon.stderr()).toContain(`${holder.pid} (python3`));
      expect(isMounted(paths.mount)).toBe(true);
      holder.process.stdin?.end();
      expect((await started.finished).code).toBe(0);
      await holder.finished;
      await expectNothingLeft(paths);
    });
  });

  test('detaches after the drain time, names who has files open, and the next start serves beside them', async () => {
    await withPaths(async (paths) => {
      const started = startDaemon(paths, ['--drain', '0']);
      const daemon = await whenReady(started, paths);
      const holder = await holdOpen(join(paths.mount, 'held'));
      process.kill(daemon.pid, 'SIGTERM');
      expect((await started.finished).code).toBe(0);
      expect(isMounted(paths.mount)).toBe(false);
      expect(started.stderr()).toContain(String(holder.pid));
      // What it may still do to a database is fenced: test/survival.
      await withDaemon([], async (next) => expect(next.mounted).toBe(true), { paths });
      holder.process.kill('SIGKILL');
      await holder.finished;
    });
  });
});

/** The start has begun, and is not over yet: the data directory is the first thing that it makes. */
async function whileStarting(paths: DaemonPaths, flags: readonly string[]): Promise<Started> {
  const started = startDaemon(paths, flags);
  await eventually(() => expect(existsSync(paths.data)).toBe(true), { intervalMs: 1 });
  expect(started.stdout()).toBe('');
  return started;
}

describe('a signal during the start', () => {
  test('SIGHUP is no death: the reload follows the start', async () => {
    await withPaths(async (paths) => {
      const started = await whileStarting(paths, []);
      started.process.kill('SIGHUP');
      await whenReady(started, paths);
      await eventually(() => expect(started.stderr()).toContain('"reloaded"'));
      started.process.kill('SIGTERM');
      expect((await started.finished).code).toBe(0);
      await expectNothingLeft(paths);
    });
  });

  test('SIGTERM ends it in order, before it serves', async () => {
    await withPaths(async (paths) => {
      const started = await whileStarting(paths, []);
      started.process.kill('SIGTERM');
      expect(await started.finished).toMatchObject({ code: 0, stdout: '' });
      await expectNothingLeft(paths);
    });
  });

  test('an error after everything has been started ends it in order', async () => {
    await withPaths(async (paths) => {
      const config = join(paths.folder, 'config.json');
      writeFileSync(config, '{}');
      const started = await whileStarting(paths, ['--config', config]);
      writeFileSync(config, 'no JSON');
      expect(await started.finished).toMatchObject({ code: 2, stdout: '' });
      await expectNothingLeft(paths);
    });
  });
});

describe('the drain', () => {
  test('a second signal ends the wait for programs', async () => {
    await withPaths(async (paths) => {
      const started = startDaemon(paths, ['--drain', '3600']);
      await whenReady(started, paths);
      const holder = await holdOpen(join(paths.mount, 'held'));
      started.process.kill('SIGTERM');
      await eventually(() => expect(started.stderr()).toContain('mount-in-use'));
      // Ctrl-C under npm start arrives twice within a moment: that is one signal.
      await eventually(() => {
        started.process.kill('SIGINT');
        expect(started.stderr()).toContain('stopping-now');
      });
      expect((await started.finished).code).toBe(0);
      expect(isMounted(paths.mount)).toBe(false);
      holder.process.kill('SIGKILL');
      await holder.finished;
    });
  });

  test('of 30 days is no drain of none', async () => {
    await withDaemon(['--no-mount', '--create-on-write', '--drain', '30d'], async (daemon) => {
      const count =
        'WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 5000000) SELECT max(i) FROM n';
      const base = `${daemon.url}/api/v1/sqlite`;
      expect((await fetch(`${base}/kv/a?db=app`, { method: 'PUT', body: '1' })).ok).toBe(true);
      const slow = fetch(`${base}/db?db=app`, {
        method: 'POST',
        body: JSON.stringify({ transaction: [{ query: count }] }),
      });
      await eventually(async () =>
        expect((await daemon.status()).processes.map(({ role }) => role)).toContain('executor'),
      );
      const [answer, finished] = await Promise.all([slow, daemon.stop()]);
      expect(answer.status).toBe(200);
      expect(await answer.text()).toContain('5000000');
      expect(finished.code).toBe(0);
      expect(finished.stderr).not.toContain('child-killed');
    });
  });
});

describe('one daemon', () => {
  test('a second one on the same data directory or mount point is refused with the pid of the first', async () => {
    await withDaemon([], async (daemon) => {
      const other = join(daemon.folder, 'other');
      for (const flags of [['--mount', other], ['--data', other], ['--no-mount']]) {
        const refused = await startDaemon(daemon, flags).finished;
        expect(refused.code).toBe(4);
        expect(refused.stderr).toContain(String(daemon.pid));
      }
      // The first is none the worse for it.
      expect((await fetch(`${daemon.url}/api/v1/sqlite/health`)).status).toBe(200);
      expect(isMounted(daemon.mount)).toBe(true);
    });
  });

  test('the only running daemon is meant by default, a choice of several is refused', async () => {
    await withPaths(async (paths) => {
      await withDaemon(
        [],
        async (first) => {
          const args = ['status', '--json', '--run-dir', paths.runDir];
          expect(JSON.parse((await runProgram(args)).stdout)).toMatchObject({ url: first.url });
          const secondPaths = { ...paths, data: join(paths.folder, 'data-2'), mount: join(paths.folder, 'mount-2') };
          await withDaemon(
            [],
            async (second) => {
              expect(await runProgram(args)).toMatchObject({ code: 2 });
              const chosen = await runProgram([...args, '--mount', secondPaths.mount]);
              expect(JSON.parse(chosen.stdout)).toMatchObject({ url: second.url });
            },
            { paths: secondPaths },
          );
        },
        { paths },
      );
    });
  });

  test('only its user may connect to the control socket', async () => {
    await withDaemon(['--no-mount'], async (daemon) => {
      const [folder = ''] = readdirSync(daemon.runDir);
      expect(statSync(join(daemon.runDir, folder, 'control.sock')).mode & 0o777).toBe(0o600);
    });
  });
});
