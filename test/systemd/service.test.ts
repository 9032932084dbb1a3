// The service under a real systemd: a booted Debian in systemd-nspawn with /dev/fuse passed in.
import { describe, expect, test } from 'vitest';
import { canRunContainers, prepareDebianRoot } from '../helpers/debian-root.ts';
import { eventually } from '../helpers/eventually.ts';
import { type Machine, withMachine } from '../helpers/machine.ts';

const install = 'hoody-sqlite service install --data /srv/db --state-dir /srv/state --mount /hoody/databases';
const insert = `sqlite3 -bail /hoody/databases/app.db 'INSERT INTO log DEFAULT VALUES'`;
const count = `sqlite3 /hoody/databases/app.db 'SELECT count(*) FROM log'`;

type Status = { processes: { role: string; pid: number }[]; passthrough: boolean; mount: string };

async function status(machine: Machine): Promise<Status> {
  return JSON.parse(await machine.ok('hoody-sqlite status --json')) as Status;
}

async function pidOf(machine: Machine, role: string): Promise<number> {
  const found = (await status(machine)).processes.find((process) => process.role === role);
  if (found === undefined) throw new Error(`no ${role} process`);
  return found.pid;
}

const health = `node -e "fetch('http://127.0.0.1:8484/api/v1/sqlite/health').then((r) => process.exit(r.ok ? 0 : 1))"`;

/** Serving means: the mount and HTTP both answer, and systemd agrees. */
async function serves(machine: Machine): Promise<void> {
  await machine.ok(`systemctl is-active hoody-sqlite && stat -f -c %T /hoody/databases && ${health}`, 10_000);
}

async function installed(test: (machine: Machine) => Promise<void>): Promise<void> {
  await withMachine(async (machine) => {
    await machine.ok(install);
    await machine.ok(
      `sqlite3 /hoody/databases/app.db 'PRAGMA journal_mode=WAL; CREATE TABLE log (id INTEGER PRIMARY KEY)'`,
    );
    await test(machine);
  });
}

describe.skipIf(!canRunContainers)('the service', () => {
  prepareDebianRoot();

  test('installs, serves, reloads, stops, uninstalls, and leaves nothing but the data', async () => {
    await installed(async (machine) => {
      await serves(machine);
      expect(await machine.ok('hoody-sqlite service status')).toMatch(/state +active \(running\)/);
      await machine.ok(insert);
      // The thread that answers locks comes before the programs that wait for it.
      expect(await machine.ok(`ps -L -o ni= -p ${await pidOf(machine, 'fs')} | sort -n | head -1`)).toMatch(/^ *-10$/);

      const before = await pidOf(machine, 'supervisor');
      await machine.ok('systemctl reload hoody-sqlite');
      await eventually(() => serves(machine));
      expect(await pidOf(machine, 'supervisor')).toBe(before);
      await machine.ok(insert);

      await machine.ok('systemctl restart hoody-sqlite');
      await serves(machine);
      expect(await machine.ok(count)).toBe('2');

      await machine.ok('systemctl stop hoody-sqlite');
      expect(await machine.ok('systemctl show hoody-sqlite -p Result --value')).toBe('success');
      expect((await machine.sh('touch /hoody/databases/app.db')).stderr).toContain('Operation not permitted');
      await machine.ok('systemctl start hoody-sqlite');
      await machine.ok('hoody-sqlite service uninstall');
      await machine.ok('rmdir /hoody/databases');
      const left =
        'find /etc/systemd /run/systemd/system /run/hoody-sqlite -name "*hoody*"; pgrep -a node; grep fuse.hoody /proc/mounts';
      expect((await machine.sh(left)).stdout).toBe('');
      expect((await machine.sh('systemctl is-failed hoody-sqlite; systemctl is-enabled hoody-sqlite')).code).not.toBe(
        0,
      );
      expect(await machine.ok(`sqlite3 /srv/db/app.db 'SELECT count(*) FROM log'`)).toBe('2');
      expect((await machine.sh('hoody-sqlite service status')).code).toBe(3);
    });
  });

  test('reloads where /etc/default names another data directory', async () => {
    await withMachine(async (machine) => {
      await machine.ok('echo HOODY_SQLITE_DATA=/srv/other >/etc/default/hoody-sqlite');
      await machine.ok('hoody-sqlite service install --state-dir /srv/state --mount /hoody/databases');
      const before = await pidOf(machine, 'fs');
      await machine.ok('systemctl reload hoody-sqlite');
      expect(await pidOf(machine, 'fs')).not.toBe(before);
      expect(await machine.ok('ls -d /srv/other')).toBe('/srv/other');
    });
  });

  test('keeps the mount and every open file through kill -9 of each process, of all of them, and through a reload', async () => {
    await installed(async (machine) => {
      const client = machine.start(`exec python3 -u -c '
import sqlite3
connection = sqlite3.connect("/hoody/databases/app.db", timeout=0, isolation_level=None)
while True:
    connection.execute("INSERT INTO log DEFAULT VALUES")
    print("ok")
'`);
      const written = () => client.stdout().split('\n').length - 1;
      const goesOn = async () => {
        const before = written();
        await eventually(() => expect(written(), client.stderr()).toBeGreaterThan(before), { timeoutMs: 60_000 });
      };
      try {
        await goesOn();
        for (const role of ['server', 'fs', 'supervisor', 'cgroup']) {
          if (role === 'cgroup') await machine.ok('systemctl kill --signal=KILL --kill-who=all hoody-sqlite');
          else await machine.ok(`kill -9 ${await pidOf(machine, role)}`);
          await eventually(() => serves(machine), { timeoutMs: 30_000, intervalMs: 100 });
          await goesOn();
        }
        const before = await pidOf(machine, 'fs');
        await machine.ok('systemctl reload hoody-sqlite');
        await serves(machine);
        expect(await pidOf(machine, 'fs')).not.toBe(before);
        await goesOn();
        expect(client.stderr()).toBe('');
      } finally {
        await machine.sh('pkill -9 python3');
        await client.finished;
      }
      // The last one may be in the database without having been told.
      const rows = Number(await machine.ok(count));
      expect([0, 1]).toContain(rows - written());
      expect(await machine.ok(`sqlite3 /hoody/databases/app.db 'PRAGMA integrity_check'`)).toBe('ok');
      await machine.ok('systemctl stop hoody-sqlite');
      expect((await machine.sh('pgrep -a node; grep fuse.hoody /proc/mounts')).stdout).toBe('');
    });
  });

  test('is restarted by the watchdog when the loop behind the mount hangs', async () => {
    await installed(async (machine) => {
      await machine.ok('mkdir -p /etc/systemd/system/hoody-sqlite.service.d');
      await machine.ok(`printf '[Service]\\nWatchdogSec=4\\n' >/etc/systemd/system/hoody-sqlite.service.d/test.conf`);
      await machine.ok('systemctl daemon-reload && systemctl restart hoody-sqlite');
      const supervisor = await pidOf(machine, 'supervisor');
      await machine.ok(`kill -STOP ${await pidOf(machine, 'fs')}`);
      await eventually(
        async () => {
          await serves(machine);
          expect(await pidOf(machine, 'supervisor')).not.toBe(supervisor);
        },
        { timeoutMs: 60_000, intervalMs: 500 },
      );
      await machine.ok(insert);
    });
  });

  test('is not killed while a stop waits longer than the unit says', async () => {
    await installed(async (machine) => {
      await machine.ok('mkdir -p /etc/systemd/system/hoody-sqlite.service.d');
      await machine.ok(
        `printf '[Service]\\nTimeoutStopSec=2\\n' >/etc/systemd/system/hoody-sqlite.service.d/test.conf`,
      );
      await machine.ok('systemctl daemon-reload');
      const holder = machine.start(`exec python3 -u -c '
import sys; f = open("/hoody/databases/held", "a"); print("open"); sys.stdin.readline()'`);
      await eventually(() => expect(holder.stdout(), holder.stderr()).toContain('open'));
      const stopping = machine.ok('hoody-sqlite stop --drain 1h');
      await eventually(async () => {
        const state = 'systemctl show hoody-sqlite -p ActiveState -p StateChangeTimestampMonotonic --value';
        const [since, active] = (await machine.ok(state)).split('\n').sort();
        const [uptime = ''] = (await machine.ok('cat /proc/uptime')).split(' ');
        expect(active).toBe('deactivating');
        expect(Number(uptime) - Number(since) / 1e6).toBeGreaterThan(4);
      });
      holder.process.stdin?.end('\n');
      await stopping;
      await eventually(async () => {
        const result = 'systemctl show hoody-sqlite -p ActiveState -p Result --value';
        expect((await machine.ok(result)).split('\n').sort()).toEqual(['inactive', 'success']);
      });
    });
  });

  test('does not start, and says why, where it could not mount', async () => {
    await withMachine(async (machine) => {
      await machine.ok('umount /dev/fuse && rm /dev/fuse');
      const refused = await machine.sh(install);
      expect(refused.code).toBe(1);
      expect(refused.stderr).toMatch(/cannot mount: .*\/dev\/fuse/);
    });
  });

  test('is there before a container that is ordered after it', async () => {
    await installed(async (machine) => {
      await machine.ok('systemctl stop hoody-sqlite');
      // A unit with its own mount namespace and only the parent of the mount in it, as a container has.
      const unit = `[Unit]
Requires=hoody-sqlite.service
After=hoody-sqlite.service
[Service]
Type=oneshot
TemporaryFileSystem=/srv /hoody
BindPaths=/hoody
ExecStart=/usr/bin/${insert}`;
      await machine.ok(`cat >/etc/systemd/system/client.service <<'UNIT'\n${unit}\nUNIT`);
      await machine.ok('systemctl daemon-reload && systemctl start client');
      expect(await machine.ok(count)).toBe('1');
      expect(await machine.ok(`sqlite3 /srv/db/app.db 'SELECT count(*) FROM log'`)).toBe('1');
    });
  });
});
