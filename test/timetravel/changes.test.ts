// The change feed on a real server: order, resumption, expiry, native writers, long polling and the stream.
import { execFileSync } from 'node:child_process';
import { copyFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { eventually } from '../helpers/eventually.ts';
import { useDaemon } from '../helpers/http.ts';

const api = useDaemon(['--create-on-write']);

type Query = Record<string, string | number>;
interface Feed {
  readonly events: { cursor: string; seq: number; key: string; op: string; [member: string]: unknown }[];
  readonly cursor: string;
  readonly has_more: boolean;
  readonly oldest_cursor: string;
}

function url(path: string, query: Query): string {
  const search = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) search.set(name, String(value));
  return `${api().daemon.url}/api/v1/sqlite${path}?${search}`;
}
const put = (db: string, key: string, value: string, query: Query = {}) =>
  fetch(url(`/kv/${key}`, { db, ...query }), { method: 'PUT', body: value });
const feed = async (db: string, query: Query = {}): Promise<Feed> =>
  (await (await fetch(url('/changes', { db, ...query }))).json()) as Feed;
const ops = ({ events }: Feed) => events.map(({ op, key }) => `${op} ${key}`);

describe('pages', () => {
  test('without a cursor the feed only says where it stands', async () => {
    await put('pages', 'a', '1');
    const now = await feed('pages');
    expect(now).toMatchObject({ events: [], has_more: false });
    expect((await feed('pages', { since: now.cursor })).events).toEqual([]);
  });

  test('every kind of change is there, oldest first, and pages join without a hole', async () => {
    const { cursor } = await feed('pages');
    await put('pages', 'a', '{"v":2}');
    await put('pages', 'b', 'plain', { ttl: 3600 });
    await fetch(url('/kv/a/expire', { db: 'pages', ttl: 60 }), { method: 'POST' });
    await fetch(url('/kv/a/persist', { db: 'pages' }), { method: 'POST' });
    await fetch(url('/kv/b', { db: 'pages' }), { method: 'DELETE' });
    const all = await feed('pages', { since: cursor, include_values: 'true' });
    expect(ops(all)).toEqual(['set a', 'set b', 'ttl a', 'ttl a', 'delete b']);
    expect(all.events[0]).toMatchObject({ table: 'kv_store', value_omitted: 'superseded', expire_at: null });
    expect(all.events[3]).toMatchObject({ value: { v: 2 }, content_type: 'application/json' });
    expect(all.events[4]).toMatchObject({ etag: null, expire_at: null });
    const seen: string[] = [];
    for (let since = cursor, more = true; more; ) {
      const page = await feed('pages', { since, limit: 2 });
      seen.push(...ops(page));
      since = page.cursor;
      more = page.has_more;
    }
    expect(seen).toEqual(ops(all));
    expect(ops(await feed('pages', { since: all.events[1]?.cursor ?? '' }))).toEqual(['ttl a', 'ttl a', 'delete b']);
    expect(ops(await feed('pages', { since: cursor, prefix: 'b' }))).toEqual(['set b', 'delete b']);
  });

  test('a cursor from before the first write sees the first write', async () => {
    await fetch(url('/db/create', { path: 'empty' }), { method: 'POST' });
    const { cursor } = await feed('empty');
    await put('empty', 'first', '1');
    expect(ops(await feed('empty', { since: cursor }))).toEqual(['set first']);
  });

  test('a native client is seen, and an expired key', async () => {
    await put('native', 'a', '1');
    const { cursor } = await feed('native');
    const soon = Math.floor(Date.now() / 1000) + 1;
    const script = `UPDATE kv_store SET value = '2'; REPLACE INTO kv_store (key, value, expire_at) VALUES ('t', 'x', ${soon})`;
    execFileSync('sqlite3', ['-cmd', '.timeout 5000', join(api().daemon.root, 'native.db'), script]);
    expect(ops(await feed('native', { since: cursor }))).toEqual(['set a', 'set t']);
    const last = await eventually(async () => {
      const page = await feed('native', { since: cursor });
      expect(ops(page)).toEqual(['set a', 'set t', 'expire t']);
      return page.events[2];
    });
    expect(last).toMatchObject({ etag: null });
  });

  test('cursors that cannot be continued answer 410 with a reason', async () => {
    await put('gone', 'a', '1');
    const { cursor } = await feed('gone');
    const reason = async (since: string) => {
      const response = await fetch(url('/changes', { db: 'gone', since }));
      return [response.status, ((await response.json()) as { reason?: string }).reason];
    };
    const [databaseId, tableId, seq, mark] = cursor.split('-');
    expect(await reason('nonsense!')).toEqual([400, undefined]);
    expect(await reason(`${databaseId}-${tableId}-${Number(seq) + 5}-${mark}`)).toEqual([410, 'future_cursor']);
    expect(await reason(`abc-${tableId}-${seq}-${mark}`)).toEqual([410, 'database_replaced']);
    expect(await reason(`${databaseId}-abc-${seq}-${mark}`)).toEqual([410, 'table_changed']);
    const drop = JSON.stringify({ transaction: [{ statement: 'DROP TABLE kv_store' }] });
    await fetch(url('/db', { db: 'gone' }), { method: 'POST', body: drop });
    expect(await reason(cursor)).toEqual([410, 'table_changed']);
    await put('gone', 'a', '1');
    expect(await reason(cursor)).toEqual([410, 'table_changed']);
  });
});

test('a database restored from a copy and written on does not continue the cursor of its other life', async () => {
  const write = (value: string) => put('restored', 'a', value);
  await write('1');
  const file = join(api().daemon.root, 'restored.db');
  const shell = (sql: string) => execFileSync('sqlite3', ['-cmd', '.timeout 5000', file, sql]);
  shell(`VACUUM INTO '${file}.copy'`);
  await write('2');
  await write('3');
  const { cursor } = await feed('restored');
  await eventually(async () => {
    expect((await fetch(url('/db', { db: 'restored' }), { method: 'DELETE' })).status).toBe(200);
  });
  copyFileSync(`${file}.copy`, file);
  for (const key of ['b', 'c', 'd']) await put('restored', key, '4');
  const response = await fetch(url('/changes', { db: 'restored', since: cursor }));
  expect([response.status, ((await response.json()) as { reason?: string }).reason]).toEqual([
    410,
    'database_replaced',
  ]);
});

describe('waiting', () => {
  test('a waiting request answers as soon as somebody writes', async () => {
    await put('wait', 'a', '1');
    const { cursor } = await feed('wait');
    const waiting = feed('wait', { since: cursor, wait: 20 });
    const startedMs = performance.now();
    await put('wait', 'other', '2');
    expect(ops(await waiting)).toEqual(['set other']);
    expect(performance.now() - startedMs).toBeLessThan(10_000);
  });

  test('without a change it answers when the wait is over', async () => {
    const { cursor } = await feed('wait');
    const startedMs = performance.now();
    expect((await feed('wait', { since: cursor, wait: 1 })).events).toEqual([]);
    expect(performance.now() - startedMs).toBeGreaterThan(900);
    expect((await fetch(url('/changes', { db: 'wait', since: cursor, wait: 61 }))).status).toBe(400);
  });
});

describe('the stream', () => {
  interface Frame {
    readonly event: string;
    readonly id: string | undefined;
    readonly data: Record<string, unknown>;
  }

  /** Reads frames until `enough` says so. */
  async function readStream(query: Query, enough: (frames: Frame[]) => boolean, headers = {}): Promise<Frame[]> {
    const leave = new AbortController();
    const response = await fetch(url('/changes/stream', query), { headers, signal: leave.signal });
    expect(response.headers.get('content-type')).toBe('text/event-stream');
    const frames: Frame[] = [];
    let text = '';
    const decoder = new TextDecoder();
    for await (const chunk of response.body ?? []) {
      text += decoder.decode(chunk, { stream: true });
      const parts = text.split('\n\n');
      text = parts.pop() ?? '';
      frames.push(...parts.flatMap(parseFrame));
      if (enough(frames)) break;
    }
    leave.abort();
    return frames;
  }

  function parseFrame(text: string): Frame[] {
    const fields = new Map(
      text.split('\n').map((line) => [line.slice(0, line.indexOf(':')), line.slice(line.indexOf(':') + 2)]),
    );
    const event = fields.get('event');
    return event === undefined ? [] : [{ event, id: fields.get('id'), data: JSON.parse(fields.get('data') ?? 'null') }];
  }

  test('sends ready and then each change with its cursor as id; Last-Event-ID resumes', async () => {
    await put('stream', 'a', '0');
    const { cursor } = await feed('stream');
    const reading = readStream({ db: 'stream', since: cursor }, (frames) => frames.length >= 4);
    for (const value of ['1', '2', '3']) await put('stream', 'a', value);
    const frames = await reading;
    expect(frames[0]).toMatchObject({ event: 'ready', id: cursor, data: { cursor } });
    expect(frames.slice(1).map(({ event, data }) => [event, data.key])).toEqual(Array(3).fill(['change', 'a']));
    const resumeFrom = frames[2]?.id ?? '';
    const resumed = await readStream({ db: 'stream' }, (seen) => seen.length >= 2, { 'last-event-id': resumeFrom });
    expect(resumed[1]?.id).toBe(frames[3]?.id);
  });

  test('a bad cursor is a JSON 410 before the stream begins', async () => {
    const response = await fetch(url('/changes/stream', { db: 'stream', since: 'abc-abc-1-0' }));
    expect(response.status).toBe(410);
    expect(await response.json()).toMatchObject({ code: 'CHANGE_CURSOR_INVALID', reason: 'database_replaced' });
  });

  test('ends when the database is deleted', async () => {
    await put('doomed', 'a', '0');
    let setReady = () => {};
    const isReady = new Promise<void>((resolve) => {
      setReady = resolve;
    });
    const isDeleted = isReady.then(() =>
      eventually(async () => {
        expect((await fetch(url('/db', { db: 'doomed' }), { method: 'DELETE' })).status).toBe(200);
      }),
    );
    const frames = await readStream({ db: 'doomed' }, (seen) => {
      setReady();
      return seen.some(({ event }) => event === 'end');
    });
    await isDeleted;
    expect(frames.at(-1)).toMatchObject({ event: 'end', data: { reason: 'database_deleted' } });
  });
});
