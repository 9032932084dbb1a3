// Many writers of one KV table over a real mount: HTTP clients, native clients, and executors that are killed.

import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { untilServed, useDaemon } from '../helpers/http.ts';
import { start } from '../helpers/process.ts';

const api = useDaemon(['--create-on-write']);

const nativeIncrement = `
import sqlite3, sys
connection = sqlite3.connect(sys.argv[1], timeout=60, isolation_level=None)
for _ in range(int(sys.argv[2])):
    connection.execute("UPDATE kv_store SET value = CAST(CAST(value AS INTEGER) + 1 AS TEXT) WHERE key = 'n'")
`;

/** @returns whether one was there to be killed */
async function killAnExecutor(): Promise<boolean> {
  const { processes } = await api().daemon.status();
  const pids = processes.filter(({ role }) => role === 'executor').map(({ pid }) => pid);
  const pid = pids[Math.floor(Math.random() * pids.length)];
  try {
    return pid !== undefined && process.kill(pid, 'SIGKILL');
  } catch {
    return false; // it ended by itself meanwhile
  }
}

/** Work goes on until so many executors were killed under it. */
const mostKills = 6;

async function killExecutors(): Promise<void> {
  for (let kills = 0; kills < mostKills; ) {
    await sleep(20 + Math.random() * 60);
    if (await killAnExecutor()) kills += 1;
  }
}

test('HTTP and native clients increment one row: no error, the sum is exact, and the history has every step', async () => {
  const { call, daemon } = api();
  await call('PUT', '/kv/n?db=shared', { body: '0' });
  const natives = [150, 150].map((count) =>
    start('python3', ['-c', nativeIncrement, join(daemon.root, 'shared.db'), String(count)]),
  );
  const answers = await Promise.all(Array.from({ length: 700 }, () => call('POST', '/kv/n/incr?db=shared')));
  for (const { finished } of natives) expect(await finished).toMatchObject({ code: 0, stderr: '' });
  expect(answers.filter(({ status }) => status !== 200)).toEqual([]);
  expect((await call('GET', '/kv/n?db=shared')).text).toBe('1000');
  const { operations } = (await call('GET', '/kv/n/history?db=shared&limit=1000')).json;
  expect(operations.map((one: { operation: { new_value: unknown } }) => Number(one.operation.new_value))).toEqual(
    Array.from({ length: 1000 }, (_, n) => 1000 - n),
  );
  // Some of them may have been named by now: native:python3[4711]@host.
  expect(operations.filter(({ client }: { client: string }) => client.startsWith('native'))).toHaveLength(300);
});

describe('an executor is killed in the middle', () => {
  test('a batch is all or nothing, and what was answered is there, in the history and in the feed', async () => {
    const { call } = api();
    const keys = Array.from({ length: 30 }, (_, n) => `k${n}`);
    await call('PUT', '/kv/start?db=killed', { body: '1' });
    const { cursor } = (await call('GET', '/changes?db=killed')).json;
    let acknowledged = 0;
    let areKillsOver = false;
    let isDone = false;
    const batches = async () => {
      for (let round = 1; !areKillsOver || round <= 10; round += 1) {
        const batch = keys.map((key) => ({ key, value: round }));
        const answer = await untilServed(() => call('POST', '/kv/batch/set?db=killed', { body: { batch } }));
        expect(answer.status).toBe(200);
        acknowledged = round;
      }
      isDone = true;
    };
    const kills = async () => {
      await killExecutors();
      areKillsOver = true;
    };
    const looks = async () => {
      while (!isDone) {
        const least = acknowledged;
        const answer = await untilServed(() => call('POST', '/kv/batch/get?db=killed', { body: { keys } }));
        const values = new Set(keys.map((key) => answer.json.results[key]?.value ?? 0));
        expect(values.size).toBe(1);
        expect([...values][0]).toBeGreaterThanOrEqual(least);
      }
    };
    await Promise.all([batches(), kills(), looks()]);

    const history = (await call('GET', '/kv/k7/history?db=killed&limit=1000')).json.operations;
    const written = history.map((one: { operation: { new_value: number } }) => one.operation.new_value).reverse();
    // A batch whose answer was lost with its executor may have been committed and was then sent again.
    expect([...new Set(written)]).toEqual(Array.from({ length: acknowledged }, (_, n) => n + 1));
    expect([...written].sort((one, other) => one - other)).toEqual(written);

    const seen: string[] = [];
    for (let since = cursor, more = true; more; ) {
      const page = (await call('GET', `/changes?db=killed&limit=1000&since=${since}`)).json;
      seen.push(...page.events.map((event: { key: string }) => event.key));
      since = page.cursor;
      more = page.has_more;
    }
    expect(seen.filter((key) => key === 'k7')).toHaveLength(written.length);
  });

  test('an Idempotency-Key makes a repeated increment count once', async () => {
    const { call } = api();
    await call('PUT', '/kv/n?db=once', { body: '0' });
    let areKillsOver = false;
    let increments = 0;
    const clients = Array.from({ length: 8 }, async (_, client) => {
      for (let n = 0; n < 2 || !areKillsOver; n += 1) {
        const headers = { 'idempotency-key': `${client}-${n}` };
        const answer = await untilServed(() => call('POST', '/kv/n/incr?db=once', { headers }));
        expect(answer.status).toBe(200);
        increments += 1;
      }
    });
    await Promise.all([
      ...clients,
      killExecutors().finally(() => {
        areKillsOver = true;
      }),
    ]);
    expect((await call('GET', '/kv/n?db=once')).text).toBe(String(increments));
  });
});
