// Every process of the daemon dies, and a program lives on with a file of the dead mount open: it may go on writing to
// the backing file without asking anybody, so the next daemon gives the database to nobody else until the program
// closes it.
import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { DaemonStatus } from '../../daemon/supervisor/status.ts';
import { type DaemonPaths, withDaemon, withPaths } from '../helpers/daemon.ts';
import { eventually } from '../helpers/eventually.ts';
import { run, type Started, start } from '../helpers/process.ts';
import { afterTotalDeath as afterDeathOn, startHolder, tell } from './held.ts';
import { query } from './load.ts';

const sql = "insert into t values ('newcomer', 1)";

/** The next daemon after the death of one that `how` had a database of. */
async function afterTotalDeath(
  flags: readonly string[],
  mode: string,
  how: string,
  test: (next: {
    paths: DaemonPaths;
    holder: Started;
    status: () => Promise<DaemonStatus>;
    url: string;
    root: string;
  }) => Promise<void>,
): Promise<void> {
  await withPaths((paths) =>
    afterDeathOn(paths, mode, how, (holder) =>
      withDaemon(flags, (next) => test({ ...next, paths, holder }), { paths }),
    ),
  );
}

// Each mostly waits for a program that is told "locked".
test.concurrent.each([
  ['wal', 'connection'],
  ['delete', 'connection'],
  ['wal', 'map'],
  ['delete', 'flight'],
])('a %s database that is held by a %s is locked for others until it is closed', async (mode, how) => {
  await afterTotalDeath(['--lock-limit', 'fenceMs=0'], mode, how, async ({ paths, holder, status, url }) => {
    const held = join(paths.mount, 'held.db');
    expect(query(join(paths.mount, 'free.db'), `${sql}; select count(*) from t`)).toBe('1');
    const refused = await run('sqlite3', [held, sql]);
    expect(refused.code).not.toBe(0);
    expect(refused.stderr).toContain('locked');
    const asked = await fetch(`${url}/api/v1/sqlite/db?db=held.db&timeout=1`, {
      method: 'POST',
      body: JSON.stringify({ transaction: [{ statement: sql }] }),
    });
    expect(asked.status).toBe(503);
    const { fenced } = await status();
    expect(fenced.map(({ database }) => database)).toEqual(['held.db']);
    if (how !== 'flight') expect(fenced[0]?.by.map(({ command }) => command)).toEqual(['python3']);

    await tell(holder, 'close');
    await eventually(async () => expect((await status()).fenced).toEqual([]));
    expect(query(held, `${sql}; select count(*) from t`)).toBe('1');
    expect(query(held, 'pragma integrity_check')).toBe('ok');
  });
});

test.each(['wal', 'delete'])('in the seconds after a start a newcomer waits for such a %s database', async (mode) => {
  await afterTotalDeath([], mode, 'connection', async ({ paths, holder, status }) => {
    const newcomer = start('sqlite3', [join(paths.mount, 'held.db'), `${sql}; select count(*) from t`]);
    await eventually(async () => expect((await status()).fuse.pending).toBe(1));
    await tell(holder, 'close');
    expect(await newcomer.finished).toMatchObject({ code: 0, stdout: '1\n', stderr: '' });
  });
});

test('without a mount HTTP refuses such a database until it is closed, and serves the others', async () => {
  await afterTotalDeath(['--no-mount'], 'wal', 'connection', async ({ holder, status, url }) => {
    const insert = (db: string) =>
      fetch(`${url}/api/v1/sqlite/db?db=${db}&timeout=1`, {
        method: 'POST',
        body: JSON.stringify({ transaction: [{ statement: sql }] }),
      });
    expect((await insert('free.db')).status).toBe(200);
    const refused = await insert('held.db');
    expect(refused.status).toBe(503);
    expect(await refused.json()).toMatchObject({ code: 'DATABASE_BUSY' });
    expect((await status()).fenced).toEqual([
      { database: 'held.db', by: [expect.objectContaining({ command: 'python3' })] },
    ]);
    await tell(holder, 'close');
    await eventually(async () => expect((await status()).fenced).toEqual([]));
    expect((await insert('held.db')).status).toBe(200);
  });
});

test('a daemon that was stopped in order fences too, if programs had files open at its end', async () => {
  await withPaths(async (paths) => {
    const holders: Started[] = [];
    try {
      await withDaemon(
        ['--drain', '0'],
        async () => {
          const path = join(paths.mount, 'held.db');
          query(path, 'pragma journal_mode=wal; create table t (client text, n integer)');
          holders.push(await startHolder('connection', path));
        },
        { paths },
      );
      await withDaemon(
        [],
        async (next) => {
          expect((await next.status()).fenced.map(({ database }) => database)).toEqual(['held.db']);
          for (const holder of holders) await tell(holder, 'close');
          await eventually(async () => expect((await next.status()).fenced).toEqual([]));
        },
        { paths },
      );
    } finally {
      for (const holder of holders) {
        holder.process.kill('SIGKILL');
        await holder.finished;
      }
    }
  });
});

test('where the kernel keeps the locks such a database cannot be opened until it is closed', async () => {
  await afterTotalDeath(['--locks', 'kernel'], 'wal', 'connection', async ({ paths, holder, status }) => {
    const held = join(paths.mount, 'held.db');
    expect((await run('sqlite3', [held, sql])).stderr).toContain('unable to open');
    expect(query(join(paths.mount, 'free.db'), `${sql}; select count(*) from t`)).toBe('1');
    await tell(holder, 'close');
    await eventually(async () => expect((await status()).fenced).toEqual([]));
    expect(query(held, `${sql}; select count(*) from t`)).toBe('1');
  });
});
