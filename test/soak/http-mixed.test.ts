// Long forms of what test/http promises: many connections and native clients on one file, and many random requests.
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { fuzzDoors } from '../helpers/doors-fuzz.ts';
import { useDaemon } from '../helpers/http.ts';
import { fuzzRoutes, fuzzTransactions } from '../helpers/http-fuzz.ts';
import { run } from '../helpers/process.ts';

const api = useDaemon(['--create-on-write']);
const seconds = 30;

test('64 connections increment one key for 30 s while two native clients insert: no error, exact counts', async () => {
  await api().call('GET', '/kv/n?db=mixed');
  await api().sql('mixed', { statement: 'CREATE TABLE native(who, n)' });
  const script = `import sqlite3,sys,time
c=sqlite3.connect(sys.argv[1],timeout=60,isolation_level=None)
end=time.monotonic()+${seconds}
n=0
while time.monotonic()<end:
    c.execute("INSERT INTO native VALUES (?,?)",(sys.argv[2],n)); n+=1
print(n)`;
  const path = join(api().daemon.root, 'mixed.db');
  const natives = ['one', 'two'].map((name) =>
    run('python3', ['-c', script, path, name], { timeoutMs: 4 * seconds * 1000 }),
  );
  const endMs = performance.now() + seconds * 1000;
  let increments = 0;
  const client = async (): Promise<void> => {
    while (performance.now() < endMs) {
      const { status, text } = await api().call('POST', '/kv/n/incr?db=mixed');
      if (status !== 200) throw new Error(text);
      increments += 1;
    }
  };
  await Promise.all(Array.from({ length: 64 }, client));
  let inserts = 0;
  for (const { code, stdout, stderr } of await Promise.all(natives)) {
    expect([code, stderr]).toEqual([0, '']);
    inserts += Number(stdout);
  }
  expect(Number((await api().call('GET', '/kv/n?db=mixed')).text)).toBe(increments);
  const { json } = await api().sql(
    'mixed',
    { query: 'SELECT count(*) AS n FROM native' },
    { query: 'PRAGMA quick_check' },
  );
  expect(json.results.map((item: { resultSet: object[] }) => item.resultSet[0])).toEqual([
    { n: inserts },
    { quick_check: 'ok' },
  ]);
});

test('10,000 random requests leave the server answering and the database intact', async () => {
  await fuzzTransactions(api(), 5_000);
  await fuzzRoutes(api(), 5_000);
  await fuzzDoors(api(), 20_000);
  const { json } = await api().sql('fuzz', { query: 'PRAGMA integrity_check' });
  expect(json.results[0].resultSet).toEqual([{ integrity_check: 'ok' }]);
});
