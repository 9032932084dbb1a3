// Share links and the sample shop, over HTTP from a real server.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startServer, type TestServer } from '../helpers/server.ts';

let server: TestServer;
let end: () => Promise<void>;
let folder: string;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'hoody-tokens-'));
  const authTokenFile = join(folder, 'tokens');
  writeFileSync(authTokenFile, 'full writer\nread reader\n');
  ({ server, end } = await startServer({ authTokenFile }));
  expect((await call('POST', 'studio/sample?db=shop', 'writer')).status).toBe(201);
});
afterAll(async () => {
  await end();
  rmSync(folder, { recursive: true, force: true });
});

async function call(
  method: string,
  path: string,
  token: string,
  body?: unknown,
  // biome-ignore lint/suspicious/noExplicitAny: answers of many shapes
): Promise<{ status: number; json: any }> {
  const response = await fetch(`${server.url}/api/v1/sqlite/${path}`, {
    method,
    headers: { Authorization: `Bearer ${token}` },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const text = await response.text();
  return { status: response.status, json: text === '' ? null : JSON.parse(text) };
}

async function share(view: unknown): Promise<string> {
  const { status, json } = await call('POST', 'studio/shares', 'writer', { db: 'shop', title: 'A view', view });
  expect(status, JSON.stringify(json)).toBe(201);
  return json.token;
}

const shown = (token: string, body: unknown = {}) => call('POST', 'studio/shared', token, body);

describe('the sample shop', () => {
  test('has 8 tables of 50,000 rows together, views, and keys with a history', async () => {
    const { json: schema } = await call('GET', 'studio/schema?db=shop', 'reader');
    const user = schema.objects.filter(({ group }: { group: string }) => group === 'user');
    const tables = user
      .filter(({ type }: { type: string }) => type === 'table')
      .map(({ name }: { name: string }) => name);
    expect(tables).toHaveLength(8);
    expect(user).toHaveLength(10);
    const sql = `SELECT ${tables.map((name: string) => `(SELECT count(*) FROM ${name})`).join(' + ')} AS n`;
    const { json: counted } = await call('POST', 'studio/sql?db=shop', 'reader', { sql });
    expect(Number(counted.results[0].rows[0][0].int)).toBeGreaterThan(45_000);
    expect(Number(counted.results[0].rows[0][0].int)).toBeLessThan(60_000);
    const { json: history } = await call('GET', 'studio/kv/history?db=shop&key=config/theme', 'reader');
    expect(history.versions).toHaveLength(3);
  });

  test('is not made over a database that exists', async () => {
    expect((await call('POST', 'studio/sample?db=shop', 'writer')).json.code).toBe('DATABASE_EXISTS');
  });
});

describe('a share of a table', () => {
  test('shows the columns and rows it names, page by page, and no key of a row', async () => {
    const token = await share({
      kind: 'table',
      table: 'customers',
      columns: ['name', 'town'],
      filters: [{ column: 'town', operator: '=', value: 'Lyon' }],
    });
    const { json } = await shown(token);
    expect(json.rows.columns).toEqual(['name', 'town']);
    expect(json.rows.rows[0].key).toBeNull();
    expect(new Set(json.rows.rows.map(({ values }: { values: string[] }) => values[1]))).toEqual(new Set(['Lyon']));
    const { json: next } = await shown(token, { from: { after: json.rows.next } });
    expect(next.rows.rows[0].at).not.toBe(json.rows.rows[0].at);
    expect(next.rows.rows[0].values[1]).toBe('Lyon');
    expect((await shown(token, { from: { after: 'WzFd' } })).status).toBe(400);
  });

  test('its token opens nothing else', async () => {
    const token = await share({ kind: 'table', table: 'customers' });
    for (const path of [
      'studio/databases',
      'studio/schema?db=shop',
      'db/list',
      'studio/shares',
      'query?db=shop&sql=SELECT%201',
    ]) {
      expect((await call('GET', path, token)).status, path).toBe(401);
    }
    expect((await shown(token, { table: 'orders' })).status).toBe(400);
  });
});

describe('a share of a query', () => {
  test('runs it and nothing that writes', async () => {
    const { json } = await shown(await share({ kind: 'sql', sql: 'SELECT name, spent FROM best_customers LIMIT 10' }));
    expect(json.result.rows).toHaveLength(10);
    const writing = await shown(await share({ kind: 'sql', sql: 'DELETE FROM reviews' }));
    expect(writing.status).toBeGreaterThanOrEqual(400);
    const { json: left } = await call('POST', 'studio/sql?db=shop', 'reader', { sql: 'SELECT count(*) FROM reviews' });
    expect(left.results[0].rows).toEqual([[{ int: '6000' }]]);
  });
});

describe('a share of a key', () => {
  test('has its history only where it was shared', async () => {
    const view = { kind: 'key', table: 'kv_store', key: 'config/theme' };
    const now = await share({ ...view, history: false });
    expect((await shown(now)).json.history).toBeUndefined();
    expect((await shown(now)).json.value.value).toContain('dark');
    expect((await shown(now, { version: 1 })).status).toBe(403);
    const all = await share({ ...view, history: true });
    const { json } = await shown(all);
    const oldest = Number(json.history.versions.at(-1).version);
    expect((await shown(all, { version: oldest })).json.value.value).toContain('teal');
  });
});

test('only who may write makes and revokes links, and a revoked one shows nothing', async () => {
  const view = { kind: 'table', table: 'orders' };
  expect((await call('POST', 'studio/shares', 'reader', { db: 'shop', title: '', view })).status).toBe(403);
  const token = await share(view);
  const { json } = await call('GET', 'studio/shares', 'reader');
  expect(JSON.stringify(json)).not.toContain(token);
  const { id } = json.shares[0];
  expect((await call('DELETE', `studio/shares/${id}`, 'reader')).status).toBe(403);
  expect((await shown(token)).status).toBe(200);
  expect((await call('DELETE', `studio/shares/${id}`, 'writer')).status).toBe(204);
  expect((await shown(token)).status).toBe(401);
  expect((await call('DELETE', `studio/shares/${id}`, 'writer')).status).toBe(404);
});
