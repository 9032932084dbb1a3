// A database that takes the name of an earlier one: what SQLite kept beside the earlier one never reaches it.
import { copyFileSync, existsSync, linkSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { describe, expect, test } from 'vitest';
import { withDaemon } from '../helpers/daemon.ts';
import { eventually } from '../helpers/eventually.ts';
import { type Api, apiOf } from '../helpers/http.ts';
import { dieAfter } from '../helpers/killed-writer.ts';
import { run, start } from '../helpers/process.ts';

/** Commits a row that is only in the WAL, and dies without closing. */
async function dieWithWal(path: string): Promise<void> {
  const wal = ['PRAGMA journal_mode=WAL', 'PRAGMA wal_autocheckpoint=0'];
  await dieAfter(path, ...wal, 'CREATE TABLE old (x)', "INSERT INTO old VALUES ('old')");
  expect(existsSync(`${path}-wal`)).toBe(true);
}

const tablesOf = async (api: Api, name: string): Promise<unknown> => {
  const sql = 'SELECT name FROM sqlite_master ORDER BY name';
  const { json } = await api.call('POST', `/db?db=${name}`, { body: { transaction: [{ query: sql }] } });
  return json.results[0].resultSet.map((row: { name: string }) => row.name);
};

describe.each([
  ['through the mount', []],
  ['without a mount', ['--no-mount']],
])('%s', (_where, flags) => {
  test('a new database begins without the WAL and the journal of an earlier one', async () => {
    await withDaemon([...flags, '--create-on-write'], async (daemon) => {
      const api = apiOf(daemon);
      for (const [name, make] of [
        ['made', () => api.call('POST', '/db/create?path=made')],
        ['written', () => api.call('PUT', '/kv/k?db=written', { body: 'v' })],
      ] as const) {
        const path = join(api.daemon.root, `${name}.db`);
        await dieWithWal(path);
        rmSync(path);
        expect((await make()).status).toBeLessThan(300);
        expect(await tablesOf(api, name)).not.toContain('old');
        expect(await tablesOf(api, name)).not.toEqual([]);
      }
    });
  });

  test('a file that is moved onto a database in use is what everybody sees from then on', async () => {
    await withDaemon(flags, async (daemon) => {
      const api = apiOf(daemon);
      const path = join(api.daemon.root, 'app.db');
      const saved = join(api.daemon.root, 'saved.db');
      const copy = new Database(saved);
      copy.exec("PRAGMA journal_mode=WAL; CREATE TABLE saved (x); INSERT INTO saved VALUES ('kept')");
      copy.close();
      await api.call('POST', '/db/create?path=app');
      const write = { transaction: [{ statement: 'CREATE TABLE replaced AS SELECT randomblob(20000) AS x' }] };
      expect((await api.call('POST', '/db?db=app', { body: write })).status).toBe(200);
      renameSync(saved, path);
      if (api.daemon.mounted) {
        // A native program may be the first to look.
        const { stdout } = await run('sqlite3', [path, 'PRAGMA integrity_check; SELECT x FROM saved']);
        expect(stdout).toBe('ok\nkept\n');
      }
      expect(await tablesOf(api, 'app')).toEqual(['saved']);
      const native = new Database(path);
      expect(native.prepare('SELECT x FROM saved').pluck().all()).toEqual(['kept']);
      expect(native.pragma('integrity_check', { simple: true })).toBe('ok');
      native.close();
    });
  });
});

test('a file that gets the name of a removed database in use begins without its WAL', async () => {
  await withDaemon(['--create-on-write'], async (daemon) => {
    const api = apiOf(daemon);
    for (const [name, bring] of [
      ['copied', (saved: string, path: string) => copyFileSync(saved, path)],
      ['moved', renameSync],
      ['linked', linkSync],
    ] as const) {
      const [path, saved] = [join(daemon.root, `${name}.db`), join(daemon.root, `saved-${name}.db`)];
      const copy = new Database(saved);
      copy.exec("CREATE TABLE saved (x); INSERT INTO saved VALUES ('kept')");
      copy.close();
      await api.sql(name, { statement: "CREATE TABLE replaced AS SELECT 'lost' AS x" });
      rmSync(path);
      bring(saved, path);
      const { stdout } = await run('sqlite3', [path, 'PRAGMA integrity_check; SELECT x FROM saved']);
      expect([name, stdout]).toEqual([name, 'ok\nkept\n']);
      await api.sql(name, { statement: "INSERT INTO saved VALUES ('more')" });
      expect((await run('sqlite3', [path, 'SELECT count(*) FROM saved'])).stdout).toBe('2\n');
    }
  });
});

test('a database that is moved away and back under its own users keeps its WAL', async () => {
  await withDaemon([], async (daemon) => {
    const path = join(daemon.root, 'app.db');
    const program = `
import sqlite3, sys
db = sqlite3.connect(sys.argv[1], isolation_level=None)
db.execute("PRAGMA journal_mode=WAL")
db.execute("CREATE TABLE t (x)")
db.execute("INSERT INTO t VALUES (1)")
print("ready", flush=True)
sys.stdin.readline()
db.execute("INSERT INTO t VALUES (2)")
print(db.execute("SELECT count(*) FROM t").fetchone()[0], flush=True)
sys.stdin.readline()`;
    const user = start('python3', ['-c', program, path]);
    try {
      await eventually(() => expect(user.stdout()).toContain('ready'));
      renameSync(path, `${path}.away`);
      renameSync(`${path}.away`, path);
      expect(existsSync(`${path}-wal`)).toBe(true);
      user.process.stdin?.write('go\n');
      await eventually(() => expect(user.stdout()).toContain('ready\n2\n'));
      const { stdout } = await run('sqlite3', [path, 'SELECT count(*) FROM t']);
      expect(stdout).toBe('2\n');
    } finally {
      user.process.kill('SIGKILL');
      await user.finished;
    }
  });
});
