// What cannot be followed of a database with a rollback journal is told as a gap, and the states after it are right.
// What can be goes on without one, over restarts of the daemon as well.
import { spawnSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { ArchiveStatus, HistoryEntry } from '../../fs/archive/messages.ts';
import { type Daemon, withDaemon, withPaths } from '../helpers/daemon.ts';
import { eventually } from '../helpers/eventually.ts';
import { Archived } from './archived.ts';

const flags = ['--archive', 'all'];

test('a database from before goes on without a gap when the daemon is started again, but not what was changed behind it', () =>
  withPaths(async (paths) => {
    mkdirSync(paths.data, { recursive: true });
    sql(join(paths.data, 'app.db'), 'create table t (a); insert into t values (1)');
    await withDaemon(
      flags,
      async (daemon) => {
        sql(join(daemon.mount, 'app.db'), 'insert into t values (2)');
        await begun(daemon);
        sql(join(daemon.mount, 'app.db'), 'insert into t values (3)');
        expect(gapsOf(await history(daemon))).toEqual([]);
      },
      { paths },
    );
    await withDaemon(
      flags,
      async (daemon) => {
        sql(join(daemon.mount, 'app.db'), 'insert into t values (4)');
        expect(gapsOf(await history(daemon))).toEqual([]);
        expect(await newestRows(daemon)).toBe('4');
      },
      { paths },
    );
    sql(join(paths.data, 'app.db'), 'insert into t values (5)');
    await withDaemon(
      flags,
      async (daemon) => {
        sql(join(daemon.mount, 'app.db'), 'insert into t values (6)');
        await eventually(async () => expect(await newestRows(daemon)).toBe('6'), { timeoutMs: 60_000 });
        expect(gapsOf(await history(daemon))).toHaveLength(1);
      },
      { paths },
    );
  }));

test('whoever ends in the middle of a transaction without a journal leaves a gap, and no commit of its own', () =>
  withDaemon(flags, async (daemon) => {
    const path = join(daemon.mount, 'app.db');
    const rows =
      'with recursive n(i) as (select 1 union all select i + 1 from n where i < 200) select i, randomblob(3000) from n';
    sql(path, `create table t (a, b); insert into t ${rows}`);
    await begun(daemon);
    const dying = `
import os, sqlite3, sys
db = sqlite3.connect(sys.argv[1], isolation_level=None)
db.execute('pragma journal_mode=memory').fetchall()
db.execute('pragma cache_size=2')
db.execute('begin')
db.execute('update t set a = -a, b = randomblob(3000)')
os.kill(os.getpid(), 9)`;
    expect(spawnSync('python3', ['-c', dying, path]).signal).toBe('SIGKILL');
    const last = await eventually(
      async () => {
        const entry = (await history(daemon)).at(-1);
        expect(entry?.kind).toBe('resync');
        return entry;
      },
      { timeoutMs: 60_000 },
    );
    expect([last?.reason, last?.writer]).toEqual([expect.stringContaining('without a journal'), null]);
    // Half of it, as SQLite leaves it: what everybody sees from now on.
    const sum = await archivedOf(daemon, async (archived) =>
      sql(await archived.stateAt('app.db', last?.bookmark ?? ''), 'select sum(a) from t'),
    );
    expect(sum).toBe(sql(path, 'select sum(a) from t'));
  }));

function sql(path: string, text: string): string {
  const { stdout, stderr } = spawnSync('sqlite3', [path, text], { encoding: 'utf8' });
  expect(stderr).toBe('');
  return stdout.trim();
}

async function archivedOf<Value>(daemon: Daemon, ask: (archived: Archived) => Promise<Value>): Promise<Value> {
  const archived = await Archived.of(daemon);
  try {
    return await ask(archived);
  } finally {
    archived.close();
  }
}

function history(daemon: Daemon): Promise<HistoryEntry[]> {
  return archivedOf(daemon, (archived) => archived.history('app.db'));
}

/** States before the first base of a history cannot be had. */
async function begun(daemon: Daemon): Promise<void> {
  await eventually(
    async () => {
      const { databases } = await archivedOf(daemon, (archived) => archived.ask<ArchiveStatus>({ op: 'status' }));
      expect(databases.map(({ state }) => state)).toEqual(['current']);
    },
    { timeoutMs: 60_000 },
  );
}

async function newestRows(daemon: Daemon): Promise<string> {
  const newest = (await history(daemon)).at(-1);
  return archivedOf(daemon, async (archived) =>
    sql(await archived.stateAt('app.db', newest?.bookmark ?? ''), 'select count(*) from t'),
  );
}

function gapsOf(entries: readonly HistoryEntry[]): (string | undefined)[] {
  return entries.filter(({ kind }) => kind === 'resync').map(({ reason }) => reason);
}
