// Files of the studio over a real daemon and mount: exports, imports, a copy of the database.
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import http from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { expect, test } from 'vitest';
import { pidOf, withDaemon } from '../helpers/daemon.ts';
import { eventually } from '../helpers/eventually.ts';
import { useDaemon } from '../helpers/http.ts';

const api = useDaemon();

/** The bytes of an answer. */
function download(
  path: string,
  method: string,
  body?: object,
): Promise<{ headers: http.IncomingHttpHeaders; bytes: Buffer }> {
  return new Promise((resolve, reject) => {
    const request = http.request(`${api().daemon.url}/api/v1/sqlite${path}`, { method }, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.once('end', () => resolve({ headers: response.headers, bytes: Buffer.concat(chunks) }));
    });
    request.once('error', reject);
    request.end(body === undefined ? undefined : JSON.stringify(body));
  });
}

const leftovers = () => readdirSync(tmpdir()).filter((name) => /^hoody-sqlite-file-/.test(name));

test('a table goes out as CSV and comes in again, the same', async () => {
  const { call, daemon } = api();
  await call('POST', '/studio/sample?db=shop');

  const body = { format: 'csv', source: { table: 'customers' } };
  const first = await download('/studio/export?db=shop', 'POST', body);
  expect(first.headers).toMatchObject({
    'content-type': 'text/csv; charset=utf-8; header=present',
    'content-disposition': expect.stringContaining('filename="customers.csv"'),
    'content-length': String(first.bytes.length),
  });
  expect(first.bytes.toString().split('\r\n')).toHaveLength(2_002);
  const dry = await call('POST', '/studio/import?db=shop&table=again&create=true&dryRun=true', { body: first.bytes });
  expect(dry.json).toMatchObject({ rows: 2_000, types: ['INTEGER', 'TEXT', 'TEXT', 'TEXT', 'TEXT', 'TEXT'] });
  const came = await call('POST', '/studio/import?db=shop&table=again&create=true', { body: first.bytes });
  expect(came.json.rows).toBe(2_000);
  const again = await download('/studio/export?db=shop', 'POST', { format: 'csv', source: { table: 'again' } });
  expect(again.bytes.equals(first.bytes)).toBe(true);
  const conflict = await call('POST', '/studio/import?db=shop&table=customers', { body: first.bytes });
  expect(conflict.json).toMatchObject({ code: 'SQL_CONSTRAINT', error: expect.stringContaining('row 1') });

  const copy = await download('/studio/file?db=shop', 'GET');
  const database = new Database(copy.bytes);
  expect(database.prepare('SELECT count(*) FROM order_items').pluck().get()).toBeGreaterThan(20_000);
  database.close();
  const native = new Database(`${daemon.mount}/shop.db`);
  expect(native.pragma('integrity_check', { simple: true })).toBe('ok');
  native.close();
});

test('answers are as described, and no file is left behind, not by a client that leaves either', async () => {
  const { call, daemon } = api();
  for (const format of ['csv', 'json', 'jsonl', 'sql']) {
    const { status } = await call('POST', '/studio/export?db=shop', {
      body: { format, source: { table: 'categories' } },
    });
    expect(status).toBe(200);
  }
  const wrong = await call('POST', '/studio/export?db=shop', {
    body: { format: 'csv', source: { sql: 'DROP TABLE orders' } },
  });
  expect(wrong.json.code).toBe('SQL_ERROR');
  expect((await call('POST', '/studio/import?db=shop&table=categories&format=xml', { body: 'x' })).status).toBe(400);
  await new Promise<void>((resolve) => {
    const url = `${daemon.url}/api/v1/sqlite/studio/file?db=shop`;
    http.get(url, (response) => {
      response.once('data', () => {
        response.destroy();
        resolve();
      });
    });
  });
  await eventually(() => expect(leftovers()).toEqual([]));
});

test('what a killed server leaves on its way is gone with the next one', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'hoody-transfer-'));
  try {
    await withDaemon(
      ['--no-mount', '--create-on-write'],
      async (daemon) => {
        const files = () => readdirSync(folder).filter((name) => name.startsWith('hoody-sqlite-file-'));
        const server = await pidOf(daemon, 'server');
        const url = `${daemon.url}/api/v1/sqlite/studio/import?db=app&table=t&create=true`;
        const sending = http.request(url, { method: 'POST' });
        sending.on('error', () => {});
        sending.write('a,b\n1,2\n');
        await eventually(() => expect(files()).toHaveLength(1));
        process.kill(server, 'SIGKILL');
        await eventually(async () => expect((await fetch(`${daemon.url}/api/v1/sqlite/health`)).status).toBe(200));
        expect(files()).toEqual([]);
        sending.destroy();
      },
      { env: { TMPDIR: folder } },
    );
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test('types of columns may have commas, and the delimiter is told', async () => {
  const { call } = api();
  await call('POST', '/db/create?path=typed');
  const types = encodeURIComponent('DECIMAL(10,2),TEXT');
  const path = `/studio/import?db=typed&table=t&create=true&delimiter=auto&types=${types}`;
  const came = await call('POST', path, { body: 'a;b\n1.50;x\n' });
  expect(came.json).toMatchObject({ rows: 1, types: ['DECIMAL(10,2)', 'TEXT'], delimiter: 'semicolon' });
  expect((await call('POST', '/studio/import?db=typed&table=t&delimiter=;', { body: 'a' })).json.error).toContain(
    'semicolon',
  );
});
