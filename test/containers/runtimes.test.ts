// The snippets of docs/containers.md, each run as written there: a container sees the mount, and sees the next one
// after a restart of the daemon without being restarted itself.
import { spawnSync } from 'node:child_process';
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { hostFolder, startContainer, withSharedPaths } from '../helpers/containers.ts';
import { type DaemonPaths, withDaemon } from '../helpers/daemon.ts';
import { canRunContainers, debianRoot, prepareDebianRoot } from '../helpers/debian-root.ts';
import { eventually } from '../helpers/eventually.ts';
import { run, type Started, start } from '../helpers/process.ts';

const script = `insert() { sqlite3 /hoody/databases/app.db "INSERT INTO t VALUES ('$1')" && echo $1; }
insert before
while [ ! -e /hoody/restarted ]; do sleep 0.1; done
insert after`;

type Run = (paths: DaemonPaths, root: string) => Promise<Started>;

const runtimes: Readonly<Record<string, Run>> = {
  runc: (paths) => startContainer(paths, 'plain', { script }),

  bubblewrap: async (paths, root) =>
    start('bwrap', [
      ...['--ro-bind', root, '/', '--proc', '/proc', '--dev', '/dev', '--tmpfs', '/tmp'],
      ...['--bind', hostFolder(paths), '/hoody', '--unshare-pid', '--unshare-ipc', '--die-with-parent'],
      ...['sh', '-c', script],
    ]),

  'systemd-nspawn': async (paths, root) =>
    start('systemd-nspawn', [
      ...['--quiet', '--register=no', '--keep-unit', '--console=pipe', '--machine', nspawnName],
      ...['--read-only', `--directory=${root}`, `--bind=${hostFolder(paths)}:/hoody`],
      ...['sh', '-c', script],
    ]),

  podman: async (paths, root) => {
    const storage = (name: string) => join(paths.folder, 'podman', name);
    return start('podman', [
      ...['--root', storage('root'), '--runroot', storage('run'), '--tmpdir', storage('tmp')],
      ...['--cgroup-manager', 'cgroupfs', '--events-backend', 'none', '--runtime', 'runc'],
      // Limits that may not be raised where root itself lacks CAP_SYS_RESOURCE.
      ...['run', '--rm', '--network', 'host', '--ulimit', 'nofile=1024:1024', '--ulimit', 'nproc=1000:1000'],
      ...['--read-only', '--volume', `${hostFolder(paths)}:/hoody:rslave`, '--rootfs', root],
      ...['sh', '-c', script],
    ]);
  },
};

const nspawnName = `hoody-test-${process.pid}`;
const isInstalled = (program: string) => spawnSync('which', [program]).status === 0;

describe.skipIf(!canRunContainers)('a container sees the mount, and the next one after a restart, in', () => {
  prepareDebianRoot();

  for (const [name, runContainer] of Object.entries(runtimes)) {
    test.skipIf(name === 'podman' && !isInstalled('podman'))(name, async () => {
      const root = await debianRoot();
      await withSharedPaths(async (paths) => {
        let container: Started | undefined;
        try {
          await withDaemon(
            ['--drain', '1'],
            async (daemon) => {
              await run('sqlite3', [join(daemon.root, 'app.db'), 'CREATE TABLE t (x)']);
              const started = await runContainer({ ...paths, mount: daemon.mount }, root);
              container = started;
              await eventually(() => expect(started.stdout(), started.stderr()).toBe('before\n'), {
                timeoutMs: 60_000,
              });
            },
            { paths },
          );
          await withDaemon(
            [],
            async (daemon) => {
              writeFileSync(join(hostFolder(paths), 'restarted'), '');
              expect(await container?.finished).toMatchObject({ code: 0, stdout: 'before\nafter\n' });
              const { stdout } = await run('sqlite3', [join(daemon.root, 'app.db'), 'SELECT x FROM t']);
              expect(stdout).toBe('before\nafter\n');
            },
            { paths },
          );
        } finally {
          container?.process.kill('SIGKILL');
          await container?.finished;
          rmSync(`/run/systemd/nspawn/propagate/${nspawnName}`, { recursive: true, force: true });
        }
      });
    });
  }
});
