// What happens in a database, as the studio sees it over a real daemon and mount: commits of native programs and of
// HTTP clients, and the past of a key with who wrote it.
import { once } from 'node:events';
import http from 'node:http';
import { expect, test } from 'vitest';
import { limits } from '../../server/messages/limits.ts';
import { withDaemon } from '../helpers/daemon.ts';
import { eventually } from '../helpers/eventually.ts';
import { apiOf, useDaemon } from '../helpers/http.ts';
import { run } from '../helpers/process.ts';

interface Event {
  readonly event: string;
  readonly id: string;
  readonly data: {
    readonly by: readonly { readonly command: string; readonly pid: number }[];
    readonly schemaVersion: string;
  };
}

const api = useDaemon();

/** Events of a live stream, as they come. */
function live(url: string, db: string, lastEventId?: string): { events: Event[]; end: () => void } {
  const events: Event[] = [];
  const headers = lastEventId === undefined ? {} : { 'last-event-id': lastEventId };
  const request = http.get(`${url}/api/v1/sqlite/studio/live?db=${db}`, { headers }, (response) => {
    let text = '';
    response.setEncoding('utf8').on('data', (chunk: string) => {
      text += chunk;
      const frames = text.split('\n\n');
      text = frames.pop() ?? '';
      for (const frame of frames) {
        const [, event = ''] = /^event: (.*)$/m.exec(frame) ?? [];
        const [, id = ''] = /^id: (.*)$/m.exec(frame) ?? [];
        const [, data = '{}'] = /^data: (.*)$/m.exec(frame) ?? [];
        if (event !== '') events.push({ event, id, data: JSON.parse(data) });
      }
    });
  });
  request.on('error', () => {});
  return { events, end: () => request.destroy() };
}

const python = (file: string, sql: string) =>
  run('python3', ['-c', `import sqlite3; c = sqlite3.connect('${file}'); c.execute("""${sql}"""); c.commit()`]);

test('a commit by anybody is an event with who made it, and one that was missed comes at once', async () => {
  const { call, sql, daemon } = api();
  await sql('live', { statement: 'CREATE TABLE t (x)' });
  const { events, end } = live(daemon.url, 'live');
  try {
    await eventually(() => expect(events[0]?.event).toBe('ready'));
    await python(`${daemon.mount}/live.db`, 'INSERT INTO t VALUES (1)');
    await eventually(() =>
      expect(events.flatMap(({ data }) => data.by.map(({ command }) => command))).toContain('python3'),
    );
    const seen = events.length;
    await call('POST', '/studio/sql?db=live', { body: { sql: 'CREATE TABLE made (y)' } });
    await eventually(() => {
      const later = events.slice(seen);
      expect(later.some(({ data }) => data.schemaVersion !== events[0]?.data.schemaVersion)).toBe(true);
      expect(later.flatMap(({ data }) => data.by.map(({ command }) => command))).toContain('hoody-sqlite');
    });
  } finally {
    end();
  }
  await sql('live', { statement: 'INSERT INTO t VALUES (2)' });
  const again = live(daemon.url, 'live', events.at(-1)?.id);
  try {
    await eventually(() =>
      expect(again.events.map(({ event }) => event)).toEqual(expect.arrayContaining(['ready', 'commit'])),
    );
  } finally {
    again.end();
  }
});

test('streams of what is no database take nobody else the place', async () => {
  const { call, sql, daemon } = api();
  await sql('places', { statement: 'CREATE TABLE t (x)' });
  for (const path of ['/studio/live', '/changes/stream']) {
    for (let asked = 0; asked < 300; asked += 1) {
      expect((await call('GET', `${path}?db=/etc/passwd`)).json.code).toBe('INVALID_DB_PATH');
    }
  }
  expect((await call('GET', '/changes/stream?db=nothing')).json.code).toBe('DATABASE_NOT_FOUND');
  const { events, end } = live(daemon.url, 'places');
  try {
    await eventually(() => expect(events[0]?.event).toBe('ready'));
  } finally {
    end();
  }
});

test('of many lock streams that are asked for at once, no more than the limit are opened', async () => {
  const { daemon } = api();
  const asked: http.ClientRequest[] = [];
  const statuses = await Promise.all(
    Array.from({ length: limits.lockStreams + 30 }, async () => {
      const request = http.get(`${daemon.url}/api/v1/sqlite/locks/stream`, { agent: false });
      asked.push(request.on('error', () => {}));
      const [response] = (await once(request, 'response')) as [http.IncomingMessage];
      return response.statusCode;
    }),
  );
  for (const request of asked) request.destroy();
  expect(statuses.filter((status) => status === 200)).toHaveLength(limits.lockStreams);
  expect(statuses.filter((status) => status === 503)).toHaveLength(30);
});

test('what the server records of requests is no commit of anybody', async () => {
  const { call, sql, daemon } = api();
  await sql('quiet', { statement: 'CREATE TABLE t (x)' });
  const recorded = async () => (await call('GET', '/history/stats?db=quiet')).json.total_queries;
  await eventually(async () => expect(await recorded()).toBe(1));
  const { events, end } = live(daemon.url, 'quiet');
  try {
    await eventually(() => expect(events[0]?.event).toBe('ready'));
    for (let reads = 0; reads < 3; reads += 1) await sql('quiet', { query: 'SELECT * FROM t' });
    await eventually(async () => expect(await recorded()).toBe(4));
    await python(`${daemon.mount}/quiet.db`, 'INSERT INTO t VALUES (1)');
    await eventually(() => expect(events.at(-1)?.event).toBe('commit'));
    expect(events.slice(1).map(({ data }) => data.by.map(({ command }) => command))).toEqual([['python3']]);
  } finally {
    end();
  }
});

test('without a mount the commit of a native program is seen all the same', async () => {
  await withDaemon(['--no-mount'], async (daemon) => {
    await apiOf(daemon).sql('live', { statement: 'CREATE TABLE t (x)' });
    const { events, end } = live(daemon.url, 'live');
    try {
      await eventually(() => expect(events[0]?.event).toBe('ready'));
      const seen = events.length;
      await python(`${daemon.data}/live.db`, 'INSERT INTO t VALUES (1)');
      await eventually(() => expect(events.slice(seen).some(({ event }) => event === 'commit')).toBe(true));
    } finally {
      end();
    }
  });
});

test('keys, values and versions are answered as described, with the program that wrote each version', async () => {
  const { call, daemon } = api();
  const put = (value: string) =>
    call('PUT', '/kv/cfg%2Ftheme?db=keys&create_db_if_missing=true', {
      body: value,
      headers: { 'content-type': 'application/json' },
    });
  await put('{"mode":"dark"}');
  await eventually(async () => {
    await python(`${daemon.mount}/keys.db`, `UPDATE kv_store SET value = '{"mode":' || random() || '}'`);
    const { json } = await call('GET', '/studio/kv/history?db=keys&key=cfg/theme');
    expect(json.versions.map(({ who }: { who: string }) => who).join()).toMatch(/python3\[\d+\] in host/);
  });
  const tables = await call('GET', '/studio/kv/tables?db=keys');
  expect(tables.json).toEqual({ tables: [{ table: 'kv_store', keys: 1, more: false }] });
  expect((await call('GET', '/studio/kv/keys?db=keys')).json.entries).toEqual([
    { kind: 'prefix', prefix: 'cfg/', keys: 1, more: false },
  ]);
  expect((await call('GET', '/studio/kv/keys?db=keys&prefix=cfg/')).json.entries).toMatchObject([
    { kind: 'key', key: 'cfg/theme', type: 'json' },
  ]);
  const old = await call('GET', '/studio/kv/key?db=keys&key=cfg/theme&version=1');
  expect(old.json).toMatchObject({ value: '{"mode":"dark"}', etag: null });
  const now = await call('GET', '/studio/kv/key?db=keys&key=cfg/theme');
  const back = await call('PUT', '/kv/cfg%2Ftheme?db=keys', {
    body: old.json.value,
    headers: { 'content-type': 'application/json', 'if-match': now.json.etag },
  });
  expect(back.status).toBe(200);
  const raw = await call('GET', '/studio/kv/key?db=keys&key=cfg/theme&raw=true');
  expect([raw.text, raw.headers['content-type']]).toEqual(['{"mode":"dark"}', 'application/json']);
  expect((await call('GET', '/studio/kv/key?db=keys&key=cfg/theme&version=99')).json.code).toBe(
    'HISTORY_ENTRY_NOT_FOUND',
  );
});
