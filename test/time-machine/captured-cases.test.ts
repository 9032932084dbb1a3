// What may happen to a database with a rollback journal: each time its history goes on, and its newest state is right.
import { spawnSync } from 'node:child_process';
import { mkdirSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { expect, test } from 'vitest';
import { type Daemon, withDaemon, withPaths } from '../helpers/daemon.ts';
import { eventually } from '../helpers/eventually.ts';
import { apiOf } from '../helpers/http.ts';
import { type Captured, sqlOn, startedOn } from './captured.ts';
import { whileArchiveStops } from './stopped.ts';

const flags = ['--archive', 'all'];
const rows = (count: number, bytes = 3000) =>
  `with recursive n(i) as (select 1 union all select i + 1 from n where i < ${count})
   select i, randomblob(${bytes}) from n`;

async function begun(daemon: Daemon, name: string, setup = ''): Promise<Captured> {
  const database = startedOn(daemon, name);
  database.sql(`${setup}; create table t (a integer primary key, b); insert into t ${rows(50)}`);
  await database.hasBegun();
  return database;
}

/** Runs python with `db`, a connection outside of any transaction. */
function python(path: string, text: string) {
  const program = `import os, sqlite3, sys
db = sqlite3.connect(sys.argv[1], timeout=60, isolation_level=None)
db.execute('pragma cache_size=2')
${text}`;
  return spawnSync('python3', ['-c', program, path], { encoding: 'utf8' });
}

test('a database that is made over HTTP begins once', () =>
  withDaemon(flags, async (daemon) => {
    const api = apiOf(daemon);
    for (let number = 0; number < 5; number++) {
      const { status } = await api.sql(`made${number}`, { statement: 'create table t (a)' });
      expect(status).toBe(200);
    }
    for (let number = 0; number < 5; number++) {
      const name = `made${number}.db`;
      await startedOn(daemon, name).hasBegun();
      const { json } = await api.call('GET', `/db/history?db=made${number}&limit=100`);
      const kinds = json.commits.map(({ kind }: { kind: string }) => kind);
      expect([name, kinds.filter((kind: string) => kind === 'base')]).toEqual([name, ['base']]);
    }
    expect(daemon.stderr()).not.toContain('archive-began-anew');
  }));

test('what is rolled back is no commit: after a spill of the cache, and of a killed writer by the next program', () =>
  withDaemon(flags, async (daemon) => {
    const spilled = await begun(daemon, 'spilled.db');
    const killed = await begun(daemon, 'killed.db');
    const before = [await spilled.history(), await killed.history()].map(({ length }) => length);
    const write = "db.execute('begin')\ndb.execute('update t set b = randomblob(3000)')\n";
    expect(python(spilled.path, `${write}db.execute('rollback')`).stderr).toBe('');
    expect(python(killed.path, `${write}os.kill(os.getpid(), 9)`).signal).toBe('SIGKILL');
    await killed.history(); // half a transaction is all that is there while nobody has it open
    expect(killed.sql('select count(*) from t')).toBe('50'); // rolls back
    const after = [await spilled.history(), await killed.history()].map(({ length }) => length);
    expect(after).toEqual(before);
    for (const database of [spilled, killed]) {
      database.sql('delete from t where a > 40');
      await database.expectNewest();
      expect(await database.gaps()).toEqual([]);
      expect(daemon.stderr()).not.toContain('archive-gap'); // nor was anything compared
      expect((await database.history()).at(-1)?.writer?.command).toContain('sqlite3');
    }
  }));

test('auto_vacuum, incremental and full, VACUUM, and a renamed database with a program in it: no gap', () =>
  withDaemon(flags, async (daemon) => {
    for (const mode of ['full', 'incremental']) {
      const database = await begun(daemon, `${mode}.db`, `pragma auto_vacuum=${mode}`);
      database.sql('delete from t where a % 3 > 0; pragma incremental_vacuum(7)');
      await database.expectNewest();
      database.sql(
        `pragma incremental_vacuum; insert into t(b) select b from t; vacuum; insert into t(b) ${rows(3).replace(
          'select i, randomblob',
          'select randomblob',
        )}`,
      );
      await database.expectNewest();
      expect(await database.gaps()).toEqual([]);
    }
    const old = await begun(daemon, 'old.db');
    const open = new Database(old.path, { timeout: 30_000 });
    try {
      open.exec('delete from t where a = 1');
      const before = (await old.history()).length;
      renameSync(old.path, join(daemon.mount, 'new.db'));
      // SQLite lets no connection write a database that has lost its name since it was opened.
      expect(() => open.exec('delete from t where a = 2')).toThrow('readonly');
      const renamed = startedOn(daemon, 'new.db');
      renamed.sql('delete from t where a = 3');
      await eventually(async () => expect((await renamed.history()).length).toBe(before + 1));
      await renamed.expectNewest();
      expect(await renamed.gaps()).toEqual([]);
    } finally {
      open.close();
    }
  }));

test('another page size begins a new history, with every state from then on', () =>
  withDaemon(flags, async (daemon) => {
    const database = await begun(daemon, 'app.db');
    database.sql('pragma page_size=8192; vacuum');
    await database.hasBegun();
    database.sql('delete from t where a > 10');
    await eventually(() => database.expectNewest());
    expect(database.sql('pragma page_size')).toBe('8192');
    expect(await database.gaps()).toEqual([]);
  }));

test('a transaction that is too large, and a ring that is full, are gaps; no program waits or fails', () =>
  withDaemon(flags, async (daemon) => {
    const large = await begun(daemon, 'large.db');
    large.sql(`insert into t(b) ${rows(300, 100_000).replace('select i, ', 'select ')}`);
    await eventually(async () => expect(await large.gaps()).toEqual([expect.stringContaining('too large')]), {
      timeoutMs: 60_000,
    });
    await large.expectNewest();

    const full = await begun(daemon, 'full.db', 'pragma synchronous=off');
    const program = `
for round in range(100):
    db.execute('pragma synchronous=off')
    db.execute('update t set b = randomblob(20000)')`; // 100 MB
    const { stderr } = await whileArchiveStops(daemon, () => python(full.path, program));
    expect(stderr).toBe('');
    full.sql('delete from t where a > 40');
    await eventually(() => full.expectNewest(), { timeoutMs: 60_000 });
    const gaps = await full.gaps();
    expect(gaps.length, `${gaps}`).toBeGreaterThan(0);
    full.sql('delete from t where a > 30');
    await full.expectNewest();
    expect(await full.gaps()).toEqual(gaps);
  }));

test('a database that was there before has its state from before the first thing that a program does to it', () =>
  withPaths(async (paths) => {
    mkdirSync(join(paths.data, 'some'), { recursive: true });
    for (const name of ['some/app.db', 'other.db']) {
      sqlOn(join(paths.data, name), "create table t (a); insert into t values ('good')");
    }
    const some = ['--archive', 'wal', '--archive-rollback', 'some/**'];
    await withDaemon(
      some,
      async (daemon) => {
        const app = startedOn(daemon, 'some/app.db');
        await app.hasBegun();
        app.sql("update t set a = 'bad'");
        const [before, mistake, ...more] = await app.history();
        expect([mistake?.writer?.command, more]).toEqual([expect.stringContaining('sqlite3'), []]);
        const ask = ['query', 'some/app.db', '--at', before?.bookmark ?? '', 'select a from t', '--json'] as const;
        expect((await daemon.command(...ask)).stdout).toContain('good');
        await app.expectNewest();
        const other = await daemon.command('history', 'other.db');
        expect([other.code, other.stderr]).toEqual([expect.any(Number), expect.stringContaining('--archive all')]);
      },
      { paths },
    );
  }));

test('a new database has every state from its first commit on, however soon its program has closed it', () =>
  withDaemon(flags, async (daemon) => {
    const app = startedOn(daemon, 'app.db');
    const program = `
db.execute('create table t (a)')
for number in range(20): db.execute('insert into t values (?)', (number,))
db.execute('update t set a = -1')`;
    expect(python(app.path, program).stderr).toBe('');
    await app.hasBegun();
    const entries = await app.history();
    expect(entries).toHaveLength(22);
    for (const made of [0, 1, 10, 20]) {
      const ask = [
        '--at',
        entries[made]?.bookmark ?? '',
        "select count(*) || '/' || total(a) as state from t",
      ] as const;
      const { stdout } = await daemon.command('query', 'app', ...ask, '--json');
      expect(stdout).toContain(`${made}/${((made * (made - 1)) / 2).toFixed(1)}`);
    }
    await app.expectNewest();
  }));
