// SQLite takes two files for one when their st_dev and st_ino are the same. Below the data directory there may be
// several file systems, whose first files have the same number; on the mount every file has one of its own.
import { spawnSync } from 'node:child_process';
import { mkdirSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { type Daemon, withDaemon } from '../helpers/daemon.ts';
import { eventually } from '../helpers/eventually.ts';
import { apiOf } from '../helpers/http.ts';
import { run } from '../helpers/process.ts';

function does(command: string, ...args: string[]): void {
  const { status, stderr } = spawnSync(command, args, { encoding: 'utf8' });
  expect({ command: [command, ...args].join(' '), status, stderr: status === 0 ? '' : stderr }).toMatchObject({
    status: 0,
  });
}

/**
 * Makes two ext4, a btrfs with two subvolumes and a tmpfs, mounted below the data directory: the names of their
 * folders.
 */
async function withVolumes(use: (daemon: Daemon, volumes: readonly string[]) => Promise<void>): Promise<void> {
  await withDaemon([], async (daemon) => {
    const volumes: string[] = [];
    const mount = (name: string, ...args: string[]) => {
      const folder = join(daemon.data, name);
      mkdirSync(folder);
      does('mount', ...args, folder);
      volumes.push(name);
    };
    try {
      for (const name of ['one', 'two']) {
        const image = join(daemon.folder, `${name}.img`);
        does('truncate', '-s', '32M', image);
        does('mkfs.ext4', '-q', image);
        mount(name, '-o', 'loop', image);
      }
      mount('memory', '-t', 'tmpfs', 'tmpfs');
      const image = join(daemon.folder, 'btrfs.img');
      does('truncate', '-s', '128M', image);
      does('mkfs.btrfs', '-q', image);
      mount('btrfs', '-o', 'loop', image);
      does('btrfs', 'subvolume', 'create', join(daemon.data, 'btrfs/sub'));
      await use(daemon, [...volumes, 'btrfs/sub', '.']);
    } finally {
      for (const name of volumes.reverse()) spawnSync('umount', ['-l', join(daemon.data, name)]);
    }
  });
}

const insertAll = `
import sqlite3, sys
# One process has all of them open at once: what it knows of a file goes by device and inode number.
connections = [sqlite3.connect(path, isolation_level=None) for path in sys.argv[1:]]
for n, db in enumerate(connections):
    db.execute(f"CREATE TABLE t{n} (x)")
for turn in range(20):
    for n, db in enumerate(connections):
        db.execute("BEGIN IMMEDIATE")
        db.execute(f"INSERT INTO t{n} VALUES (?)", (f"of {n}",))
    for db in connections: db.execute("COMMIT")
for n, db in enumerate(connections):
    print(db.execute("PRAGMA integrity_check").fetchone()[0], db.execute(f"SELECT count(*) FROM t{n}").fetchone()[0])`;

test('files of several file systems never share a number, in stat, in listings, and after the fs process was replaced', async () => {
  await withVolumes(async (daemon, volumes) => {
    for (const volume of volumes) for (let n = 0; n < 20; n += 1) writeFileSync(join(daemon.data, volume, `f${n}`), '');
    await eventually(() => expect(statSync(join(daemon.mount, 'two/f0')).isFile()).toBe(true));
    const numbers = (): Record<string, bigint> =>
      Object.fromEntries(
        volumes.flatMap((volume) =>
          readdirSync(join(daemon.mount, volume))
            .filter((name) => /^f\d+$/.test(name))
            .map((name) => [`${volume}/${name}`, statSync(join(daemon.mount, volume, name), { bigint: true }).ino]),
        ),
      );
    const before = numbers();
    expect(Object.keys(before)).toHaveLength(20 * volumes.length);
    expect(new Set(Object.values(before)).size).toBe(20 * volumes.length);
    for (const volume of volumes) {
      const listed = await run('ls', ['-1i', join(daemon.mount, volume)]);
      for (const line of listed.stdout.trim().split('\n')) {
        const [number = '', name = ''] = line.trim().split(/\s+/);
        if (/^f\d+$/.test(name)) expect([name, BigInt(number)]).toEqual([name, before[`${volume}/${name}`]]);
      }
    }
    const backing = statSync(join(daemon.data, 'f0'), { bigint: true }).ino;
    expect(before['./f0']).toBe(backing);
    expect((await daemon.command('reload')).code).toBe(0);
    expect(numbers()).toEqual(before);
  });
});

/**
 * Of each directory named: names whose number in the listing (d_ino) is not that of stat(2), then how many names there
 * were.
 */
const compareListings = `
import os, sys
for folder in sys.argv[1:]:
    entries = list(os.scandir(folder))
    print(sorted(e.name for e in entries if e.inode() != os.lstat(e.path).st_ino), len(entries))`;

test('listings have the numbers of stat, also of directories where another file system is mounted, in large directories too', async () => {
  await withVolumes(async (daemon, volumes) => {
    const [names, manyFiles] = [300, 40].map((count) => Array.from({ length: count }, (_, n) => `x${n}`));
    for (const name of names ?? []) mkdirSync(join(daemon.data, name));
    for (const volume of volumes.slice(0, -1)) {
      for (const name of manyFiles ?? []) writeFileSync(join(daemon.data, volume, name), '');
    }
    await eventually(() => expect(readdirSync(daemon.mount)).toContain('x299'));
    const folders = ['.', ...volumes.slice(0, -1)].map((name) => join(daemon.mount, name));
    // The kernel reads a directory with attributes at first, without them as soon as nobody asks for them.
    for (const round of ['first', 'second']) {
      const { stdout, stderr } = await run('python3', ['-c', compareListings, ...folders]);
      expect([round, stderr]).toEqual([round, '']);
      expect(stdout.split('\n').map((line) => line.split('] ')[0])).toEqual([...folders.map(() => '['), '']);
    }
  });
});

test('databases on several file systems stay several, for native programs and over HTTP', async () => {
  await withVolumes(async (daemon, volumes) => {
    await eventually(() => expect(readdirSync(join(daemon.mount, 'one'))).toContain('lost+found'));
    const paths = volumes.map((volume) => join(daemon.mount, volume, 'app.db'));
    const { stdout, stderr } = await run('python3', ['-c', insertAll, ...paths]);
    expect(stderr).toBe('');
    expect(stdout).toBe('ok 20\n'.repeat(paths.length));
    const api = apiOf(daemon);
    for (const [n, path] of paths.entries()) {
      const { json } = await api.sql(path, { query: `SELECT count(*) AS n FROM t${n}` });
      expect(json.results[0].resultSet).toEqual([{ n: 20 }]);
    }
  });
});
