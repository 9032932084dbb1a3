// The past of whole databases over HTTP, with an archive of copies behind it.
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  realpathSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { eventually } from '../helpers/eventually.ts';
import { type Answer, request } from '../helpers/http.ts';
import { startServer, type TestServer } from '../helpers/server.ts';
import { StubArchive } from '../helpers/stub-archive.ts';

/** More than any process has on this system. */
const noProcess = '4194305';
let root: string;
let stateDir: string;
let server: TestServer;
let end: () => Promise<void>;
let archive: StubArchive;
let names = 0;
let db: string;

const call = (method: string, path: string, body?: object): Promise<Answer> =>
  request(`${server.url}/api/v1/sqlite${path}`, method, body === undefined ? {} : { body });
const sql = async (...statements: string[]): Promise<void> => {
  const transaction = statements.map((statement) => ({ statement }));
  const answer = await call('POST', `/db?db=${db}&create_db_if_missing=true`, { transaction });
  expect(answer.status, answer.text).toBe(200);
};
const select = async (query: string, at = ''): Promise<unknown> => {
  const answer = await call(
    'GET',
    `/query?db=${db}&sql=${encodeURIComponent(query)}${at && `&at=${encodeURIComponent(at)}`}`,
  );
  expect(answer.status, answer.text).toBe(200);
  return answer.json.resultSet;
};
const dump = (path: string): unknown => {
  const open = new Database(path, { readonly: true });
  try {
    const tables = open
      .prepare(
        "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'hoody:%' AND name NOT LIKE 'sqlite_%' ORDER BY 1",
      )
      .pluck()
      .all() as string[];
    const schema = open
      .prepare("SELECT type, name, sql FROM sqlite_master WHERE name NOT LIKE 'hoody:%' ORDER BY 1, 2")
      .all();
    const rows = tables.map((name) =>
      open.prepare(`SELECT * FROM "${name}" ORDER BY 1`).safeIntegers(true).raw().all(),
    );
    return { schema, rows };
  } finally {
    open.close();
  }
};

beforeAll(async () => {
  root = realpathSync(mkdtempSync(join(tmpdir(), 'hoody-past-')));
  stateDir = realpathSync(mkdtempSync(join(tmpdir(), 'hoody-past-state-')));
  mkdirSync(join(stateDir, 'past', noProcess), { recursive: true });
  writeFileSync(join(stateDir, 'past', noProcess, 'left'), 'over');
  ({ server, end } = await startServer({ root, dataDir: root, stateDir }, (question) => archive.answer(question)));
});

afterAll(async () => {
  await end();
  const left = existsSync(join(stateDir, 'past')) ? readdirSync(join(stateDir, 'past'), { recursive: true }) : [];
  rmSync(root, { recursive: true, force: true });
  rmSync(stateDir, { recursive: true, force: true });
  // The empty folder of a process is removed by the next one.
  expect(left.filter((name) => String(name).includes('/'))).toEqual([]);
});

beforeEach(async () => {
  names += 1;
  db = `app${names}`;
  archive = new StubArchive(() => root, `${db}.db`);
  await sql(
    'CREATE TABLE t(id INTEGER PRIMARY KEY, name TEXT)',
    "INSERT INTO t VALUES (1, 'one'), (2, 'two'), (3, 'three')",
  );
});

test('commits with who made them, newest first, page by page', async () => {
  archive.record(Date.parse('2026-11-01T10:00:00Z'));
  await sql("UPDATE t SET name = 'x'");
  archive.record(Date.parse('2026-11-01T11:00:00.250Z'), `node ${root}/dist/server/executor/main.js`);
  const first = await call('GET', `/db/history?db=${db}&limit=1&tables=true`);
  expect(first.json).toMatchObject({ db, count: 1, has_more: true, oldest: { number: 1 } });
  expect(first.json.commits).toEqual([
    {
      ...first.json.commits[0],
      number: 2,
      bookmark: '00000001-000000000002',
      time: '2026-11-01T11:00:00.250Z',
      kind: 'commit',
      tables: ['t'],
      writer: { pid: 42, command: 'hoody-sqlite', container: 'host' },
    },
  ]);
  const second = await call('GET', `/db/history?db=${db}&limit=1&before=${first.json.next_before}`);
  expect(second.json).toMatchObject({ count: 1, has_more: false, next_before: null });
  expect(second.json.commits[0].writer.command).toBe('python3');
  expect(second.text).not.toContain('secret');
  expect((await call('GET', `/db/archive?db=${db}`)).json.databases).toHaveLength(1);
});

test('a query of a moment sees that state, reads only, and leaves no trace in the database', async () => {
  const { bookmark } = archive.record(Date.parse('2026-11-01T10:00:00Z'));
  await sql("UPDATE t SET name = 'x'");
  archive.record();
  expect(await select('SELECT name FROM t WHERE id = 1')).toEqual([{ name: 'x' }]);
  for (const at of [bookmark, '2026-11-01T10:00:00Z', '2026-11-01T12:00:00+02:00', '1793527200']) {
    expect(await select('SELECT name FROM t WHERE id = 1', at), at).toEqual([{ name: 'one' }]);
  }
  const raw = await call('GET', `/query?db=${db}&sql=SELECT+1&at=2026-11-01T12:00:00+02:00`);
  expect(raw.headers['x-hoody-bookmark']).toBe(bookmark);
  const materialised = archive.questions.filter(({ op }) => op === 'materialise');
  expect(materialised).toHaveLength(1);
  const write = await call(
    'GET',
    `/query?db=${db}&sql=${encodeURIComponent('WITH x AS (SELECT 1) DELETE FROM t')}&at=${bookmark}`,
  );
  expect(write.status).toBe(400);
});

test.each([
  ['at=yesterdaytide', 400, 'INVALID_PARAMETERS', /10 minutes ago/],
  ['at=2099-01-01', 400, 'INVALID_PARAMETERS', /future/],
  ['at=2001-01-01', 410, 'TOO_OLD', /oldest/],
  ['at=00000001-0000000fffff', 404, 'UNKNOWN_BOOKMARK', /bookmark/],
])('a moment that cannot be had is refused: %s', async (at, status, code, text) => {
  archive.record();
  for (const [method, path] of [
    ['GET', `/query?db=${db}&sql=SELECT+1&${at}`],
    ['POST', `/db/rewind?db=${db}&${at}`],
    ['POST', `/db/rewind?db=${db}&confirm=yes&${at}`],
    ['POST', `/db/fork?db=${db}&to=fork${names}&${at}`],
    ['GET', `/db/diff?db=${db}&${at.replace('at=', 'from=')}`],
  ] as const) {
    const answer = await call(method, path);
    expect(answer, path).toMatchObject({ status, json: { code, error: expect.stringMatching(text) } });
  }
});

test('a database without a past, and an archive that is not there', async () => {
  archive.record();
  await call('POST', '/db/create?path=other');
  expect(await call('GET', '/db/history?db=other')).toMatchObject({ status: 404, json: { code: 'NOT_ARCHIVED' } });
  expect(await call('POST', `/db/undo?db=${db}`)).toMatchObject({ status: 404, json: { code: 'NOT_FOUND' } });
  Object.assign(archive, { answer: async () => undefined });
  const silent = await call('POST', `/db/rewind?db=${db}&at=now&timeout=5`);
  expect(silent.status).toBe(503);
});

const before = `
  CREATE TABLE wr(a TEXT, b INTEGER, v, PRIMARY KEY(a, b)) WITHOUT ROWID;
  INSERT INTO wr VALUES ('x', 1, 'same'), ('x', 2, 'old'), ('y', 1, 'gone');
  CREATE TABLE nocase(k TEXT COLLATE NOCASE PRIMARY KEY, v TEXT COLLATE NOCASE);
  INSERT INTO nocase VALUES ('Key', 'Value'), ('other', 'o');
  CREATE TABLE cells(id INTEGER PRIMARY KEY, v);
  INSERT INTO cells VALUES (1, 1), (2, NULL), (3, x'00ff'), (4, 9007199254740993), (5, 'text'), (6, 9e999), (7, 'same'), (8, '5');
  CREATE TABLE bag(x, y); INSERT INTO bag VALUES (1, 1), (2, 2);
  CREATE TABLE dropped(z); INSERT INTO dropped VALUES ('z');
  CREATE TABLE altered(id INTEGER PRIMARY KEY, v); INSERT INTO altered VALUES (1, 'v');
  CREATE VIEW seen AS SELECT 1; CREATE INDEX cells_v ON cells(v);`;
const after = `
  UPDATE wr SET v = 'new' WHERE b = 2; DELETE FROM wr WHERE a = 'y'; INSERT INTO wr VALUES ('z', 9, 'came');
  UPDATE nocase SET v = 'VALUE' WHERE k = 'key';
  UPDATE cells SET v = 1.0 WHERE id = 1; UPDATE cells SET v = 0 WHERE id = 2; UPDATE cells SET v = x'00fe' WHERE id = 3;
  UPDATE cells SET v = 9007199254740992 WHERE id = 4; UPDATE cells SET v = NULL WHERE id = 5;
  UPDATE cells SET v = 'it''s' || char(0) || 'cut' WHERE id = 6; UPDATE cells SET v = 5 WHERE id = 8;
  DELETE FROM bag WHERE x = 1; INSERT INTO bag VALUES (3, 3);
  DROP TABLE dropped; CREATE TABLE made(m TEXT); INSERT INTO made VALUES ('new');
  ALTER TABLE altered ADD COLUMN w; UPDATE altered SET v = 'w';
  DROP VIEW seen; DROP INDEX cells_v; CREATE INDEX made_m ON made(m);`;

test('a difference names every row that is not the same, by key, with both values', async () => {
  const native = new Database(join(root, `${db}.db`));
  native.exec(before);
  const { bookmark } = archive.record();
  native.exec(after);
  native.close();
  archive.record();
  const answer = await call('GET', `/db/diff?db=${db}&from=${bookmark}`);
  expect(answer.status, answer.text).toBe(200);
  const found = Object.fromEntries(answer.json.tables.map((table: { table: string }) => [table.table, table]));
  expect(Object.keys(found).sort()).toEqual(['altered', 'bag', 'cells', 'dropped', 'made', 'nocase', 'wr']);
  expect(answer.json.is_complete).toBe(true);
  expect(found.wr).toMatchObject({ change: 'changed', rows_added: 1, rows_removed: 1, rows_changed: 1 });
  expect(found.wr.rows).toEqual([
    { op: 'removed', key: { a: 'y', b: 1 }, from: { a: 'y', b: 1, v: 'gone' }, to: null },
    { op: 'changed', key: { a: 'x', b: 2 }, from: { a: 'x', b: 2, v: 'old' }, to: { a: 'x', b: 2, v: 'new' } },
    { op: 'added', key: { a: 'z', b: 9 }, from: null, to: { a: 'z', b: 9, v: 'came' } },
  ]);
  expect(found.nocase).toMatchObject({ rows_added: 0, rows_removed: 0, rows_changed: 1 });
  expect(found.cells.rows.map((row: { key: { id: number } }) => row.key.id)).toEqual([1, 2, 3, 4, 5, 6, 8]);
  expect(found.cells.rows[2]).toMatchObject({ from: { v: { base64: 'AP8=' } }, to: { v: { base64: 'AP4=' } } });
  expect(answer.text).toContain('"v":9007199254740993');
  expect(found.bag).toMatchObject({ rows_added: 1, rows_removed: 1, rows_changed: 0 });
  expect(found.dropped).toMatchObject({ change: 'dropped', rows_removed: 1 });
  expect(found.made).toMatchObject({ change: 'created', rows_added: 1 });
  expect(found.altered).toMatchObject({ columns_added: ['w'], columns_removed: [], rows_changed: 1 });
  const objects = answer.json.objects.map(({ name, change }: { name: string; change: string }) => `${name} ${change}`);
  expect(objects.sort()).toEqual([
    'altered changed',
    'cells_v dropped',
    'dropped dropped',
    'made created',
    'made_m created',
    'seen dropped',
  ]);
  const one = await call('GET', `/db/diff?db=${db}&from=${bookmark}&table=cells&rows=2`);
  expect(one.json.tables).toMatchObject([{ table: 'cells', rows_changed: 7, rows_truncated: true }]);
  expect(one.json.tables[0].rows).toHaveLength(2);
  expect((await call('GET', `/db/diff?db=${db}&from=${bookmark}&table=none`)).status).toBe(400);
});

test('the script of a difference makes the first state the other one', async () => {
  const native = new Database(join(root, `${db}.db`));
  native.exec(before.replace(/CREATE TABLE altered.*/, ''));
  const { bookmark } = archive.record();
  native.exec(after.replace(/ALTER TABLE altered.*/, ''));
  const there = archive.record().bookmark;
  native.exec('DELETE FROM wr');
  native.close();
  const script = await call('GET', `/db/diff?db=${db}&from=${bookmark}&to=${there}&format=sql&rows=1000`);
  expect(script.headers['content-type']).toMatch(/^text\/plain/);
  for (const [name, at] of [
    ['first', bookmark],
    ['other', there],
  ]) {
    expect((await call('POST', `/db/fork?db=${db}&to=${name}${names}&at=${at}`)).status).toBe(201);
  }
  const first = new Database(join(root, `first${names}.db`));
  first.exec(script.text);
  first.close();
  expect(dump(join(root, `first${names}.db`))).toEqual(dump(join(root, `other${names}.db`)));
});

test('a rewind is shown first, done on confirm, and undone', async () => {
  const { bookmark } = archive.record();
  await sql(
    'DELETE FROM t WHERE id > 1',
    "UPDATE t SET name = 'x'",
    'CREATE TABLE more(x)',
    'INSERT INTO more VALUES (1)',
  );
  const newest = archive.record().bookmark;
  const preview = await call('POST', `/db/rewind?db=${db}&at=${bookmark}`);
  expect(preview.json).toMatchObject({
    dry_run: true,
    to: { bookmark },
    from: { bookmark: newest },
    commits_undone: 1,
    is_complete: true,
  });
  expect(preview.json.tables).toEqual([
    expect.objectContaining({ table: 'more', change: 'dropped', rows_removed: 1 }),
    expect.objectContaining({ table: 't', change: 'changed', rows_added: 2, rows_removed: 0, rows_changed: 1 }),
  ]);
  expect(preview.json.objects).toEqual([{ type: 'table', name: 'more', change: 'dropped' }]);
  expect(await select('SELECT count(*) AS n FROM t')).toEqual([{ n: 1 }]);
  expect((await call('POST', `/db/rewind?db=${db}&at=${bookmark}&confirm=sure`)).status).toBe(400);

  const done = await call('POST', `/db/rewind?db=${db}&at=${bookmark}&confirm=yes`);
  expect(done.json).toMatchObject({ dry_run: false, changed: true, to: { bookmark } });
  // The server may have written its query history meanwhile.
  const { previous_bookmark: previous } = done.json;
  expect(previous >= newest && done.json.bookmark > previous).toBe(true);
  expect(await select('SELECT name FROM t')).toEqual([{ name: 'one' }, { name: 'two' }, { name: 'three' }]);
  expect((await call('GET', `/query?db=${db}&sql=SELECT+*+FROM+more`)).status).toBe(400);
  await sql("INSERT INTO t VALUES (4, 'four')");
  const shown = await call('GET', `/db/history?db=${db}`);
  expect(shown.json.commits.map((commit: { rewound_to?: string }) => commit.rewound_to)).toContain(bookmark);

  const undo = await call('POST', `/db/undo?db=${db}`);
  expect(undo.json).toMatchObject({ dry_run: true, to: { bookmark: previous } });
  expect((await call('POST', `/db/undo?db=${db}&confirm=yes`)).status).toBe(200);
  expect(await select('SELECT name FROM t')).toEqual([{ name: 'x' }]);
  await call('POST', `/db/undo?db=${db}&confirm=yes`);
  expect(await select('SELECT count(*) AS n FROM t')).toEqual([{ n: 4 }]);
  await eventually(async () => {
    const again = await call('POST', `/db/rewind?db=${db}&at=now&confirm=yes`);
    expect(again.json).toMatchObject({ changed: false, pages: 0 });
  });
});

test('after a rewind cursors of before answer 410 and no ETag of before matches', async () => {
  const put = (key: string, value: string, headers = {}) =>
    request(`${server.url}/api/v1/sqlite/kv/${key}?db=${db}`, 'PUT', { body: value, headers });
  const cursor = async () => (await call('GET', `/changes?db=${db}`)).json.cursor;
  const first = (await put('a', '1')).headers.etag;
  const early = await cursor();
  const { bookmark } = archive.record();
  const second = (await put('a', '2')).headers.etag;
  await put('b', '1');
  const late = await cursor();
  // Executors that know the tables read them again and again meanwhile.
  const isDone = { value: false };
  const reading = (async () => {
    while (!isDone.value) expect((await call('GET', `/kv/a?db=${db}`)).status).toBe(200);
  })();
  const done = await call('POST', `/db/rewind?db=${db}&at=${bookmark}&confirm=yes`);
  isDone.value = true;
  await reading;
  expect(done.json).toMatchObject({ cursors_reset: true });
  const now = await call('GET', `/kv/a?db=${db}`);
  expect(now.text).toBe('1');
  expect([first, second]).not.toContain(now.headers.etag);
  expect((await call('GET', `/kv/b?db=${db}`)).status).toBe(404);
  for (const since of [early, late]) {
    const answer = await call('GET', `/changes?db=${db}&since=${encodeURIComponent(since)}`);
    expect(answer).toMatchObject({ status: 410, json: { code: 'CHANGE_CURSOR_INVALID', reason: 'database_replaced' } });
  }
  for (const etag of [first, second]) {
    expect((await put('a', '3', { 'if-match': etag })).status).toBe(412);
  }
  expect((await put('a', '3', { 'if-match': now.headers.etag })).status).toBe(200);
  expect((await call('GET', `/changes?db=${db}&since=${encodeURIComponent(await cursor())}`)).status).toBe(200);
});

test('a fork is a database of its own, whole and in WAL mode, and never takes a name that is in use', async () => {
  const { bookmark } = archive.record();
  await sql('DELETE FROM t');
  const forked = await call('POST', `/db/fork?db=${db}&to=fork${names}&at=${bookmark}`);
  expect(forked).toMatchObject({ status: 201, json: { db, path: `fork${names}`, moment: { bookmark } } });
  const open = new Database(join(root, `fork${names}.db`));
  expect(open.pragma('journal_mode', { simple: true })).toBe('wal');
  expect(open.pragma('integrity_check', { simple: true })).toBe('ok');
  expect(open.prepare('SELECT count(*) FROM t').pluck().get()).toBe(3);
  open.close();
  const now = await call('POST', `/db/fork?db=${db}&to=empty${names}`);
  expect(now.status, now.text).toBe(201);
  expect(await call('POST', `/db/fork?db=${db}&to=fork${names}`)).toMatchObject({
    status: 409,
    json: { code: 'DATABASE_EXISTS' },
  });
  expect((await call('POST', `/db/fork?db=${db}&to=/etc/fork.db`)).status).toBe(400);
});

test('a database that somebody writes until the deadline is not rewound', async () => {
  const { bookmark } = archive.record();
  await sql("UPDATE t SET name = 'x'");
  archive.record();
  const native = new Database(join(root, `${db}.db`));
  native.exec('BEGIN IMMEDIATE');
  const busy = await call('POST', `/db/rewind?db=${db}&at=${bookmark}&confirm=yes&timeout=2`);
  expect(busy).toMatchObject({ status: 503, json: { code: 'DATABASE_BUSY' } });
  native.exec('COMMIT');
  native.close();
  expect(await select('SELECT DISTINCT name FROM t')).toEqual([{ name: 'x' }]);
});

test('states of a server that was killed are gone, those of this one are its own', async () => {
  archive.record();
  expect(await select('SELECT count(*) AS n FROM t', 'now')).toEqual([{ n: 3 }]);
  expect(readdirSync(join(stateDir, 'past'))).toEqual([String(server.child.pid)]);
  const folder = join(stateDir, 'past', String(server.child.pid));
  expect(statSync(folder).mode & 0o777).toBe(0o700);
  expect(readdirSync(folder).length).toBeLessThanOrEqual(16);
});

test('the local user is answered as HTTP would answer', async () => {
  const { bookmark } = archive.record();
  const answer = await server.request(
    'GET',
    `/api/v1/sqlite/query?db=${db}&sql=SELECT+count(*)+AS+n+FROM+t&at=${bookmark}`,
  );
  expect(answer).toMatchObject({ status: 200, contentType: 'application/json; charset=utf-8' });
  expect(JSON.parse(answer.body).resultSet).toEqual([{ n: 3 }]);
  const wrong = await server.request('POST', `/api/v1/sqlite/db/rewind?db=${db}&at=never`);
  expect(wrong.status).toBe(400);
  expect(JSON.parse(wrong.body).code).toBe('INVALID_PARAMETERS');
});

test('a read token may look at the past, and not change it', async () => {
  const tokens = join(stateDir, 'tokens');
  writeFileSync(tokens, 'read reader-token-1234567890\nfull writer-token-1234567890\n', { mode: 0o600 });
  const own = await startServer({ root, dataDir: root, stateDir, authTokenFile: tokens }, (question) =>
    archive.answer(question),
  );
  const as = (token: string, method: string, path: string) =>
    request(`${own.server.url}/api/v1/sqlite${path}`, method, { headers: { authorization: `Bearer ${token}` } });
  try {
    const { bookmark } = archive.record();
    const reader = 'reader-token-1234567890';
    for (const path of [
      `/db/history?db=${db}`,
      `/db/diff?db=${db}&from=${bookmark}`,
      `/query?db=${db}&sql=SELECT+1&at=now`,
      '/db/archive',
    ]) {
      expect((await as(reader, 'GET', path)).status, path).toBe(200);
    }
    for (const path of [`/db/rewind?db=${db}&at=now`, `/db/undo?db=${db}`, `/db/fork?db=${db}&to=f`]) {
      expect((await as(reader, 'POST', path)).status, path).toBe(403);
    }
    expect((await as('writer-token-1234567890', 'POST', `/db/rewind?db=${db}&at=now`)).status).toBe(200);
  } finally {
    await own.end();
  }
});
