// The Debian package in a booted Debian: installed, used, upgraded, removed, purged. This Debian has no Node package
// that is new enough, so an empty one with the number of the Node that is passed in stands for NodeSource's.
import { mkdirSync, writeFileSync } from 'node:fs';
import { basename, join, resolve } from 'node:path';
import { describe, expect, test } from 'vitest';
import { canRunContainers, prepareDebianRoot } from '../helpers/debian-root.ts';
import { eventually } from '../helpers/eventually.ts';
import { type Machine, withMachine } from '../helpers/machine.ts';
import { run } from '../helpers/process.ts';

const checkout = resolve(import.meta.dirname, '../..');

/** On the machine's disk. @returns its path inside of the machine */
async function buildDeb(machine: Machine, version?: string): Promise<string> {
  const built = await run(process.execPath, ['packaging/deb.mjs', machine.disk], {
    cwd: checkout,
    env: { HOODY_SQLITE_DEB_VERSION: version },
    timeoutMs: 300_000,
  });
  expect(built, built.stderr).toMatchObject({ code: 0 });
  return `/srv/${basename(built.stdout.trim())}`;
}

async function buildNodePackage(machine: Machine): Promise<string> {
  const tree = join(machine.disk, 'nodejs');
  mkdirSync(join(tree, 'DEBIAN'), { recursive: true });
  writeFileSync(
    join(tree, 'DEBIAN/control'),
    `Package: nodejs\nVersion: ${process.versions.node}-1nodesource1\nArchitecture: all\nMaintainer: test\nDescription: test\n`,
  );
  expect((await run('dpkg-deb', ['--build', tree, join(machine.disk, 'nodejs.deb')])).code).toBe(0);
  return '/srv/nodejs.deb';
}

const supervisorPid = async (machine: Machine) =>
  Number(await machine.ok('systemctl show hoody-sqlite -p MainPID --value'));

describe.skipIf(!canRunContainers)('the Debian package', () => {
  prepareDebianRoot();

  test('installs, serves, upgrades under an open database, is removed and purged, and keeps the databases', async () => {
    await withMachine(async (machine) => {
      await machine.ok('rm /usr/local/bin/hoody-sqlite; umount /opt/hoody-sqlite');
      const [deb, newer] = [await buildDeb(machine), await buildDeb(machine, '99.0.0')];
      const refused = await machine.sh(`dpkg -i ${deb}`);
      expect(refused.code).toBe(1);
      expect(refused.stderr).toContain('depends on nodejs (>= ');
      await machine.ok(`dpkg -i ${await buildNodePackage(machine)}`);
      await machine.ok(`dpkg --configure -a && dpkg --audit`, 120_000);

      expect(await machine.ok('systemctl is-active hoody-sqlite && systemctl is-enabled hoody-sqlite')).toBe(
        'active\nenabled',
      );
      expect((await machine.sh('systemd-analyze verify hoody-sqlite.service')).stderr).toBe('');
      expect(await machine.ok('hoody-sqlite version')).toMatch(/^hoody-sqlite \d/);
      await machine.ok('hoody-sqlite status --alive && hoody-sqlite check && hoody-sqlite config validate');
      expect(await machine.ok('hoody-sqlite service status')).toContain(
        '/systemd/system/hoody-sqlite.service, enabled',
      );
      expect((await machine.sh('hoody-sqlite service uninstall')).stderr).toContain('is part of a package');
      await machine.ok(`sqlite3 /hoody/databases/app.db 'CREATE TABLE log (id INTEGER PRIMARY KEY)'`);

      // A program with an open transaction notices nothing of the upgrade.
      const before = await supervisorPid(machine);
      const client = machine.start(`exec python3 -u -c '
import sqlite3, sys
connection = sqlite3.connect("/hoody/databases/app.db", timeout=0, isolation_level=None)
connection.execute("BEGIN IMMEDIATE"); connection.execute("INSERT INTO log DEFAULT VALUES"); print("open")
sys.stdin.readline(); connection.execute("COMMIT"); print("committed")'`);
      await eventually(() => expect(client.stdout(), client.stderr()).toContain('open'));
      await machine.ok(`dpkg -i ${newer}`, 120_000);
      client.process.stdin?.end('\n');
      expect(await client.finished).toMatchObject({ code: 0, stdout: 'open\ncommitted\n', stderr: '' });
      expect(await supervisorPid(machine)).toBe(before);
      await machine.ok('hoody-sqlite status --alive');

      // An edited file of settings survives the removal, and the databases survive everything.
      await machine.ok('echo HOODY_SQLITE_DRAIN=1 >>/etc/default/hoody-sqlite');
      await machine.ok('dpkg --remove hoody-sqlite', 120_000);
      expect((await machine.sh('pgrep -a node; grep fuse.hoody /proc/mounts; systemctl cat hoody-sqlite')).stdout).toBe(
        '',
      );
      expect(await machine.ok('rmdir /hoody/databases && tail -1 /etc/default/hoody-sqlite')).toBe(
        'HOODY_SQLITE_DRAIN=1',
      );
      expect(await machine.ok('dpkg --purge hoody-sqlite')).toContain('databases in /var/lib/hoody/databases are kept');
      const left = 'ls -d /etc/default/hoody-sqlite /var/lib/hoody-sqlite /run/hoody-sqlite /usr/lib/hoody-sqlite';
      expect((await machine.sh(left)).stdout).toBe('');
      expect((await machine.sh('find /etc/systemd /var/lib/systemd -name "*hoody*"')).stdout).toBe('');
      expect(await machine.ok(`sqlite3 /var/lib/hoody/databases/app.db 'SELECT count(*) FROM log'`)).toBe('1');
    });
  }, 600_000);
});
