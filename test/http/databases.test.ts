// Paths, create, delete, list and maintenance, through a real mount.
import { spawn, spawnSync } from 'node:child_process';
import {
  closeSync,
  existsSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { request, useDaemon } from '../helpers/http.ts';
import { withServer } from '../helpers/server.ts';

const api = useDaemon();
const code = async (method: string, path: string, body?: object) => {
  const answer = await api().call(method, path, body === undefined ? {} : { body });
  return [answer.status, answer.json?.code];
};
const encode = encodeURIComponent;

describe('POST /db/create', () => {
  test('makes a WAL database with the query history, and the key-value tables on request', async () => {
    const plain = await api().call('POST', '/db/create?path=notes');
    expect(plain.status).toBe(201);
    expect(plain.json).toMatchObject({
      success: true,
      message: 'database created',
      path: 'notes',
      kv_table: 'kv_store',
      tables: ['_query_history'],
    });
    const header = readFileSync(join(api().daemon.data, 'notes.db')).subarray(0, 20);
    expect([header[18], header[19]]).toEqual([2, 2]);
    expect(plain.json.size).toBeGreaterThan(0);

    const kv = await api().call('POST', '/db/create?path=kv.sqlite&init_kv=true&kv_table=settings');
    expect(kv.json).toMatchObject({ kv_table: 'settings', path: 'kv.sqlite' });
    expect(kv.json.tables).toEqual(['_query_history', 'settings', 'settings_history']);
  });

  test('refuses what exists', async () => {
    await api().call('POST', '/db/create?path=twice');
    const { status, json } = await api().call('POST', '/db/create?path=twice');
    expect([status, json.code, json.path, json.exists]).toEqual([409, 'DATABASE_EXISTS', 'twice', true]);
    mkdirSync(join(api().daemon.data, 'folder.db'));
    expect(await code('POST', '/db/create?path=folder')).toEqual([409, 'CONFLICT']);
  });

  test('of one path by many at once makes it once', async () => {
    const answers = await Promise.all(Array.from({ length: 8 }, () => api().call('POST', '/db/create?path=race')));
    expect(answers.map(({ status }) => status).sort()).toEqual([201, 409, 409, 409, 409, 409, 409, 409]);
  });
});

describe('a database path', () => {
  test.each(['', 'dir%2Fapp', '..%2Fapp', '%3Amemory%3A', 'a%3Fb', 'a%23b', '%2Fetc%2Fpasswd', 'a%20b'])(
    '%j is refused',
    async (db) => {
      const expected = db === '' ? 'INVALID_PARAMETERS' : 'INVALID_DB_PATH';
      expect(await code('GET', `/query?db=${db}&sql=SELECT%201`)).toEqual([400, expected]);
      expect(await code('POST', `/db/create?path=${db}`)).toEqual([400, expected]);
    },
  );

  test('that is missing is not created by reading or by a transaction that does not ask', async () => {
    expect(await code('GET', '/query?db=missing&sql=SELECT%201')).toEqual([400, 'DATABASE_NOT_FOUND']);
    const body = { transaction: [{ query: 'SELECT 1' }] };
    expect(await code('POST', '/db?db=missing', body)).toEqual([400, 'DATABASE_NOT_FOUND']);
    expect(await code('POST', '/db?db=missing&auto_create=false', body)).toEqual([400, 'DATABASE_NOT_FOUND']);
    expect(existsSync(join(api().daemon.data, 'missing.db'))).toBe(false);
    expect(await code('POST', '/db?db=missing&auto_create=1', body)).toEqual([200, undefined]);
  });

  test('with flags that contradict each other is refused', async () => {
    const { status, json } = await api().call('POST', '/db?db=x&auto_create=true&create_db_if_missing=false', {
      body: { transaction: [{ query: 'SELECT 1' }] },
    });
    expect([status, json.error]).toEqual([400, 'conflicting flags: create_db_if_missing and auto_create must match']);
  });

  test('of something else than a database is refused', async () => {
    const data = api().daemon.data;
    writeFileSync(join(data, 'empty.db'), '');
    writeFileSync(join(data, 'text.db'), 'this is not a database, it is a text of some length');
    mkdirSync(join(data, 'dir.db'));
    expect(spawnSync('mkfifo', [join(data, 'fifo.db')]).status).toBe(0);
    expect(await code('GET', '/query?db=empty&sql=SELECT%201')).toEqual([400, 'INVALID_SQLITE_HEADER']);
    expect(await code('GET', '/query?db=text&sql=SELECT%201')).toEqual([400, 'INVALID_SQLITE_HEADER']);
    expect(await code('GET', '/query?db=dir&sql=SELECT%201')).toEqual([400, 'PATH_IS_DIRECTORY']);
    expect(await code('GET', '/query?db=fifo&sql=SELECT%201')).toEqual([400, 'INVALID_DB_PATH']);
    expect(await code('GET', `/query?db=${encode(join(data, 'none', 'x.db'))}&sql=SELECT%201`)).toEqual([
      400,
      'DATABASE_NOT_FOUND',
    ]);
    expect(await code('GET', `/query?db=${'a'.repeat(300)}&sql=SELECT%201`)).toEqual([400, 'INVALID_DB_PATH']);
  });

  test('is as long as SQLite can use it, or refused with the reason', async () => {
    const names = [`${'n'.repeat(244)}.db`, 'n'.repeat(244)];
    expect(await code('POST', `/db/create?path=${names[0]}`)).toEqual([201, undefined]);
    for (const db of names) expect(await code('GET', `/query?db=${db}&sql=SELECT%201`)).toEqual([200, undefined]);
    const long = await api().call('POST', `/db/create?path=${'n'.repeat(246)}.db`);
    expect([long.status, long.json.code]).toEqual([400, 'INVALID_DB_PATH']);
    expect(long.json.error).toContain('at most 247');
    // A name of many bytes, in a directory that leaves SQLite little room.
    const { root } = api().daemon;
    const folder = join(root, ...Array.from({ length: 5 }, () => 'f'.repeat(80))).slice(0, 400);
    mkdirSync(folder, { recursive: true });
    expect(await code('POST', `/db/create?path=${encode(join(folder, `${'\u00e9'.repeat(45)}.db`))}`)).toEqual([
      201,
      undefined,
    ]);
    const far = await api().call('POST', `/db/create?path=${encode(join(folder, `${'m'.repeat(110)}.db`))}`);
    expect([far.status, far.json.code]).toEqual([400, 'INVALID_DB_PATH']);
    expect(far.json.error).toContain('SQLite opens at most 504');
  });

  test('never ends as the files that SQLite keeps beside a database', async () => {
    await api().call('POST', '/db/create?path=beside');
    for (const name of ['beside.db-wal', 'beside.db-shm', 'beside.db-journal', `${api().daemon.root}/any-wal`]) {
      for (const path of [`/db/create?path=${encode(name)}`, `/db?db=${encode(name)}&auto_create=true`]) {
        const { status, json } = await api().call('POST', path, { body: { transaction: [{ query: 'SELECT 1' }] } });
        expect([name, status, json.code]).toEqual([name, 400, 'INVALID_DB_PATH']);
      }
      expect(await code('GET', `/locks?db=${encode(name)}`)).toEqual([400, 'INVALID_DB_PATH']);
      const copy = { op: 'vacuum_into', dest_path: name };
      expect(await code('POST', '/maintenance?db=beside', copy)).toEqual([400, 'INVALID_DB_PATH']);
    }
  });

  test('of a kernel file is refused, not an error of the server', async () => {
    await withServer({ allowAnyAbsoluteDbPath: true, createOnWrite: true }, async ({ url }) => {
      const ask = (method: string, path: string, body?: object) =>
        request(`${url}/api/v1/sqlite${path}`, method, body === undefined ? {} : { body });
      const files = ['/proc/self/mem', '/proc/self/maps', '/proc/kmsg', '/proc/new.db', '/sys/new.db', '/dev/null'];
      files.push('/sys/class/net/lo/speed', '/sys/kernel/mm/transparent_hugepage/enabled', '/proc/self/fd/0');
      for (const file of files) {
        const db = encode(file);
        const answers = [
          await ask('GET', `/query?db=${db}&sql=SELECT%201`),
          await ask('PUT', `/kv/a?db=${db}`, { a: 1 }),
          await ask('POST', `/db/create?path=${db}`),
          await ask('DELETE', `/db?db=${db}`),
        ];
        expect([file, answers.filter(({ status }) => status < 400 || status >= 500).map(({ json }) => json)]).toEqual([
          file,
          [],
        ]);
      }
      expect((await ask('POST', '/db/create?path=source')).status).toBe(201);
      for (const target of ['/proc/a/b.db', '/etc/hostname/x.db', `/tmp/${'d'.repeat(300)}/x.db`]) {
        const { status, json } = await ask('POST', '/maintenance?db=source', { op: 'vacuum_into', dest_path: target });
        expect([target, status, json.code]).toEqual([target, 400, 'INVALID_DB_PATH']);
      }
    });
  });

  test('that leaves the root through a symlink is refused, one that stays inside is not', async () => {
    const { data, root } = api().daemon;
    const outside = mkdtempSync(join(tmpdir(), 'hoody-outside-'));
    try {
      await api().sql('real', { statement: 'CREATE TABLE t(a)' });
      linkSync(join(data, 'real.db'), join(data, 'linked.db'));
      spawnSync('cp', [join(data, 'real.db'), join(outside, 'secret.db')]);
      symlinkSync(join(outside, 'secret.db'), join(data, 'sym.db'));
      symlinkSync(outside, join(data, 'out'));
      mkdirSync(join(data, 'inner'));
      symlinkSync(join(root, 'inner'), join(data, 'in'));
      expect(await code('GET', '/query?db=sym&sql=SELECT%201')).toEqual([400, 'INVALID_DB_PATH']);
      const through = encode(join(root, 'out', 'secret.db'));
      expect(await code('GET', `/query?db=${through}&sql=SELECT%201`)).toEqual([400, 'INVALID_DB_PATH']);
      expect(await code('POST', `/db/create?path=${encode(join(root, 'out', 'new.db'))}`)).toEqual([403, 'FORBIDDEN']);
      expect(existsSync(join(outside, 'new.db'))).toBe(false);
      expect(await code('POST', `/db/create?path=${encode(join(root, 'in', 'new.db'))}`)).toEqual([201, undefined]);
    } finally {
      rmSync(outside, { recursive: true });
    }
  });

  test('into the data directory is opened through the mount', async () => {
    const { data, root } = api().daemon;
    await api().sql('domain', { statement: 'CREATE TABLE t(a)' });
    const answer = await api().call('POST', `/db?db=${encode(join(data, 'domain.db'))}`, {
      body: { transaction: [{ query: 'SELECT file FROM pragma_database_list' }] },
    });
    expect(answer.json.results[0].resultSet).toEqual([{ file: join(root, 'domain.db') }]);
  });
});

test('journal_mode=WAL turns a database that a program made in another mode', async () => {
  const path = join(api().daemon.root, 'rollback.db');
  expect(spawnSync('sqlite3', [path, 'CREATE TABLE t(a)']).status).toBe(0);
  const mode = async (...items: object[]) => (await api().sql('rollback', ...items)).json.results.at(-1).resultSet;
  expect(await mode({ query: 'PRAGMA journal_mode' })).toEqual([{ journal_mode: 'delete' }]);
  expect(await mode({ statement: 'PRAGMA journal_mode=WAL' })).toEqual([{ journal_mode: 'wal' }]);
  expect(await mode({ query: 'PRAGMA journal_mode' }, { query: 'PRAGMA synchronous' })).toEqual([{ synchronous: 2 }]);
  expect(readFileSync(join(api().daemon.data, 'rollback.db'))[18]).toBe(2);
});

describe('DELETE /db', () => {
  test('removes the file and its sidecars', async () => {
    await api().sql('gone', { statement: 'CREATE TABLE t(a)' });
    const { status, json } = await api().call('DELETE', '/db?db=gone');
    expect([status, json.success, json.message, json.path]).toEqual([200, true, 'database deleted', 'gone']);
    expect(json.files_removed).toBeGreaterThanOrEqual(1);
    expect(['', '-wal', '-shm'].some((suffix) => existsSync(join(api().daemon.data, `gone.db${suffix}`)))).toBe(false);
    expect(await code('DELETE', '/db?db=gone')).toEqual([404, 'DATABASE_NOT_FOUND']);
  });

  test('refuses a directory and a file that is no database', async () => {
    writeFileSync(join(api().daemon.data, 'plain.db'), 'no database, but a text file of sufficient length');
    mkdirSync(join(api().daemon.data, 'dirs.db'));
    expect(await code('DELETE', '/db?db=plain')).toEqual([400, 'INVALID_SQLITE_HEADER']);
    expect(await code('DELETE', '/db?db=dirs')).toEqual([400, 'PATH_IS_DIRECTORY']);
  });

  test('refuses while another program has it open, and removes nothing', async () => {
    await api().sql('held', { statement: 'CREATE TABLE t(a)' });
    const holder = spawnHolder(join(api().daemon.root, 'held.db'));
    try {
      await holder.opened;
      expect(await code('DELETE', '/db?db=held')).toEqual([503, 'DATABASE_BUSY']);
      expect(existsSync(join(api().daemon.data, 'held.db'))).toBe(true);
    } finally {
      await holder.end();
    }
    expect(await code('DELETE', '/db?db=held')).toEqual([200, undefined]);
  });

  test('a database that is made anew under the name is a new one to every request', async () => {
    await api().sql('again', { statement: 'CREATE TABLE t(a)' });
    await api().call('DELETE', '/db?db=again');
    const { json } = await api().sql('again', { query: 'SELECT count(*) AS n FROM sqlite_master' });
    expect(json.results[0].resultSet).toEqual([{ n: 0 }]);
  });
});

describe('GET /db/list', () => {
  test('lists databases of one directory, newest first', async () => {
    const folder = join(api().daemon.root, 'listed');
    mkdirSync(join(api().daemon.data, 'listed', 'sub.db'), { recursive: true });
    expect((await api().call('GET', `/db/list?dir=${encode(folder)}`)).json).toEqual({
      success: true,
      dir: folder,
      count: 0,
      databases: null,
    });
    for (const name of ['one.db', 'two.sqlite3']) {
      await api().call('POST', `/db/create?path=${encode(join(folder, name))}`);
    }
    writeFileSync(join(api().daemon.data, 'listed', 'note.txt'), 'x');
    writeFileSync(join(api().daemon.data, 'listed', 'broken.sqlite'), 'x');
    const { json } = await api().call('GET', `/db/list?dir=${encode(folder)}`);
    const names = json.databases.map((entry: { name: string }) => entry.name);
    expect([...names].sort()).toEqual(['broken.sqlite', 'one.db', 'two.sqlite3']);
    const times = json.databases.map((entry: { modified: string }) => entry.modified);
    expect(times).toEqual([...times].sort().reverse());
    expect(json.databases.find((entry: { name: string }) => entry.name === 'one.db')).toMatchObject({
      path: join(folder, 'one.db'),
      is_valid: true,
      size_str: expect.stringMatching(/^\d+\.\d KB$/),
      modified: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/),
      mod_unix: expect.any(Number),
    });
    expect(json.databases.find((entry: { name: string }) => entry.name === 'broken.sqlite').is_valid).toBe(false);
  });

  test('gives pages by name, which fit together while databases are written', async () => {
    const folder = join(api().daemon.root, 'paged');
    mkdirSync(join(api().daemon.data, 'paged'));
    const names = ['a.db', 'b.db', 'c.db', 'd.db', 'e.db'];
    for (const name of [...names].reverse()) await api().call('POST', `/db/create?path=${encode(join(folder, name))}`);
    const seen: string[] = [];
    const ends: (string | null)[] = [];
    for (let after: string | null = ''; after !== null; after = ends.at(-1) ?? null) {
      const { json } = await api().call('GET', `/db/list?dir=${encode(folder)}&limit=2&after=${encode(after)}`);
      seen.push(...json.databases.map((entry: { name: string }) => entry.name));
      ends.push(json.next_after);
      await api().sql(join(folder, seen[0] ?? ''), { query: 'CREATE TABLE IF NOT EXISTS t(a)' });
    }
    expect(seen).toEqual(names);
    expect(ends).toEqual(['b.db', 'd.db', null]);
    const past = await api().call('GET', `/db/list?dir=${encode(folder)}&after=e.db`);
    expect(past.json).toEqual({ success: true, dir: folder, count: 0, next_after: null, databases: null });
    expect(await code('GET', `/db/list?dir=${encode(folder)}&limit=0`)).toEqual([400, 'INVALID_PARAMETERS']);
  });

  test('has the root as its default', async () => {
    expect((await api().call('GET', '/db/list')).json.dir).toBe(api().daemon.root);
  });

  test('refuses a relative path, a file, a missing directory, and one outside', async () => {
    await api().sql('file', { query: 'SELECT 1' });
    expect(await code('GET', '/db/list?dir=listed')).toEqual([400, 'INVALID_PARAMETERS']);
    expect(await code('GET', `/db/list?dir=${encode(join(api().daemon.root, 'file.db'))}`)).toEqual([
      400,
      'INVALID_PARAMETERS',
    ]);
    expect(await code('GET', `/db/list?dir=${encode(join(api().daemon.root, 'nowhere'))}`)).toEqual([
      400,
      'INVALID_PARAMETERS',
    ]);
    expect(await code('GET', '/db/list?dir=/etc')).toEqual([403, 'FORBIDDEN']);
  });
});

describe('POST /maintenance', () => {
  const run = (op: string, more: object = {}, db = 'kept') =>
    api().call('POST', `/maintenance?db=${db}`, { body: { op, ...more } });

  test('checks, checkpoints and copies', async () => {
    await api().sql('kept', { statement: 'CREATE TABLE t(a)' }, { statement: 'INSERT INTO t VALUES (42)' });
    expect((await run('quick_check')).json).toEqual({ op: 'quick_check', result: 'ok' });
    expect((await run('wal_checkpoint_truncate')).json).toEqual({ op: 'wal_checkpoint_truncate', result: 'ok' });
    const copy = join(api().daemon.root, 'backups', 'deep', 'copy.db');
    expect((await run('vacuum_into', { dest_path: copy })).json).toEqual({ op: 'vacuum_into', result: 'ok' });
    const { json } = await api().call('GET', `/query?db=${encode(copy)}&sql=SELECT%20a%20FROM%20t`);
    expect(json.resultSet).toEqual([{ a: 42 }]);
    expect((await run('vacuum_into', { dest_path: copy })).json).toMatchObject({ code: 'CONFLICT' });
  });

  test('leaves nothing of a copy that has failed, and says that the file is damaged', async () => {
    const path = join(api().daemon.root, 'torn.db');
    const sql = 'PRAGMA page_size=4096; CREATE TABLE t(a); INSERT INTO t VALUES (randomblob(40000)); CREATE TABLE u(a)';
    expect(spawnSync('sqlite3', [path, sql]).status).toBe(0);
    const file = openSync(path, 'r+');
    writeSync(file, Buffer.alloc(4096, 0xff), 0, 4096, 4096); // the root of t
    closeSync(file);
    for (let time = 0; time < 2; time += 1) {
      expect(await run('vacuum_into', { dest_path: 'torn-copy' }, 'torn')).toMatchObject({
        status: 500,
        json: { code: 'DATABASE_ERROR', error: 'the database file is damaged; quick_check tells more' },
      });
      expect(existsSync(join(api().daemon.root, 'torn-copy.db'))).toBe(false);
    }
  });

  test('answers a checkpoint that a reader blocks with 409 and Retry-After', async () => {
    await api().sql('blocked', { statement: 'CREATE TABLE t(a)' });
    const holder = spawnHolder(join(api().daemon.root, 'blocked.db'), 'BEGIN');
    try {
      await holder.opened;
      await api().sql('blocked', { statement: 'INSERT INTO t VALUES (1)' });
      const body = { op: 'wal_checkpoint_truncate' };
      const answer = await api().call('POST', '/maintenance?db=blocked&timeout=5', { body });
      expect([answer.status, answer.json.code, answer.headers['retry-after']]).toEqual([409, 'CONFLICT', '1']);
    } finally {
      await holder.end();
    }
  });

  test('never creates the database and refuses what it does not know', async () => {
    const missing = await run('quick_check', {}, 'nothere');
    expect([missing.status, missing.json.code]).toEqual([404, 'DATABASE_NOT_FOUND']);
    expect((await run('explode')).json.code).toBe('INVALID_PARAMETERS');
    expect((await run('vacuum_into')).json.code).toBe('INVALID_PARAMETERS');
    expect((await run('quick_check', { dest_path: 'x' })).json.code).toBe('INVALID_PARAMETERS');
    expect((await run('vacuum_into', { dest_path: '/etc/x.db' })).json.code).toBe('INVALID_DB_PATH');
    expect((await api().call('POST', '/maintenance?db=kept', { body: 'x' })).json.code).toBe('INVALID_PARAMETERS');
    expect((await api().call('POST', '/maintenance?db=kept', { body: '[]' })).json.code).toBe('INVALID_PARAMETERS');
  });
});

/** A python process that has the database open until told to end; after BEGIN, in a read transaction. */
function spawnHolder(path: string, begin = ''): { readonly opened: Promise<void>; end(): Promise<void> } {
  const script = `import sqlite3,sys
c=sqlite3.connect(sys.argv[1],isolation_level=None)
c.executescript(sys.argv[2])
c.execute("SELECT count(*) FROM t").fetchall()
print("open",flush=True)
sys.stdin.read()`;
  const child = spawn('python3', ['-c', script, path, begin], { stdio: ['pipe', 'pipe', 'inherit'] });
  return {
    opened: new Promise((resolve) => child.stdout.once('data', () => resolve())),
    end: () =>
      new Promise((resolve) => {
        child.once('exit', () => resolve());
        child.stdin.end();
      }),
  };
}
