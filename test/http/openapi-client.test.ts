// A client that is generated from the description compiles, and works against the running server.
import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import openapiTS, { astToString } from 'openapi-typescript';
import { expect, test } from 'vitest';
import { useDaemon } from '../helpers/http.ts';
import { run } from '../helpers/process.ts';

const api = useDaemon(['--create-on-write']);

/** Its types are what is tested: every member that it names must be described, with the type that it is used as. */
const program = `
import createClient from 'openapi-fetch';
import type { paths } from './paths.js';

const { GET, POST, PUT, DELETE } = createClient<paths>({ baseUrl: process.argv[2] ?? '' });
const base = '/api/v1/sqlite' as const;
const db = 'generated';

const ran = await POST(\`\${base}/db\`, {
  params: { query: { db, create_db_if_missing: true, timeout: 5 } },
  body: { transaction: [{ sql: 'CREATE TABLE t(a)' }, { sql: 'INSERT INTO t VALUES (?)', values: [1] }, { query: 'SELECT a FROM t' }] },
});
const rows: Record<string, unknown>[] | undefined = ran.data?.results[2]?.resultSet;

const set = await PUT(\`\${base}/kv/{key}\`, {
  params: { path: { key: 'a/b c' }, query: { db }, header: { 'Idempotency-Key': 'once' } },
  body: { n: 1 },
});
const etag: string | null | undefined = set.data?.etag;
const refused = await PUT(\`\${base}/kv/{key}\`, {
  params: { path: { key: 'a/b c' }, query: { db }, header: { 'If-Match': '"other"' } },
  body: { n: 2 },
});
const code: string | undefined = refused.error?.code;
const current: string | null | undefined = refused.error?.current_etag;

const entry = await GET(\`\${base}/kv/{key}/entry\`, { params: { path: { key: 'a/b c' }, query: { db } } });
const size: number = entry.data?.updated_at ?? 0;
const counted = await POST(\`\${base}/kv/{key}/incr\`, { params: { path: { key: 'c' }, query: { db, delta: 5 } } });
const value: number | undefined = counted.data?.value;
const batch = await POST(\`\${base}/kv/batch/get\`, { params: { query: { db } }, body: { keys: ['c', 'none'] } });
const missing = batch.data?.results['none'];
const listed = await GET(\`\${base}/kv\`, { params: { query: { db, limit: 10 } } });
const page = listed.data !== undefined && 'has_more' in listed.data ? listed.data : undefined;
const keys: string[] | undefined = page?.items?.map((item) => item.key);
const health = await GET(\`\${base}/health\`);
const status: 'ok' | undefined = health.data?.status;
const gone = await DELETE(\`\${base}/db\`, { params: { query: { db } } });
const removed: number | undefined = gone.data?.files_removed;

console.log(JSON.stringify({
  rows, isSame: etag === current, code, isDated: size > 0, value, missing, keys, status, hasRemoved: (removed ?? 0) > 0,
}));
`;

/** Must not compile: a schema that allows everything would let it pass. */
const wrong = `
import createClient from 'openapi-fetch';
import type { paths } from './paths.js';

const { GET } = createClient<paths>({ baseUrl: '' });
const { data } = await GET('/api/v1/sqlite/db/stats', { params: { query: { db: 'a' } } });
export const bytes: string | undefined = data?.size_bytes;
`;

test('the description makes types for openapi-typescript and openapi-fetch that compile and hold', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'hoody-generated-'));
  try {
    symlinkSync(resolve(import.meta.dirname, '../../node_modules'), join(folder, 'node_modules'));
    const { json } = await api().call('GET', '/openapi.json');
    writeFileSync(join(folder, 'paths.ts'), astToString(await openapiTS(json)));
    writeFileSync(join(folder, 'client.ts'), program);
    writeFileSync(join(folder, 'wrong.ts'), wrong);
    writeFileSync(join(folder, 'package.json'), '{"type":"module"}');
    const options = [
      '--ignoreConfig',
      '--strict',
      '--target',
      'es2022',
      '--module',
      'nodenext',
      '--skipLibCheck',
      '--types',
      'node',
    ];
    const compile = (file: string) =>
      run(join(folder, 'node_modules/.bin/tsc'), [...options, '--outDir', join(folder, 'out'), join(folder, file)]);
    expect(await compile('client.ts')).toMatchObject({ code: 0, stdout: '' });
    const refused = await compile('wrong.ts');
    expect(refused.stdout).toMatch(/wrong\.ts\(\d+,\d+\): error TS2322/);
    expect(refused.stdout.match(/error TS/g)).toHaveLength(1);
    const done = await run(process.execPath, [join(folder, 'out/client.js'), api().daemon.url]);
    expect(done).toMatchObject({ code: 0, stderr: '' });
    expect(JSON.parse(done.stdout)).toEqual({
      rows: [{ a: 1 }],
      isSame: true,
      code: 'PRECONDITION_FAILED',
      isDated: true,
      value: 5,
      missing: null,
      keys: ['a/b c', 'c'],
      status: 'ok',
      hasRemoved: true,
    });
  } finally {
    rmSync(folder, { recursive: true });
  }
});
