// A directory of files as a key-value store, on a daemon with a real mount: files by keys, headers, and everything that
// must not be reached: other places, other file systems, the mount and what lies behind it.
import { execFileSync, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  existsSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import fc from 'fast-check';
import { afterAll, describe, expect, test } from 'vitest';
import { eventually } from '../helpers/eventually.ts';
import { type CallOptions, request, useDaemon } from '../helpers/http.ts';
import { withServer } from '../helpers/server.ts';

const folder = realpathSync(mkdtempSync(join(tmpdir(), 'hoody-directory-')));
const files = join(folder, 'files');
mkdirSync(files);
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const api = useDaemon(['--allow-any-absolute-db-path', '--create-on-write']);
const call = (method: string, key: string, query: Record<string, string> = {}, options: CallOptions = {}) => {
  const search = new URLSearchParams({ db: files, ...query });
  return api().call(method, `/kv${key === '' ? '' : `/${key}`}?${search}`, options);
};
const sha256 = (bytes: string | Buffer) => createHash('sha256').update(bytes).digest('hex');

describe('files by keys', () => {
  test('a value is a file; slashes of its key are directories', async () => {
    const put = await call('PUT', 'a/b/note.txt', {}, { body: 'h\u00e9llo' });
    expect(put.json).toEqual({
      success: true,
      key: 'a/b/note.txt',
      size: 6,
      directory_mode: true,
      file_path: join(files, 'a/b/note.txt'),
    });
    expect(readFileSync(join(files, 'a/b/note.txt'), 'utf8')).toBe('h\u00e9llo');
    const got = await call('GET', 'a/b/note.txt');
    expect(got.text).toBe('h\u00e9llo');
    expect(got.headers).toMatchObject({
      'content-type': 'text/plain; charset=utf-8',
      'x-directory-mode': 'true',
      'x-kv-nesting-depth': '3',
      'x-file-hash': sha256('h\u00e9llo'),
      'x-updated-at': String(Math.floor(statSync(join(files, 'a/b/note.txt')).mtimeMs / 1000)),
    });
    expect(got.headers.etag).toBe(undefined);
    const head = await call('HEAD', 'a/b/note.txt');
    expect([head.status, head.text, head.headers['content-length']]).toEqual([200, '', '6']);
    expect(head.headers['x-file-hash']).toBe(sha256('h\u00e9llo'));
    expect((await call('DELETE', 'a/b/note.txt')).json).toEqual({ success: true, deleted: true, directory_mode: true });
    expect((await call('DELETE', 'a/b/note.txt')).status).toBe(404);
    expect((await call('GET', 'a/b/note.txt')).status).toBe(404);
    expect((await call('GET', 'a/b')).status).toBe(404);
    expect((await call('DELETE', 'a/b')).status).toBe(404);
  });

  test('bytes come back as they are, by the type of their extension', async () => {
    const bytes = Buffer.from(Array.from({ length: 100_000 }, (_, at) => (at * 7) % 256));
    await call('PUT', 'picture.png', {}, { body: bytes });
    const got = await call('GET', 'picture.png');
    expect(got.headers['content-type']).toBe('image/png');
    expect(got.headers['x-file-hash']).toBe(sha256(bytes));
    expect(readFileSync(join(files, 'picture.png')).equals(bytes)).toBe(true);
    expect((await call('PUT', 'empty', {}, { body: '' })).json.size).toBe(0);
    expect((await call('GET', 'empty')).text).toBe('');
  });

  test('a hash is remembered, and never for another content', async () => {
    const path = join(files, 'hashed');
    writeFileSync(path, 'one');
    const before = Date.now() / 1000 - 100;
    for (const text of ['one', 'two', 'six']) {
      writeFileSync(path, text);
      utimesSync(path, before, before);
      for (let again = 0; again < 2; again += 1) {
        expect((await call('GET', 'hashed')).headers['x-file-hash']).toBe(sha256(text));
        expect((await call('HEAD', 'hashed', { rebuild: 'true' })).headers['x-file-hash']).toBe(sha256(text));
      }
    }
    // The times of a file that has just changed are not trusted; those of one that rests are.
    await eventually(async () => {
      await call('HEAD', 'hashed');
      const { json } = await api().call('GET', '/health/cache');
      expect(json.directory_mode).toMatchObject({ size: 1, max_size: 16 });
    });
    expect((await call('GET', 'hashed')).headers['x-file-hash']).toBe(sha256('six'));
  });

  test('a part of a JSON file is read and written', async () => {
    await call('PUT', 'conf.json', {}, { body: '{"a": {"b": 1}, "n": 12345678901234567890}' });
    const part = await call('GET', 'conf.json', { path: 'a.b' });
    expect([part.text, part.headers['x-json-path'], part.headers['x-file-hash']]).toEqual(['1', 'a.b', undefined]);
    await call('PUT', 'conf.json', { path: 'a.c[0]' }, { body: '"x"' });
    expect(readFileSync(join(files, 'conf.json'), 'utf8')).toBe('{"a": {"b": 1,"c":["x"]}, "n": 12345678901234567890}');
    const many = Array.from({ length: 20 }, (_, at) =>
      call('PUT', 'conf.json', { path: `k${at}` }, { body: String(at) }),
    );
    await Promise.all(many);
    expect(Object.keys((await call('GET', 'conf.json')).json).length).toBe(22);
    expect((await call('GET', 'conf.json', { path: 'nothing' })).status).toBe(404);
    await call('PUT', 'words.txt', {}, { body: 'no JSON' });
    for (const refused of [
      await call('GET', 'words.txt', { path: 'a' }),
      await call('PUT', 'words.txt', { path: 'a' }, { body: '1' }),
    ]) {
      expect([refused.status, refused.json.error]).toEqual([400, expect.stringMatching(/^the file of the key is not/)]);
    }
    expect((await call('PUT', 'conf.json', { path: 'x' }, { body: '{' })).json.code).toBe('INVALID_JSON_VALUE');
  });

  test('keys are listed in byte order, in pages', async () => {
    const listed = join(folder, 'listed');
    for (const key of ['b', 'a/2', 'a/1', 'a-b', 'a/x/y', '\u{1f600}', '\uffee']) {
      await call('PUT', encodeURIComponent(key), { db: makeDirectory(listed) }, { body: key });
    }
    writeFileSync(Buffer.concat([Buffer.from(`${listed}/`), Buffer.from([0xff])]), 'no text');
    symlinkSync('/etc/passwd', join(listed, 'link'));
    const list = async (query: Record<string, string> = {}) => (await call('GET', '', { db: listed, ...query })).json;
    const keysOf = (json: { items: { key: string }[] | null }) => json.items?.map(({ key }) => key) ?? null;
    const all = ['a-b', 'a/1', 'a/2', 'a/x/y', 'b', '\uffee', '\u{1f600}'];
    const whole = await list();
    expect(keysOf(whole)).toEqual(all);
    expect(whole).toMatchObject({ directory_mode: true, total: 7, has_more: false, next_after: null });
    expect(whole.items[0]).toMatchObject({ key: 'a-b', size: 3, content_type: 'application/octet-stream' });
    expect(keysOf(await list({ prefix: 'a/' }))).toEqual(['a/1', 'a/2', 'a/x/y']);
    expect(keysOf(await list({ prefix: 'a/x' }))).toEqual(['a/x/y']);
    const page = await list({ limit: '2', after: 'a/1' });
    expect([keysOf(page), page.next_after, page.has_more]).toEqual([['a/2', 'a/x/y'], 'a/x/y', true]);
    expect(keysOf(await list({ offset: '5' }))).toEqual(['\uffee', '\u{1f600}']);
    expect(keysOf(await list({ after: 'z\u{1f600}' }))).toEqual(['\uffee', '\u{1f600}']);
    expect(keysOf(await list({ limit: '0' }))).toBe(null);
    expect((await list({ offset: '1', after: 'a' })).code).toBe('INVALID_PARAMETERS');
  });

  test('who reads while a file is written sees one whole value', async () => {
    const values = ['a', 'b'].map((letter) => letter.repeat(300_000));
    await call('PUT', 'swapped', {}, { body: values[0] ?? '' });
    const writes = Array.from({ length: 20 }, (_, at) => call('PUT', 'swapped', {}, { body: values[at % 2] ?? '' }));
    const reads = Array.from({ length: 40 }, () => call('GET', 'swapped'));
    for (const { text, headers } of await Promise.all(reads)) {
      expect(values).toContain(text);
      expect(headers['x-file-hash']).toBe(sha256(text));
    }
    await Promise.all(writes);
    expect(readdirSync(join(files, '.hoody_sqlite'))).toEqual([]);
  });
});

describe('what is refused', () => {
  test.each([
    ['GET', '..%2Fsecret'],
    ['GET', 'a%2F..%2F..%2Fsecret'],
    ['PUT', '%2Fetc%2Fx'],
    ['PUT', 'a%2F%2Fb'],
    ['PUT', 'a%2F.'],
    ['DELETE', 'a%2F..'],
    ['PUT', '.hoody_sqlite%2Fx'],
    ['GET', 'a%2F.hoody_sqlite%2Fcache.db'],
    ['PUT', 'a%00b'],
    ['PUT', 'x'.repeat(256)],
  ])('%s %s', async (method, key) => {
    writeFileSync(join(folder, 'secret'), 'secret');
    const answer = await call(method, key, {}, { body: 'x' });
    expect([answer.status, answer.json?.code]).toEqual([400, 'INVALID_PARAMETERS']);
    expect(readFileSync(join(folder, 'secret'), 'utf8')).toBe('secret');
  });

  test('symbolic links, wherever they stand, and what is no regular file', async () => {
    mkdirSync(join(files, 'inner'), { recursive: true });
    symlinkSync(join(folder, 'secret'), join(files, 'link'));
    symlinkSync(folder, join(files, 'linked'));
    execFileSync('mkfifo', [join(files, 'fifo')]);
    for (const key of ['link', 'fifo']) {
      for (const method of ['GET', 'PUT', 'DELETE']) {
        expect([key, method, (await call(method, key, {}, { body: 'x' })).status]).toEqual([key, method, 400]);
      }
    }
    expect((await call('GET', 'linked/secret')).status).toBe(404);
    expect((await call('PUT', 'linked/secret', {}, { body: 'x' })).json.code).toBe('CONFLICT');
    expect(readFileSync(join(folder, 'secret'), 'utf8')).toBe('secret');
    expect((await call('PUT', 'inner', {}, { body: 'x' })).json.code).toBe('CONFLICT');
    symlinkSync(files, join(folder, 'to-files'));
    expect((await call('GET', 'empty', { db: join(folder, 'to-files') })).json.code).toBe('INVALID_DB_PATH');
  });

  test('a name that becomes a link while it is used leads nowhere else', async () => {
    const outside = join(folder, 'outside');
    mkdirSync(outside);
    const place = join(files, 'racing');
    const script = `while :; do mkdir -p '${place}'; rmdir '${place}' 2>/dev/null || rm -rf '${place}';
      ln -sfn '${outside}' '${place}'; rm -f '${place}'; done`;
    const racer = spawn('sh', ['-c', script], { stdio: 'ignore' });
    try {
      for (let round = 0; round < 150; round += 1) {
        const { status } = await call('PUT', 'racing/x', {}, { body: 'x' });
        expect(status).toBeLessThan(500);
      }
    } finally {
      racer.kill();
    }
    expect(readdirSync(outside)).toEqual([]);
  });

  test('files of the kernel', async () => {
    for (const db of ['/proc/self', '/sys/kernel', '/proc']) {
      const { status } = await call('GET', 'environ', { db });
      expect([db, status]).toEqual([db, db === '/proc/self' ? 400 : 403]);
    }
  });

  test('whatever the key, no answer is a 500', async () => {
    const odd = fc.constantFrom('..', '.', '/', '%', '.hoody_sqlite', 'a', ':');
    const parts = fc.array(fc.oneof(odd, fc.string({ unit: 'binary' })), { minLength: 1, maxLength: 5 });
    const fuzzed = makeDirectory(join(folder, 'fuzzed'));
    await fc.assert(
      fc.asyncProperty(fc.constantFrom('GET', 'HEAD', 'PUT', 'DELETE'), parts, async (method, names) => {
        const key = encodeURIComponent(names.join('').replace(/\p{Surrogate}/gu, '')) || 'a';
        const answers = [
          await call(method, key, { db: fuzzed }, { body: 'x' }),
          await request(`${api().daemon.url}/unstorage/fuzz/${key}`, method, { body: 'x' }),
        ];
        for (const { status } of answers) expect(status).toBeLessThan(500);
      }),
      { numRuns: 150 },
    );
    expect(readFileSync(join(folder, 'secret'), 'utf8')).toBe('secret');
  });

  test('what files do not have', async () => {
    for (const [query, headers] of [
      [{ ttl: '5' }, {}],
      [{ if_match: 'x' }, {}],
      [{}, { 'if-match': '*' }],
      [{}, { 'if-none-match': '*' }],
      [{}, { 'idempotency-key': 'k' }],
    ] as const) {
      expect((await call('PUT', 'plain', query, { body: 'x', headers })).status).toBe(400);
    }
    expect((await call('GET', 'empty', { at_timestamp: '1000' })).status).toBe(400);
    for (const [method, path] of [
      ['POST', '/incr'],
      ['GET', '/history'],
      ['GET', '/entry'],
      ['POST', '/push'],
    ]) {
      const answer = await call(method ?? '', `empty${path}`, {}, { body: '1' });
      expect([path, answer.json.code]).toEqual([path, 'PATH_IS_DIRECTORY']);
    }
    expect((await api().call('GET', `/changes?db=${files}`)).status).toBe(400);
    expect((await api().call('GET', `/kv/x?db=${join(files, '.hoody_sqlite/cache.db')}`)).json.code).toBe(
      'INVALID_DB_PATH',
    );
  });

  test('the mount, what lies behind it, and the way to either', async () => {
    const { mount, data } = api().daemon;
    await api().call('PUT', '/kv/a?db=app', { body: 'x' });
    for (const db of [mount, data, `${mount}/`]) {
      const answer = await call('GET', 'app.db', { db });
      expect([db, answer.json.code]).toEqual([db, 'PATH_IS_DIRECTORY']);
      expect((await call('PUT', 'x', { db }, { body: 'x' })).json.code).toBe('PATH_IS_DIRECTORY');
    }
    // Both lie below this directory, as keys of it.
    const above = join(mount, '..');
    for (const db of [mount, data]) {
      const key = encodeURIComponent(db.slice(realpathSync(above).length + 1));
      expect((await call('GET', `${key}%2Fapp.db`, { db: above })).json.code).toBe('INVALID_PARAMETERS');
      expect((await call('PUT', `${key}%2Fx`, { db: above }, { body: 'x' })).json.code).toBe('INVALID_PARAMETERS');
      expect(existsSync(join(db, 'x'))).toBe(false);
    }
    const { json } = await call('GET', '', { db: above, limit: '1000' });
    expect(JSON.stringify(json)).not.toContain('app.db');
    symlinkSync(mount, join(folder, 'to-mount'));
    expect((await call('GET', 'app.db', { db: `${join(folder, 'to-mount')}` })).status).toBe(400);
    const parent = join(folder, 'to-data');
    symlinkSync(realpathSync(above), parent);
    const through = join(parent, data.slice(realpathSync(above).length + 1));
    expect((await call('GET', 'app.db', { db: through })).json.code).toBe('PATH_IS_DIRECTORY');
  });

  test('a database that somebody has open is no value', async () => {
    const path = join(files, 'live.db');
    const database = new Database(path);
    try {
      database.pragma('journal_mode = WAL');
      database.exec('CREATE TABLE t(a)');
      for (const key of ['live.db', 'live.db-wal', 'live.db-shm']) {
        for (const method of ['GET', 'HEAD', 'PUT', 'DELETE']) {
          const { status, headers } = await call(method, key, {}, { body: 'x' });
          expect([key, method, status, headers['x-hoody-error-code']]).toEqual([key, method, 409, 'CONFLICT']);
        }
      }
      expect(database.pragma('integrity_check')).toEqual([{ integrity_check: 'ok' }]);
    } finally {
      database.close();
    }
    // Nobody has it open: a file like others.
    const bytes = readFileSync(path);
    expect((await call('GET', 'live.db')).headers['x-file-hash']).toBe(sha256(bytes));
    // One that this server has open is none.
    expect((await api().call('GET', `/query?db=${path}&sql=SELECT+1`)).status).toBe(200);
    expect((await call('PUT', 'live.db', {}, { body: 'x' })).status).toBe(409);
  });
});

test('while paths are confined, only directories below the root are served, and only without a mount', async () => {
  await withServer({}, async ({ url, root }) => {
    mkdirSync(join(root, 'store'));
    const kv = (method: string, db: string, key: string) =>
      request(
        `${url}/api/v1/sqlite/kv/${key}?db=${encodeURIComponent(db)}`,
        method,
        method === 'PUT' ? { body: 'x' } : {},
      );
    expect((await kv('PUT', join(root, 'store'), 'a')).json.directory_mode).toBe(true);
    expect((await kv('GET', join(root, 'store'), 'a')).text).toBe('x');
    expect((await kv('GET', files, 'empty')).json.code).toBe('INVALID_DB_PATH');
    expect([(await kv('GET', `${files}/`, 'empty')).status]).toEqual([403]);
    symlinkSync(folder, join(root, 'out'));
    const escaped = await kv('GET', join(root, 'out/files'), 'empty');
    expect([escaped.status, escaped.json.code]).toEqual([403, 'FORBIDDEN']);
    linkSync(join(root, 'store/a'), join(root, 'store/b'));
    expect((await kv('GET', join(root, 'store'), 'b')).text).toBe('x');
  });
});

function makeDirectory(path: string): string {
  mkdirSync(path, { recursive: true });
  return path;
}
