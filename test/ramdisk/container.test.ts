// A daemon in a container with a limit of its memory, started without any option about RAM: the tmpfs comes with the
// first choice of a database, has half of the limit, and the daemon lives when it is full.
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import {
  bind,
  daemonCapabilities,
  fuseDevice,
  programBinds,
  startContainer,
  withSharedPaths,
} from '../helpers/containers.ts';
import { canRunContainers, prepareDebianRoot } from '../helpers/debian-root.ts';
import { eventually } from '../helpers/eventually.ts';

const MiB = 1 << 20;
const program = ['node', '/opt/hoody-sqlite/dist/daemon/main.js'];

/** Rows of 1 MiB until one does not fit; then what is there, seen from a program that opens it anew. */
const filler = `import sqlite3
path = '/hoody/databases/app.db'
c = sqlite3.connect(path, isolation_level=None, timeout=60)
count = c.execute('select count(*) from t').fetchone()[0]
try:
    for _ in range(400): c.execute('insert into t values (zeroblob(1048576))'); count += 1
    print('never full')
except sqlite3.OperationalError as error: print(error)
c.close()
c = sqlite3.connect(path, isolation_level=None, timeout=60)
print(c.execute('select count(*) from t').fetchone()[0] == count, c.execute('pragma integrity_check').fetchone()[0])`;

describe.skipIf(!canRunContainers)('in a container with 512 MiB', () => {
  prepareDebianRoot();

  test('the tmpfs has 256 MiB, comes with the first choice, and the daemon lives when it is full', async () => {
    await withSharedPaths(async (paths) => {
      const empty = join(paths.folder, 'empty');
      for (const folder of [paths.data, empty]) mkdirSync(folder);
      const container = await startContainer(paths, 'limited', {
        memoryBytes: 512 * MiB,
        script: `exec ${program.join(' ')} start --require-mount --passthrough on --listen 127.0.0.1:0 --drain 1`,
        capabilities: daemonCapabilities,
        devices: [fuseDevice],
        mounts: [
          ...programBinds,
          bind(paths.data, '/var/lib/hoody/databases'),
          bind(empty, '/ramdisk'),
          { destination: '/sys/fs/cgroup', type: 'cgroup', source: 'cgroup', options: ['ro'] },
          { destination: '/run', type: 'tmpfs', source: 'tmpfs' },
          { destination: '/var/lib/hoody-sqlite', type: 'tmpfs', source: 'tmpfs' },
        ],
      });
      const tier = async (...args: string[]) => {
        const { code, stdout, stderr } = await container.exec(...program, 'tier', ...args);
        expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
        return stdout;
      };
      try {
        await eventually(() => expect(container.stdout(), container.stderr()).toContain('ready mount='));
        await container.exec('sqlite3', '/hoody/databases/app.db', 'pragma journal_mode=wal; create table t (x)');
        expect(await tier('list')).toContain('/ramdisk: mounted when a database is chosen');
        expect((await container.exec('stat', '-fc', '%T', '/ramdisk')).stdout).not.toBe('tmpfs\n');
        expect(await tier('set', 'app.db', 'ram')).toBe('app.db is in RAM now\n');
        const { stdout: size } = await container.exec('stat', '-fc', '%T %b %S', '/ramdisk');
        expect(size).toBe(`tmpfs ${(256 * MiB) / 4096} 4096\n`);
        const { stdout, stderr } = await container.exec('python3', '-c', filler);
        expect(stdout, stderr).toBe('database or disk is full\nTrue ok\n');
        expect(JSON.parse(await tier('list', '--json'))).toMatchObject({ directory: '/ramdisk' });
        await eventually(() => expect(container.stderr()).toContain('ramdisk-full'));
        const counts = 'cat /sys/fs/cgroup/memory/memory.oom_control /sys/fs/cgroup/memory.events 2>&1';
        expect((await container.exec('sh', '-c', counts)).stdout).toMatch(/^oom_kill 0$/m);
      } finally {
        await container.remove();
      }
    });
  });
});
