// KV clients and a feed consumer under a daemon whose processes are killed at random moments. What was acknowledged
// must be in the value, in the history and in the feed.
import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from 'vitest';
import type { Daemon } from '../helpers/daemon.ts';
import { eventually } from '../helpers/eventually.ts';
import { request, untilServed } from '../helpers/http.ts';

export type Victim = 'executor' | 'server' | 'fs';

const clients = 4;

export async function runCrashes(daemon: Daemon, victims: readonly Victim[], kills: number): Promise<void> {
  const call = (method: string, path: string, body?: string) =>
    untilServed(() => request(`${daemon.url}/api/v1/sqlite${path}`, method, body === undefined ? {} : { body }));
  await call('PUT', '/kv/start?db=crash&create_db_if_missing=true', '0');
  const start = (await call('GET', '/changes?db=crash')).json.cursor as string;
  const acknowledged = new Map<string, number>();
  let isDone = false;
  let writes = 0;

  const write = async (key: string) => {
    for (let n = 1; !isDone; n += 1) {
      expect((await call('PUT', `/kv/${key}?db=crash`, String(n))).status).toBe(200);
      acknowledged.set(key, n);
      writes += 1;
    }
  };
  const seen: { key: string; seq: number }[] = [];
  let cursor = start;
  const consume = async () => {
    const page = await call('GET', `/changes?db=crash&wait=1&limit=500&since=${cursor}`);
    expect(page.status).toBe(200);
    seen.push(...page.json.events);
    cursor = page.json.cursor;
    return page.json.events.length as number;
  };
  const consumeAll = async () => {
    while (!isDone) await consume();
    while ((await consume()) > 0);
  };
  const kill = async () => {
    for (let n = 0; n < kills; n += 1) {
      await sleep(100 + Math.random() * 400);
      // Every other kill may hit what has not recovered yet; were it every one, a slow machine would never answer
      // anybody.
      const before = writes;
      if (n % 2 === 0) await eventually(() => expect(writes).toBeGreaterThan(before), { timeoutMs: 120_000 });
      await killOne(daemon, victims);
    }
    isDone = true;
  };
  const keys = Array.from({ length: clients }, (_, n) => `client${n}`);
  await Promise.all([kill(), consumeAll(), ...keys.map(write)]);

  for (const key of keys) {
    const last = acknowledged.get(key) ?? 0;
    expect(Number((await call('GET', `/kv/${key}?db=crash`)).text)).toBe(last);
    const { operations } = (await call('GET', `/kv/${key}/history?db=crash&limit=1000`)).json;
    const written = operations
      .map((one: { operation: { new_value: unknown } }) => Number(one.operation.new_value))
      .reverse();
    // A write whose answer was lost is sent again: a value may be there twice, and only in a row.
    const once = written.filter((value: number, index: number) => value !== written[index - 1]);
    const first = once[0] ?? 1;
    expect(once).toEqual(Array.from({ length: last - first + 1 }, (_, n) => n + first));
    const inFeed = seen.filter((event) => event.key === key).length;
    if (operations.length < 1000) expect(inFeed).toBe(operations.length);
  }
  const seqs = seen.map(({ seq }) => seq);
  expect(seqs).toEqual([...new Set(seqs)].sort((one, other) => one - other));
}

async function killOne(daemon: Daemon, victims: readonly Victim[]): Promise<void> {
  const victim = victims[Math.floor(Math.random() * victims.length)];
  try {
    const { processes } = await daemon.status();
    const pids = processes.filter(({ role }) => role === victim).map(({ pid }) => pid);
    const pid = pids[Math.floor(Math.random() * pids.length)];
    if (pid !== undefined) process.kill(pid, 'SIGKILL');
  } catch {
    // It ended meanwhile, or the daemon is just putting itself together again.
  }
}
