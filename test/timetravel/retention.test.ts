// The background work of a running daemon: what an option says, and what was used before a restart.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { withDaemon, withPaths } from '../helpers/daemon.ts';
import { eventually } from '../helpers/eventually.ts';
import { apiOf } from '../helpers/http.ts';
import { run } from '../helpers/process.ts';

test('a server started with --history-max-ops 5 keeps five', async () => {
  await withDaemon(['--history-max-ops', '5', '--create-on-write'], async (daemon) => {
    const { call } = apiOf(daemon);
    for (let n = 0; n < 12; n += 1) await call('PUT', '/kv/a?db=app', { body: String(n) });
    await eventually(async () => expect((await call('GET', '/kv/a/history?db=app')).json.count).toBe(5));
    expect((await call('GET', '/kv/a?db=app')).text).toBe('11');
    const pruned = await call('GET', '/kv/a/snapshot?db=app&op_number=2');
    expect(pruned).toMatchObject({ status: 409, json: { code: 'TIME_TRAVEL_CHAIN_GAP' } });
  });
});

test('what was used over HTTP before a restart is expired after it, without being used', async () => {
  await withPaths(async (paths) => {
    const keysIn = async (root: string) =>
      (await run('sqlite3', [join(root, 'app.db'), 'SELECT count(*) FROM kv_store'])).stdout;
    const startWith = (ttlSeconds: number) =>
      withDaemon(
        ['--create-on-write'],
        async (daemon) => {
          const { call } = apiOf(daemon);
          await call('PUT', `/kv/short?db=app&ttl=${ttlSeconds}`, { body: 'x' });
          // The list is written after the first look at the database.
          const list = join(paths.stateDir, `kv-databases${daemon.root.replaceAll('/', '-')}.json`);
          await eventually(() => expect(readFileSync(list, 'utf8')).toContain('app.db'));
        },
        { paths },
      );
    // The key must outlive the first daemon, however slow the machine is.
    for (let ttlSeconds = 3; ; ttlSeconds *= 2) {
      await startWith(ttlSeconds);
      if ((await keysIn(paths.data)) === '1\n') break;
    }
    await withDaemon(
      [],
      ({ root }) =>
        eventually(async () => expect(await keysIn(root)).toBe('0\n'), { timeoutMs: 60_000, intervalMs: 500 }),
      { paths },
    );
  });
});
