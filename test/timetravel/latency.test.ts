// How soon a consumer of the change stream hears of a write, while other clients keep the same database busy.
// Runs alone: it measures how soon changes are told.
import { once } from 'node:events';
import http from 'node:http';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { withDaemon } from '../helpers/daemon.ts';
import { apiOf } from '../helpers/http.ts';
import { run } from '../helpers/process.ts';

/** Prints the wall clock, in milliseconds, of 15 native commits a tenth of a second apart. */
const nativeWriter = `
import sqlite3, sys, time
connection = sqlite3.connect(sys.argv[1], timeout=60, isolation_level=None)
for n in range(15):
    connection.execute("REPLACE INTO kv_store (key, value) VALUES ('native', ?)", (str(n),))
    print(int(time.time() * 1000), flush=True)
    time.sleep(0.1)
`;

test('a native write reaches the stream soon after its commit, under load', async () => {
  await withDaemon(['--create-on-write'], async (daemon) => {
    const { call } = apiOf(daemon);
    await call('PUT', '/kv/load?db=app', { body: '0' });
    expect(daemon.mounted).toBe(true);
    const heardMs: number[] = [];
    // Not fetch: after an abort it opens a connection in advance, which a daemon that stops then waits for.
    const url = `${daemon.url}/api/v1/sqlite/changes/stream?db=app&prefix=native`;
    const listening = http.get(url, { agent: false }, (stream) => {
      stream.on('error', () => {});
      stream.on('data', (chunk: Buffer) => {
        const events = chunk.toString().match(/event: change/g)?.length ?? 0;
        for (let n = 0; n < events; n += 1) heardMs.push(Date.now());
      });
    });
    listening.on('error', () => {});
    await once(listening, 'response');
    let isDone = false;
    const load = Array.from({ length: 8 }, async () => {
      while (!isDone) await call('POST', '/kv/load/incr?db=app');
    });
    const { stdout, code } = await run('python3', ['-c', nativeWriter, join(daemon.root, 'app.db')]);
    expect(code).toBe(0);
    const committedMs = stdout.trim().split('\n').map(Number);
    for (const endMs = Date.now() + 10_000; heardMs.length < 15 && Date.now() < endMs; )
      await call('POST', '/kv/load/incr?db=app');
    isDone = true;
    await Promise.all(load);
    listening.destroy();
    expect(heardMs).toHaveLength(15);
    const delays = committedMs.map((ms, n) => (heardMs[n] ?? 0) - ms).sort((one, other) => one - other);
    process.stdout.write(`native commit to stream under load: median ${delays[7]} ms, worst ${delays[14]} ms\n`);
    expect(delays[7]).toBeLessThan(1000);
  });
});
