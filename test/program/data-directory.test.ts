// Who reaches the data directory, and who the mount: they are two things, since only the mount is nosuid.
import { chmodSync, chownSync, copyFileSync, mkdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { runProgram, startDaemon, whenReady, withDaemon, withPaths } from '../helpers/daemon.ts';
import { type Finished, run } from '../helpers/process.ts';

const nobody = 65_534;

function asNobody(command: string, ...args: string[]): Promise<Finished> {
  // By a shell: setpriv itself still has root's capabilities when it looks the program up.
  const shell = ['sh', '-c', 'exec "$0" "$@"', command, ...args];
  return run('setpriv', [`--reuid=${nobody}`, `--regid=${nobody}`, '--clear-groups', ...shell]);
}

const modeOf = (path: string) => (statSync(path).mode & 0o7777).toString(8);

test('a new data directory is closed to other users, and its mount is open to them, without set-user-ID programs', async () => {
  await withDaemon([], async (daemon) => {
    chmodSync(daemon.folder, 0o755);
    expect(modeOf(daemon.data)).toBe('700');
    expect(modeOf(daemon.mount)).toBe('755');
    mkdirSync(join(daemon.mount, 'tenant'));
    copyFileSync('/usr/bin/id', join(daemon.mount, 'tenant/id'));
    chownSync(join(daemon.mount, 'tenant/id'), 0, 0);
    chmodSync(join(daemon.mount, 'tenant/id'), 0o4755);
    expect(modeOf(join(daemon.data, 'tenant/id'))).toBe('4755');
    expect(await asNobody(join(daemon.mount, 'tenant/id'), '-u')).toMatchObject({ code: 0, stdout: `${nobody}\n` });
    expect(await asNobody(join(daemon.data, 'tenant/id'), '-u')).not.toMatchObject({ code: 0 });
    expect(daemon.stderr()).not.toContain('data-directory-open-to-all');
  });
});

test("a chmod of the mount's root stays there, over a reload and a restart", async () => {
  await withPaths(async (paths) => {
    const first = await whenReady(startDaemon(paths, []), paths);
    chmodSync(paths.folder, 0o755);
    chmodSync(paths.mount, 0o3777);
    const look = async (name: string) => {
      expect(modeOf(paths.mount)).toBe('3777');
      // A set-group-ID bit hands the group down, which the data directory's own file system does.
      expect(modeOf(paths.data)).toBe('2700');
      expect(await asNobody('touch', join(paths.mount, name))).toMatchObject({ code: 0 });
      expect(statSync(join(paths.mount, name))).toMatchObject({ uid: nobody, gid: 0 });
    };
    await look('a');
    expect(await first.command('reload')).toMatchObject({ code: 0 });
    await look('b');
    await first.stop();
    await withDaemon([], () => look('c'), { paths });
  });
});

test('a data directory that every user reaches is named at the start and by check, and the cure leaves the mount as it is', async () => {
  await withPaths(async (paths) => {
    chmodSync(paths.folder, 0o755);
    mkdirSync(paths.data, { mode: 0o755 });
    const check = () => runProgram(['check', '--data', paths.data, '--mount', paths.mount]);
    await withDaemon(
      [],
      async (daemon) => {
        expect(daemon.stderr()).toContain('data-directory-open-to-all');
        const { stdout } = await check();
        expect(stdout).toMatch(/WARN data rights .*\n +chmod 700 .*, and then chmod 755 /);
        chmodSync(paths.data, 0o700);
        chmodSync(paths.mount, 0o755);
        expect([modeOf(paths.data), modeOf(paths.mount)]).toEqual(['700', '755']);
        expect((await check()).stdout).toMatch(/ok +data rights/);
      },
      { paths },
    );
  });
});

test('an HTTP server of another user gets at databases, with and without a mount', async () => {
  for (const flags of [
    ['--user', 'nobody'],
    ['--user', 'nobody', '--no-mount'],
  ]) {
    await withPaths(async (paths) => {
      chmodSync(paths.folder, 0o755);
      await withDaemon(
        flags,
        async (daemon) => {
          // Through the mount, whose root belongs to root, nobody makes files until root allows it.
          if (daemon.mounted) chmodSync(daemon.mount, 0o1777);
          const created = await fetch(`${daemon.url}/api/v1/sqlite/db/create?path=app.db`, { method: 'POST' });
          expect(created.status).toBe(201);
          expect(modeOf(daemon.data)).toBe('700');
        },
        { paths },
      );
    });
  }
});

test.each(['/proc/none', '/proc/none/below', '/sys/none/below'])(
  'a data directory %s is refused at once',
  async (data) => {
    await withPaths(async (paths) => {
      const refused = await startDaemon({ ...paths, data }, ['--no-mount']).finished;
      expect(refused).toMatchObject({ code: 1, stderr: expect.stringContaining(`--data ${data} cannot be created`) });
    });
  },
);

test.each(['data', 'mount', 'stateDir'] as const)(
  'a file in the place of %s is refused by the name of its flag',
  async (place) => {
    await withPaths(async (paths) => {
      const file = join(paths.folder, 'file');
      writeFileSync(file, '');
      const refused = await startDaemon({ ...paths, [place]: file }, ['--require-mount']).finished;
      const flag = place === 'stateDir' ? 'state-dir' : place;
      expect(refused.code).toBe(1);
      expect(refused.stderr).toContain(`--${flag} ${file} cannot be created`);
      expect(refused.stderr).not.toContain('    at ');
    });
  },
);
