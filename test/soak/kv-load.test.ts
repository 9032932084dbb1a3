// 64 connections increment one key for 30 s while two native clients insert into the same file: no error, exact counts.
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { withDaemon } from '../helpers/daemon.ts';
import { apiOf } from '../helpers/http.ts';
import { run } from '../helpers/process.ts';

const seconds = 30;

const nativeInserts = `
import sqlite3, sys, time
connection = sqlite3.connect(sys.argv[1], isolation_level=None)
count = 0
while time.time() < float(sys.argv[2]):
    connection.execute("INSERT INTO t VALUES (?)", (count,))
    count += 1
print(count)
`;

test('64 connections and two native writers on one database', { timeout: 300_000 }, async () => {
  await withDaemon(['--create-on-write'], async (daemon) => {
    const { call, sql } = apiOf(daemon);
    await sql('app', { statement: 'CREATE TABLE t (n)' });
    const endsAtMs = Date.now() + seconds * 1000;
    const natives = [1, 2].map(() =>
      run('python3', ['-c', nativeInserts, join(daemon.root, 'app.db'), String(endsAtMs / 1000)], {
        timeoutMs: 120_000,
      }),
    );
    let increments = 0;
    const failures: string[] = [];
    await Promise.all(
      Array.from({ length: 64 }, async () => {
        while (Date.now() < endsAtMs) {
          const answer = await call('POST', '/kv/n/incr?db=app');
          if (answer.status === 200) increments += 1;
          else failures.push(answer.text);
        }
      }),
    );
    let inserts = 0;
    for (const native of natives) {
      const { code, stdout, stderr } = await native;
      expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
      inserts += Number(stdout);
    }
    expect(failures).toEqual([]);
    expect((await call('GET', '/kv/n?db=app')).text).toBe(String(increments));
    const rows = await sql('app', { query: 'SELECT count(*) AS n FROM t' });
    expect(rows.json.results[0].resultSet).toEqual([{ n: inserts }]);
    process.stdout.write(`${increments} increments, ${inserts} native inserts in ${seconds} s\n`);
  });
});
