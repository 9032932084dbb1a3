import { chmodSync, existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { programPath, runProgram, startDaemon, whenReady, withDaemon, withPaths } from '../helpers/daemon.ts';
import { eventually } from '../helpers/eventually.ts';
import { run, start } from '../helpers/process.ts';

function withFolder<T>(test: (folder: string) => Promise<T>): Promise<T> {
  const folder = mkdtempSync(join(tmpdir(), 'hoody-sqlite-'));
  return test(folder).finally(() => rmSync(folder, { recursive: true, force: true }));
}

test('an old Node gets one clear sentence', async () => {
  await withFolder(async (folder) => {
    const disguise = join(folder, 'old-node.cjs');
    writeFileSync(disguise, `Object.defineProperty(process.versions, 'node', { value: '20.18.3' });`);
    const finished = await run(process.execPath, ['--require', disguise, programPath, 'version']);
    expect(finished).toMatchObject({
      code: 1,
      stdout: '',
      stderr: 'hoody-sqlite needs Node 20.19 or newer, and this is Node 20.18.3.\n',
    });
  });
});

test.each([
  [['version'], 0, /^hoody-sqlite \d+\.\d+\.\d+\n$/],
  [['--version'], 0, /^hoody-sqlite \d/],
  [['help'], 0, /usage: hoody-sqlite COMMAND/],
  [['--help'], 0, /usage: hoody-sqlite COMMAND/],
  [['help', 'start'], 0, /--drain SECONDS/],
  [['start', '--help'], 0, /--drain SECONDS/],
  [['completion', 'bash'], 0, /complete -F _hoody_sqlite hoody-sqlite\n$/],
])('%j prints to stdout', async (args, code, stdout) => {
  const finished = await runProgram(args);
  expect(finished.code).toBe(code);
  expect(finished.stdout).toMatch(stdout);
});

test.each([
  [[], 'no command'],
  [['strat'], 'strat'],
  [['help', 'strat'], 'strat'],
  [['status', '--jason'], '--jason'],
  [['completion', 'tcsh'], 'tcsh'],
  [['stop', 'now'], 'now'],
])('%j is refused by name with exit code 2', async (args, named) => {
  const finished = await runProgram(args);
  expect(finished).toMatchObject({ code: 2, stdout: '' });
  expect(finished.stderr).toContain(named);
});

test.each(['status', 'stop'])('%s without a daemon ends with exit code 3', async (command) => {
  await withFolder(async (folder) => {
    expect(await runProgram([command, '--run-dir', join(folder, 'none')])).toMatchObject({ code: 3, stdout: '' });
    expect(await runProgram([command, '--run-dir', folder, '--data', folder])).toMatchObject({ code: 3 });
  });
});

describe('settings', () => {
  test('come from variables and from a file', async () => {
    await withPaths(async (paths) => {
      const config = join(paths.folder, 'config.json');
      writeFileSync(config, '{"no-mount": true, "drain": "1s"}');
      await withDaemon([], async (daemon) => expect(daemon.mounted).toBe(false), {
        paths,
        env: { HOODY_SQLITE_CONFIG: config },
      });
      const started = startDaemon(paths, [], { env: { HOODY_SQLITE_NO_MOUNT: '1', HOODY_SQLITE_PORT: 'tcp://1' } });
      const daemon = await whenReady(started, paths);
      expect(daemon.mounted).toBe(false);
      expect(daemon.stderr()).toContain('HOODY_SQLITE_PORT');
      await daemon.stop();
    });
  });

  test('the log level follows the file while the daemon runs', async () => {
    await withPaths(async (paths) => {
      const config = join(paths.folder, 'config.json');
      writeFileSync(config, '{"no-mount": true, "log-level": "error"}');
      await withDaemon(
        ['--config', config],
        async (daemon) => {
          expect(daemon.stderr()).toBe('');
          writeFileSync(config, '{"no-mount": true, "log-level": "info"}');
          await eventually(() => expect(daemon.stderr()).toContain('configuration-reloaded'));
          writeFileSync(config, '{"log-level": "loud"}');
          await eventually(() => expect(daemon.stderr()).toContain('configuration-not-reloaded'));
        },
        { paths },
      );
    });
  });
});

test('an edited file is told what has no effect: a flag wins, and most keys need a restart', async () => {
  await withPaths(async (paths) => {
    const config = join(paths.folder, 'config.json');
    writeFileSync(config, '{"no-mount": true}');
    await withDaemon(
      ['--config', config, '--log-level', 'warn'],
      async (daemon) => {
        writeFileSync(config, '{"no-mount": true, "log-level": "debug", "drain": 1, "listen": ":1"}');
        await eventually(() => expect(daemon.stderr()).toContain('configuration-overridden'));
        const events = daemon
          .stderr()
          .trim()
          .split('\n')
          .map((line) => JSON.parse(line));
        expect(events).toContainEqual(
          expect.objectContaining({ event: 'configuration-needs-restart', keys: ['drain'] }),
        );
        // Given as a flag by this test.
        expect(events).toContainEqual(
          expect.objectContaining({ event: 'configuration-overridden', keys: ['listen', 'log-level'] }),
        );
        expect(events.map(({ level }) => level)).not.toContain('info');
      },
      { paths },
    );
  });
});

describe('check', () => {
  test('names each prerequisite, and a way out for each that fails', async () => {
    await withFolder(async (folder) => {
      const args = ['check', '--mount', join(folder, 'm'), '--data', join(folder, 'd'), '--listen', '127.0.0.1:0'];
      const { stdout, code } = await runProgram([...args, '--json']);
      const { checks } = JSON.parse(stdout) as { checks: { name: string; result: string; fix?: string }[] };
      expect(checks.map(({ name }) => name)).toEqual(
        expect.arrayContaining([
          'root',
          '/dev/fuse',
          'kernel',
          'mount point',
          'data',
          'file system',
          'free space',
          'port',
        ]),
      );
      for (const { result, fix } of checks) expect(result === 'ok' || fix !== undefined).toBe(true);
      expect(code).toBe(checks.some(({ result }) => result === 'failed') ? 1 : 0);
      expect((await runProgram(args)).stdout).toContain('/dev/fuse');
      expect(existsSync(join(folder, 'd'))).toBe(false);
    });
  });

  test('finds nothing wrong with what a running daemon of ours uses', async () => {
    await withDaemon([], async (daemon) => {
      const address = new URL(daemon.url).host;
      const { stdout } = await daemon.command('check', '--mount', daemon.mount, '--listen', address);
      expect(stdout).toContain(`ok   port         ${daemon.url} is served by the daemon with pid ${daemon.pid}`);
      expect(stdout).toContain(`ok   mount point  ${daemon.mount} is mounted and answers`);
    });
  });

  test('fails where nothing can be mounted', async () => {
    await withFolder(async (folder) => {
      writeFileSync(join(folder, 'file'), '');
      const finished = await runProgram(['check', '--mount', join(folder, 'file'), '--data', join(folder, 'd')]);
      expect(finished.code).toBe(1);
      expect(finished.stdout).toMatch(/FAIL mount point .*not a directory\n +.*--mount/);
    });
  });

  test.runIf(process.getuid?.() === 0)('fails for a user that may not mount', async () => {
    await withFolder(async (folder) => {
      chmodSync(folder, 0o777);
      const args = [programPath, 'check', '--mount', join(folder, 'm'), '--data', join(folder, 'd')];
      const finished = await run('setpriv', [...nobody, process.execPath, ...args]);
      expect(finished.code).toBe(1);
      expect(finished.stdout).toMatch(/FAIL root .*\n +.*--no-mount/);
    });
  });
});

const nobody = ['--reuid=65534', '--regid=65534', '--clear-groups'];

test.runIf(process.getuid?.() === 0)('an ordinary user gets HTTP, and is told what is missing', async () => {
  await withFolder((folder) => startsAsNobody(folder, join(folder, 'm')));
});

test.runIf(process.getuid?.() === 0)(
  "an ordinary user gets HTTP beside root's daemon, on whose mount point as well",
  async () => {
    await withDaemon([], async (daemon) => {
      await withFolder((folder) => startsAsNobody(folder, daemon.mount));
      expect((await daemon.status()).mount).toBe(daemon.mount);
    });
  },
);

async function startsAsNobody(folder: string, mount: string): Promise<void> {
  chmodSync(folder, 0o777);
  const home = join(folder, 'home');
  mkdirSync(home);
  chmodSync(home, 0o777);
  // Every directory is the default of that user: below the working directory and the per-user run-time folder.
  const environment = { XDG_RUNTIME_DIR: home, TEST_DAEMON_FOLDER: folder };
  const paths = {
    folder,
    mount,
    data: join(home, 'databases'),
    stateDir: '',
    runDir: join(home, 'hoody-sqlite'),
  };
  const started = start(
    'setpriv',
    [...nobody, process.execPath, programPath, 'start', '--listen', '127.0.0.1:0', '--mount', paths.mount],
    { cwd: home, env: environment },
  );
  try {
    const daemon = await whenReady(started, paths);
    expect(daemon.mounted).toBe(false);
    expect(daemon.stderr()).toContain('root');
    expect((await fetch(`${daemon.url}/api/v1/sqlite/health`)).status).toBe(200);
    expect(existsSync(paths.data)).toBe(true);
  } finally {
    started.process.kill('SIGTERM');
    expect((await started.finished).code).toBe(0);
  }
}
