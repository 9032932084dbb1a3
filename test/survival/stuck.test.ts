// The fs process is killed while it tells the kernel to forget a name, and the kernel waits for a directory that a
// client holds until it gets its answer. Such a process cannot end before its successor has given that answer.
import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { pidOf, withDaemon } from '../helpers/daemon.ts';
import { eventually } from '../helpers/eventually.ts';
import { type Started, start } from '../helpers/process.ts';
import { isHere, withDataOn } from './data-on.ts';

const changes = 4_000;
/** write(2) to descriptor 3, the device. */
const tells = /^(1|64) 0x3 /;
/** mkdirat(2). */
const makes = /^(258|34) /;

function systemCallsOf(pid: number): string[] {
  const folder = `/proc/${pid}/task`;
  return readdirSync(folder).map((tid) => readFileSync(join(folder, tid, 'syscall'), 'latin1'));
}

function freeze(disk: string, how: '--freeze' | '--unfreeze'): void {
  expect(spawnSync('fsfreeze', [how, disk]).status).toBe(0);
}

test.skipIf(!isHere('ext4'))(
  'a kill while the kernel is told of a change: the successor does not wait for a process that waits for it',
  async () => {
    await withDataOn('ext4', async (paths, disk) => {
      await withDaemon(
        [],
        async (daemon) => {
          const pid = await pidOf(daemon, 'fs');
          const clients: Started[] = [];
          let isFrozen = false;
          try {
            // The fs process has thousands of changes to tell when it is stopped in the middle of a client's mkdir by
            // the frozen disk.
            await eventually(
              async () => {
                const round = clients.length;
                const told = daemon.stderr().length;
                for (let n = 0; n < changes; n++) writeFileSync(join(paths.data, `${round}-${n}`), '');
                await eventually(() => expect(daemon.stderr().slice(told)).toContain('changed-behind-the-mount'));
                freeze(disk, '--freeze');
                isFrozen = true;
                clients.push(start('mkdir', [join(daemon.mount, `folder-${round}`)]));
                await eventually(
                  () => {
                    const calls = systemCallsOf(pid);
                    expect(calls.filter((call) => tells.test(call))).toHaveLength(1);
                    expect(calls.filter((call) => makes.test(call))).toHaveLength(1);
                  },
                  { timeoutMs: 2_000 },
                ).catch((error) => {
                  freeze(disk, '--unfreeze');
                  isFrozen = false;
                  throw error;
                });
              },
              { timeoutMs: 60_000 },
            );
            process.kill(pid, 'SIGKILL');
            // Its loop is still inside the mkdir, whose effect is to come: no successor may start before that.
            await new Promise((resolve) => setTimeout(resolve, 2_500));
            expect(daemon.stderr()).not.toContain('child-died');
            freeze(disk, '--unfreeze');
            isFrozen = false;
            const ends = () => clients.map(({ process, stderr }) => ({ code: process.exitCode, stderr: stderr() }));
            await eventually(() => expect(ends()).toEqual(clients.map(() => ({ code: 0, stderr: '' }))), {
              timeoutMs: 30_000,
            });
            expect(daemon.stderr()).toContain('child-stuck');
            await eventually(async () => expect(await pidOf(daemon, 'fs')).not.toBe(pid));
          } finally {
            if (isFrozen) freeze(disk, '--unfreeze');
            for (const client of clients) client.process.kill('SIGKILL');
          }
        },
        { paths },
      );
    });
  },
);
