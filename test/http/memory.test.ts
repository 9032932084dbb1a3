// What heavy requests cost in memory: the peak of the HTTP server and its executors together.
// Runs alone: it measures memory.
import { readdirSync, readFileSync } from 'node:fs';
import http from 'node:http';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { pidOf, withDaemon } from '../helpers/daemon.ts';
import { eventually } from '../helpers/eventually.ts';
import { apiOf, useDaemon } from '../helpers/http.ts';
import { withClients } from '../helpers/sqlite-client.ts';

const api = useDaemon(['--create-on-write', '--no-mount']);
const mib = 2 ** 20;
const value = Buffer.alloc(15 * mib, 'v');

/** MiB of resident memory that the server process and its descendants have at most while `work` runs. */
async function peakOf(work: () => Promise<unknown>): Promise<number> {
  const server = await pidOf(api().daemon, 'server');
  let peak = 0;
  const timer = setInterval(() => {
    peak = Math.max(
      peak,
      [server, ...childrenOf(server)].reduce((sum, pid) => sum + residentMiB(pid), 0),
    );
  }, 5);
  try {
    await work();
    return Math.round(peak);
  } finally {
    clearInterval(timer);
  }
}

function childrenOf(pid: number): number[] {
  try {
    return readdirSync(`/proc/${pid}/task`).flatMap((task) =>
      readFileSync(`/proc/${pid}/task/${task}/children`, 'utf8').trim().split(' ').filter(Boolean).map(Number),
    );
  } catch {
    return [];
  }
}

function residentMiB(pid: number): number {
  try {
    return Number(/^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0) / 1024;
  } catch {
    return 0;
  }
}

// Bounds are about twice what was measured: 400, 700 and 1,100 MiB. Before anybody counted it was 2,550, 1,960 and
// 3,080.

test('40 GETs of a large value at once', async () => {
  expect((await api().call('PUT', '/kv/large?db=values', { body: value })).status).toBe(200);
  const peak = await peakOf(async () => {
    const answers = await Promise.all(Array.from({ length: 40 }, () => lengthOf('/kv/large?db=values')));
    expect(new Set(answers)).toEqual(new Set([`200 ${value.length}`]));
  });
  expect(peak).toBeLessThan(900);
});

test('30 large bodies at once, for an operation that reads them as JSON', async () => {
  await api().call('PUT', '/kv/list?db=values', { body: '[1]', headers: { 'content-type': 'application/json' } });
  const body = JSON.stringify({ value: 'x'.repeat(15 * mib) });
  // Who is refused while he sends may not get to read why.
  const remove = (): Promise<string> =>
    api()
      .call('POST', '/kv/list/remove?db=values', { body })
      .then(({ json }) => json.code)
      .catch(() => 'SERVICE_UNAVAILABLE');
  const peak = await peakOf(async () => {
    const answers = new Set(await Promise.all(Array.from({ length: 30 }, remove)));
    answers.delete('SERVICE_UNAVAILABLE');
    expect([...answers]).toEqual(['KEY_NOT_FOUND']);
  });
  expect(peak).toBeLessThan(1_400);
});

test('bodies that wait for a lock are counted, whatever the operation', async () => {
  await withClients(async (start) => {
    await api().call('PUT', '/kv/list?db=locked', { body: '[1]', headers: { 'content-type': 'application/json' } });
    const holder = start();
    await holder.open(join(api().daemon.root, 'locked.db'));
    expect((await holder.run('BEGIN IMMEDIATE')).error).toBe(null);
    const body = JSON.stringify({ value: 'x'.repeat(15 * mib) });
    const codes: string[] = [];
    const sent: Promise<unknown>[] = [];
    // 30 of them are more than three times what may wait. A refusal may come late: the queue holds other jobs as well,
    // so its length does not tell that the last body has got there.
    const most = 30;
    for (let n = 1; n <= most && codes.length === 0; n += 1) {
      const answer = api().call('POST', '/kv/list/remove?db=locked&timeout=60', { body });
      sent.push(answer.then(({ json }) => codes.push(json.code)).catch(() => codes.push('SERVICE_UNAVAILABLE')));
      await eventually(async () => expect(codes.length > 0 || (await queuedJobs()) >= n).toBe(true));
    }
    expect([codes[0], sent.length < most]).toEqual(['SERVICE_UNAVAILABLE', true]);
    await holder.run('ROLLBACK');
    await Promise.all(sent);
  });
});

test('a query that needs more memory than an executor may have is refused, and the next one is answered', async () => {
  await api().sql('other', { query: 'SELECT 1' });
  const blob = 'SELECT zeroblob(500000000) AS b';
  const peak = await peakOf(async () => {
    const answers = await Promise.all([
      api().call('GET', `/query?db=other&sql=${encodeURIComponent(blob)}`),
      api().sql('other', { query: blob }),
      api().sql('other', { query: `SELECT length(max(${Array(3).fill('hex(zeroblob(250000000))')}))` }),
    ]);
    expect(answers.map(({ status, json }) => [status, json.code])).toEqual(Array(3).fill([413, 'RESPONSE_TOO_LARGE']));
  });
  expect(peak).toBeLessThan(3_600);
  expect((await api().sql('other', { query: 'SELECT 1 AS one' })).json.results[0].resultSet).toEqual([{ one: 1 }]);
});

test('a value that is too large for an executor costs only its own readers an answer', async () => {
  await withDaemon(['--create-on-write', '--no-mount', '--executor-memory', '256MiB'], async (daemon) => {
    const { call } = apiOf(daemon);
    for (const key of ['small', 'huge']) await call('PUT', `/kv/${key}?db=natively`, { body: '1' });
    await withClients(async (start) => {
      const native = start();
      await native.open(join(daemon.root, 'natively.db'));
      const grow = "UPDATE kv_store SET value = zeroblob(120000000) WHERE key = 'huge'";
      expect((await native.run(grow)).error).toBe(null);
    });
    const keys = ['small', 'small', 'huge', 'small', 'small'];
    const answers = await Promise.all(keys.map((key) => call('GET', `/kv/${key}?db=natively`)));
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 413, 200, 200]);
  });
});

test('clients that do not read their answers are cut off, and others are answered', async () => {
  await api().call('PUT', '/kv/small?db=others', { body: '1' });
  await api().call('PUT', '/kv/large?db=others', { body: value });
  const answers: http.IncomingMessage[] = [];
  const lazy = Array.from({ length: 30 }, () => {
    const request = http.get(`${api().daemon.url}/api/v1/sqlite/kv/large?db=values&timeout=100`, { agent: false });
    request.on('response', (answer) => {
      answer.on('error', () => {});
      answer.pause();
      answers.push(answer);
    });
    request.on('error', () => {});
    return request;
  });
  try {
    // More than there is room for: some of them were cut off by then.
    await eventually(() => expect(answers.length).toBeGreaterThan(15), { timeoutMs: 60_000 });
    expect((await api().call('GET', '/kv/small?db=others&timeout=20')).status).toBe(200);
    expect(await lengthOf('/kv/large?db=others&timeout=20')).toBe(`200 ${value.length}`);
    const first = answers[0];
    first?.resume();
    await eventually(() => expect([first?.destroyed, first?.complete]).toEqual([true, false]));
  } finally {
    for (const request of lazy) request.destroy();
  }
});

async function queuedJobs(): Promise<number> {
  const { text } = await api().call('GET', '//metrics');
  return Number(/^hoody_sqlite_queued_jobs (\S+)$/m.exec(text)?.[1]);
}

/** Status and length of an answer that is thrown away as it comes. */
function lengthOf(path: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const request = http.get(`${api().daemon.url}/api/v1/sqlite${path}`, { agent: false }, (answer) => {
      let length = 0;
      answer.on('data', (chunk: Buffer) => {
        length += chunk.length;
      });
      answer.once('end', () => resolve(`${answer.statusCode} ${length}`));
    });
    request.once('error', reject);
  });
}
