// No answer is larger than the limit, whatever way it is put together: what would be is refused before anything is
// committed.
import { afterAll, beforeAll, expect, test } from 'vitest';
import { limits } from '../../server/messages/limits.ts';
import { type Answer, type CallOptions, request } from '../helpers/http.ts';
import { startServer, type TestServer } from '../helpers/server.ts';

const mebibyte = 1024 * 1024;
let server: TestServer;
let end: () => Promise<void>;
const call = (method: string, path: string, options?: CallOptions): Promise<Answer> =>
  request(`${server.url}/api/v1/sqlite${path}${path.includes('?') ? '&' : '?'}db=large`, method, options);
const sql = (...items: object[]) => call('POST', '/db', { body: { transaction: items } });
const put = (key: string, body: Buffer, type: string) =>
  call('PUT', `/kv/${key}`, { body, headers: { 'content-type': type } });

beforeAll(async () => {
  ({ server, end } = await startServer({ maxBodyBytes: 40 * mebibyte, createOnWrite: true }));
  // A BLOB grows by a third as base64, and this text of control characters sixfold as JSON.
  await put('blob', Buffer.alloc(26 * mebibyte, 0xff), 'application/octet-stream');
  await put('json', Buffer.from(`"${'\\u0001'.repeat(3 * mebibyte)}"`), 'application/json');
  for (const name of ['a', 'b']) await put(`text-${name}`, Buffer.alloc(10 * mebibyte, 'x'), 'text/plain');
});
afterAll(() => end());

async function expectRefused(answer: Promise<Answer>): Promise<void> {
  const { status, json, text } = await answer;
  expect([status, json?.code, text.length < 10_000]).toEqual([413, 'RESPONSE_TOO_LARGE', true]);
}

test('a value is read up to what can be written, and beyond that refused', async () => {
  const { status, text } = await call('GET', '/kv/text-a');
  expect([status, text.length]).toEqual([200, 10 * mebibyte]);
  await put('longest', Buffer.alloc(36 * mebibyte, 'x'), 'text/plain');
  expect((await call('GET', '/kv/longest')).status).toBe(200);
  await sql({ statement: "INSERT INTO kv_store (key, value) VALUES ('native', zeroblob(41 * 1024 * 1024))" });
  await expectRefused(call('GET', '/kv/native'));
  const head = await call('HEAD', '/kv/native');
  expect([head.status, head.headers['content-length']]).toEqual([200, String(41 * mebibyte)]);
});

test('answers with values count them as they stand in the answer', async () => {
  const now = Math.floor(Date.now() / 1000);
  await expectRefused(call('GET', '/kv/blob/entry'));
  await expectRefused(call('GET', '/kv/blob/history'));
  await expectRefused(call('GET', '/kv/blob/snapshot?op_number=1'));
  await expectRefused(call('POST', '/kv/batch/get', { body: { keys: ['blob', 'text-a'] } }));
  await expectRefused(call('POST', '/kv/batch/get', { body: { keys: ['json', 'text-a', 'text-b'] } }));
  await expectRefused(call('GET', `/kv/blob?at_timestamp=${now}`));
  await expectRefused(call('GET', `/kv/snapshot?timestamp=${now}`));
  await expectRefused(call('GET', `/kv/diff?from=${now - 1000}&to=${now}`));
  await expectRefused(call('POST', `/kv/rollback?to_timestamp=${now - 1000}`));
});

test('keys and the names of columns count too', async () => {
  const key = `'${'\u0001'.repeat(6_000)}' || value`;
  await sql({
    statement: `WITH RECURSIVE n(value) AS (SELECT 1 UNION ALL SELECT value + 1 FROM n WHERE value < 1000)
      INSERT INTO kv_store (key, value) SELECT ${key}, '' FROM n`,
  });
  await expectRefused(call('GET', '/kv?limit=1000'));
  await expectRefused(call('GET', `/kv?limit=0&at_timestamp=${Math.floor(Date.now() / 1000)}`));
  const wide = '\u0001'.repeat(mebibyte);
  await sql({ statement: `CREATE TABLE wide("${wide}")` });
  const items = Array.from({ length: 6 }, () => ({ query: 'SELECT * FROM wide' }));
  await expectRefused(sql(...items));
});

test('what fails under noFail counts, and an error quotes only the beginning of a long statement', async () => {
  const word = 'x'.repeat(200_000);
  const { status, text } = await sql({ query: `SELECT ${word}` });
  expect(status).toBe(400);
  expect(text.length).toBeLessThan(2 * limits.errorChars);
  const message = '\u0001'.repeat(4_000);
  await sql(
    { statement: 'CREATE TABLE refusing(a)' },
    { statement: `CREATE TRIGGER no BEFORE INSERT ON refusing BEGIN SELECT RAISE(ABORT, '${message}'); END` },
  );
  await expectRefused(
    sql({
      statement: 'INSERT INTO refusing VALUES (?)',
      valuesBatch: Array.from({ length: 2_000 }, () => [1]),
      noFail: true,
    }),
  );
});

test('a page of changes ends early instead', async () => {
  const { json: start } = await call('GET', '/changes');
  const value = Buffer.alloc(250 * 1024, 0xff);
  await Promise.all(
    Array.from({ length: 150 }, (_, index) => put(`change-${index}`, value, 'application/octet-stream')),
  );
  const keys = new Set<string>();
  let cursor = start.cursor;
  for (let pages = 0; ; pages += 1) {
    const { status, text, json } = await call('GET', `/changes?since=${cursor}&limit=1000&include_values=true`);
    expect([status, text.length < limits.responseBytes, pages < 20]).toEqual([200, true, true]);
    for (const event of json.events) keys.add(event.key);
    cursor = json.cursor;
    if (!json.has_more) break;
  }
  expect(keys.size).toBe(150);
});
