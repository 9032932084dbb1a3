// The supervisor dies in the middle of a reload, when two fs processes are there: one that serves and one that is to
// follow it.

import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { processesOf, startDaemon, whenReady, withPaths } from '../helpers/daemon.ts';
import { eventually } from '../helpers/eventually.ts';
import { killEach } from '../helpers/process.ts';
import { checkLoad, clientScript, moreFrom, query, startProgram } from './load.ts';

/** A reload takes some 300 ms; HOODY_SQLITE_SOAK tries every moment of it. */
const momentsMs = process.env.HOODY_SQLITE_SOAK ? Array.from({ length: 60 }, (_, n) => n * 5) : [5, 100, 200];

const timeout = 60_000 + momentsMs.length * 20_000;

test('kill -9 of the supervisor during a reload: the next daemon takes the mount over', { timeout }, async () => {
  await withPaths(async (paths) => {
    let started = startDaemon(paths, []);
    await whenReady(started, paths);
    const path = join(paths.mount, 'held.db');
    query(path, 'pragma journal_mode=wal; create table t (client text, n integer)');
    const client = startProgram('python', 'held.db', 'python3', [clientScript, path, 'python', '60']);
    try {
      await eventually(() => expect(client.acknowledged().length).toBeGreaterThan(0));
      for (const momentMs of momentsMs) {
        started.process.kill('SIGHUP');
        await delay(momentMs);
        started.process.kill('SIGKILL');
        await started.exited;
        await moreFrom(client);
        started = startDaemon(paths, []);
        await whenReady(started, paths);
        expect(started.stderr(), `${momentMs} ms`).toContain('mount-adopted');
        await moreFrom(client);
        expect(client.errors(), `${momentMs} ms`).toEqual([]);
        // Supervisor, fs process, server, and its executor at most: none of the others has lived on.
        await eventually(async () => expect((await processesOf(paths)).length).toBeLessThanOrEqual(4));
      }
      await client.stop();
      await checkLoad(paths.data, [client]);
    } finally {
      started.process.kill('SIGKILL');
      killEach(await processesOf(paths));
      await client.stop();
    }
  });
});
