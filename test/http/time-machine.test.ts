// The past of whole databases over HTTP, with an archive of copies behind it.
import { readdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { expect, test } from 'vitest';
import { eventually } from '../helpers/eventually.ts';
import { request } from '../helpers/http.ts';
import { usePast } from '../helpers/past-server.ts';
import { startServer } from '../helpers/server.ts';

const past = usePast();
const { call, sql, select } = past;

test('commits with who made them, newest first, page by page', async () => {
  past.archive.record(Date.parse('2026-11-01T10:00:00Z'));
  await sql("UPDATE t SET name = 'x'");
  past.archive.record(Date.parse('2026-11-01T11:00:00.250Z'), `node ${past.root}/dist/server/executor/main.js`);
  const first = await call('GET', `/db/history?db=${past.db}&limit=1&tables=true`);
  expect(first.json).toMatchObject({ db: past.db, count: 1, has_more: true, oldest: { number: 1 } });
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
  const second = await call('GET', `/db/history?db=${past.db}&limit=1&before=${first.json.next_before}`);
  expect(second.json).toMatchObject({ count: 1, has_more: false, next_before: null });
  expect(second.json.commits[0].writer.command).toBe('python3');
  expect(second.text).not.toContain('secret');
  expect((await call('GET', `/db/archive?db=${past.db}`)).json.databases).toHaveLength(1);
});

test('a query of a moment sees that state, reads only, and leaves no trace in the database', async () => {
  const { bookmark } = past.archive.record(Date.parse('2026-11-01T10:00:00Z'));
  await sql("UPDATE t SET name = 'x'");
  past.archive.record();
  expect(await select('SELECT name FROM t WHERE id = 1')).toEqual([{ name: 'x' }]);
  for (const at of [bookmark, '2026-11-01T10:00:00Z', '2026-11-01T12:00:00+02:00', '1793527200']) {
    expect(await select('SELECT name FROM t WHERE id = 1', at), at).toEqual([{ name: 'one' }]);
  }
  const raw = await call('GET', `/query?db=${past.db}&sql=SELECT+1&at=2026-11-01T12:00:00+02:00`);
  expect(raw.headers['x-hoody-bookmark']).toBe(bookmark);
  const materialised = past.archive.questions.filter(({ op }) => op === 'materialise');
  expect(materialised).toHaveLength(1);
  const write = await call(
    'GET',
    `/query?db=${past.db}&sql=${encodeURIComponent('WITH x AS (SELECT 1) DELETE FROM t')}&at=${bookmark}`,
  );
  expect(write.status).toBe(400);
});

test.each([
  ['at=yesterdaytide', 400, 'INVALID_PARAMETERS', /10 minutes ago/],
  ['at=2099-01-01', 400, 'INVALID_PARAMETERS', /future/],
  ['at=2001-01-01', 410, 'TOO_OLD', /oldest/],
  ['at=00000001-0000000fffff', 404, 'UNKNOWN_BOOKMARK', /bookmark/],
])('a moment that cannot be had is refused: %s', async (at, status, code, text) => {
  past.archive.record();
  for (const [method, path] of [
    ['GET', `/query?db=${past.db}&sql=SELECT+1&${at}`],
    ['POST', `/db/rewind?db=${past.db}&${at}`],
    ['POST', `/db/rewind?db=${past.db}&confirm=yes&${at}`],
    ['POST', `/db/fork?db=${past.db}&to=fork${past.number}&${at}`],
    ['GET', `/db/diff?db=${past.db}&${at.replace('at=', 'from=')}`],
  ] as const) {
    const answer = await call(method, path);
    expect(answer, path).toMatchObject({ status, json: { code, error: expect.stringMatching(text) } });
  }
});

test('a database without a past, and an archive that is not there', async () => {
  past.archive.record();
  await call('POST', '/db/create?path=other');
  expect(await call('GET', '/db/history?db=other')).toMatchObject({ status: 404, json: { code: 'NOT_ARCHIVED' } });
  expect(await call('POST', `/db/undo?db=${past.db}`)).toMatchObject({ status: 404, json: { code: 'NOT_FOUND' } });
  Object.assign(past.archive, { answer: async () => undefined });
  const silent = await call('POST', `/db/rewind?db=${past.db}&at=now&timeout=5`);
  expect(silent.status).toBe(503);
});

test('a rewind is shown first, done on confirm, and undone', async () => {
  const { bookmark } = past.archive.record();
  await sql(
    'DELETE FROM t WHERE id > 1',
    "UPDATE t SET name = 'x'",
    'CREATE TABLE more(x)',
    'INSERT INTO more VALUES (1)',
  );
  const newest = past.archive.record().bookmark;
  const preview = await call('POST', `/db/rewind?db=${past.db}&at=${bookmark}`);
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
  expect((await call('POST', `/db/rewind?db=${past.db}&at=${bookmark}&confirm=sure`)).status).toBe(400);

  const done = await call('POST', `/db/rewind?db=${past.db}&at=${bookmark}&confirm=yes`);
  expect(done.json).toMatchObject({ dry_run: false, changed: true, to: { bookmark } });
  // The server may have written its query history meanwhile.
  const { previous_bookmark: previous } = done.json;
  expect(previous >= newest && done.json.bookmark > previous).toBe(true);
  expect(await select('SELECT name FROM t')).toEqual([{ name: 'one' }, { name: 'two' }, { name: 'three' }]);
  expect((await call('GET', `/query?db=${past.db}&sql=SELECT+*+FROM+more`)).status).toBe(400);
  await sql("INSERT INTO t VALUES (4, 'four')");
  const shown = await call('GET', `/db/history?db=${past.db}`);
  expect(shown.json.commits.map((commit: { rewound_to?: string }) => commit.rewound_to)).toContain(bookmark);

  const undo = await call('POST', `/db/undo?db=${past.db}`);
  expect(undo.json).toMatchObject({ dry_run: true, to: { bookmark: previous } });
  expect((await call('POST', `/db/undo?db=${past.db}&confirm=yes`)).status).toBe(200);
  expect(await select('SELECT name FROM t')).toEqual([{ name: 'x' }]);
  await call('POST', `/db/undo?db=${past.db}&confirm=yes`);
  expect(await select('SELECT count(*) AS n FROM t')).toEqual([{ n: 4 }]);
  await eventually(async () => {
    const again = await call('POST', `/db/rewind?db=${past.db}&at=now&confirm=yes`);
    expect(again.json).toMatchObject({ changed: false, pages: 0 });
  });
});

test('after a rewind cursors of before answer 410 and no ETag of before matches', async () => {
  const put = (key: string, value: string, headers = {}) =>
    request(`${past.server.url}/api/v1/sqlite/kv/${key}?db=${past.db}`, 'PUT', { body: value, headers });
  const cursor = async () => (await call('GET', `/changes?db=${past.db}`)).json.cursor;
  const first = (await put('a', '1')).headers.etag;
  const early = await cursor();
  const { bookmark } = past.archive.record();
  const second = (await put('a', '2')).headers.etag;
  await put('b', '1');
  const late = await cursor();
  // Executors that know the tables read them again and again meanwhile.
  const isDone = { value: false };
  const reading = (async () => {
    while (!isDone.value) expect((await call('GET', `/kv/a?db=${past.db}`)).status).toBe(200);
  })();
  const done = await call('POST', `/db/rewind?db=${past.db}&at=${bookmark}&confirm=yes`);
  isDone.value = true;
  await reading;
  expect(done.json).toMatchObject({ cursors_reset: true });
  const now = await call('GET', `/kv/a?db=${past.db}`);
  expect(now.text).toBe('1');
  expect([first, second]).not.toContain(now.headers.etag);
  expect((await call('GET', `/kv/b?db=${past.db}`)).status).toBe(404);
  for (const since of [early, late]) {
    const answer = await call('GET', `/changes?db=${past.db}&since=${encodeURIComponent(since)}`);
    expect(answer).toMatchObject({ status: 410, json: { code: 'CHANGE_CURSOR_INVALID', reason: 'database_replaced' } });
  }
  for (const etag of [first, second]) {
    expect((await put('a', '3', { 'if-match': etag })).status).toBe(412);
  }
  expect((await put('a', '3', { 'if-match': now.headers.etag })).status).toBe(200);
  expect((await call('GET', `/changes?db=${past.db}&since=${encodeURIComponent(await cursor())}`)).status).toBe(200);
});

test('a fork is a database of its own, whole and in WAL mode, and never takes a name that is in use', async () => {
  const { bookmark } = past.archive.record();
  await sql('DELETE FROM t');
  const forked = await call('POST', `/db/fork?db=${past.db}&to=fork${past.number}&at=${bookmark}`);
  expect(forked).toMatchObject({
    status: 201,
    json: { db: past.db, path: `fork${past.number}`, moment: { bookmark } },
  });
  const open = new Database(join(past.root, `fork${past.number}.db`));
  expect(open.pragma('journal_mode', { simple: true })).toBe('wal');
  expect(open.pragma('integrity_check', { simple: true })).toBe('ok');
  expect(open.prepare('SELECT count(*) FROM t').pluck().get()).toBe(3);
  open.close();
  const now = await call('POST', `/db/fork?db=${past.db}&to=empty${past.number}`);
  expect(now.status, now.text).toBe(201);
  expect(await call('POST', `/db/fork?db=${past.db}&to=fork${past.number}`)).toMatchObject({
    status: 409,
    json: { code: 'DATABASE_EXISTS' },
  });
  expect((await call('POST', `/db/fork?db=${past.db}&to=/etc/fork.db`)).status).toBe(400);
});

test('a database that somebody writes until the deadline is not rewound', async () => {
  const { bookmark } = past.archive.record();
  await sql("UPDATE t SET name = 'x'");
  past.archive.record();
  const native = new Database(join(past.root, `${past.db}.db`));
  native.exec('BEGIN IMMEDIATE');
  const busy = await call('POST', `/db/rewind?db=${past.db}&at=${bookmark}&confirm=yes&timeout=2`);
  expect(busy).toMatchObject({ status: 503, json: { code: 'DATABASE_BUSY' } });
  native.exec('COMMIT');
  native.close();
  expect(await select('SELECT DISTINCT name FROM t')).toEqual([{ name: 'x' }]);
});

test('states of a server that was killed are gone, those of this one are its own', async () => {
  past.archive.record();
  expect(await select('SELECT count(*) AS n FROM t', 'now')).toEqual([{ n: 3 }]);
  expect(readdirSync(join(past.stateDir, 'past'))).toEqual([String(past.server.child.pid)]);
  const folder = join(past.stateDir, 'past', String(past.server.child.pid));
  expect(statSync(folder).mode & 0o777).toBe(0o700);
  expect(readdirSync(folder).length).toBeLessThanOrEqual(16);
});

test('the local user is answered as HTTP would answer', async () => {
  const { bookmark } = past.archive.record();
  const answer = await past.server.request(
    'GET',
    `/api/v1/sqlite/query?db=${past.db}&sql=SELECT+count(*)+AS+n+FROM+t&at=${bookmark}`,
  );
  expect(answer).toMatchObject({ status: 200, contentType: 'application/json; charset=utf-8' });
  expect(JSON.parse(answer.body).resultSet).toEqual([{ n: 3 }]);
  const wrong = await past.server.request('POST', `/api/v1/sqlite/db/rewind?db=${past.db}&at=never`);
  expect(wrong.status).toBe(400);
  expect(JSON.parse(wrong.body).code).toBe('INVALID_PARAMETERS');
});

test('a read token may look at the past, and not change it', async () => {
  const { root, stateDir } = past;
  const tokens = join(stateDir, 'tokens');
  writeFileSync(tokens, 'read reader-token-1234567890\nfull writer-token-1234567890\n', { mode: 0o600 });
  const own = await startServer({ root, dataDir: root, stateDir, authTokenFile: tokens }, (question) =>
    past.archive.answer(question),
  );
  const as = (token: string, method: string, path: string) =>
    request(`${own.server.url}/api/v1/sqlite${path}`, method, { headers: { authorization: `Bearer ${token}` } });
  try {
    const { bookmark } = past.archive.record();
    const reader = 'reader-token-1234567890';
    for (const path of [
      `/db/history?db=${past.db}`,
      `/db/diff?db=${past.db}&from=${bookmark}`,
      `/query?db=${past.db}&sql=SELECT+1&at=now`,
      '/db/archive',
    ]) {
      expect((await as(reader, 'GET', path)).status, path).toBe(200);
    }
    for (const path of [`/db/rewind?db=${past.db}&at=now`, `/db/undo?db=${past.db}`, `/db/fork?db=${past.db}&to=f`]) {
      expect((await as(reader, 'POST', path)).status, path).toBe(403);
    }
    expect((await as('writer-token-1234567890', 'POST', `/db/rewind?db=${past.db}&at=now`)).status).toBe(200);
  } finally {
    await own.end();
  }
});
