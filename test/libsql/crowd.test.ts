// Many clients in transactions on one database, a third of which die in the middle, beside native programs: nobody is
// refused, nothing is lost, no lock is left.
import { join } from 'node:path';
import { createClient } from '@libsql/client';
import { expect, test } from 'vitest';
import { eventually } from '../helpers/eventually.ts';
import { useDaemon } from '../helpers/http.ts';
import { type SqliteClient, withClients } from '../helpers/sqlite-client.ts';

const api = useDaemon(['--create-on-write']);
const isSoak = process.env.HOODY_SQLITE_SOAK !== undefined;
const clients = isSoak ? 32 : 6;
const rounds = isSoak ? 3 : 1;
const natives = 2;
const nativeWrites = isSoak ? 50 : 10;

/** Reads and writes a counter; every third client is heard of no more before it commits. */
async function count(url: string, at: number): Promise<number> {
  const client = createClient({ url });
  try {
    for (let round = 0; round < rounds; round += 1) {
      const transaction = await client.transaction('write');
      const n = Number((await transaction.execute('SELECT n FROM c')).rows[0]?.n);
      await transaction.execute({ sql: 'UPDATE c SET n = ?', args: [n + 1] });
      if (at % 3 === 0) return 0;
      await transaction.commit();
    }
    return rounds;
  } finally {
    if (at % 3 !== 0) client.close();
  }
}

async function countNatively(client: SqliteClient, path: string): Promise<number> {
  await client.open(path);
  for (let at = 0; at < nativeWrites; at += 1) {
    const done = await client.run(['BEGIN IMMEDIATE', 'UPDATE c SET n = n + 1', 'COMMIT']);
    expect(done.error).toBe(null);
  }
  return nativeWrites;
}

test('counters are exact, programs are never told that the database is locked, and no lock is left', async () => {
  const path = join(api().daemon.root, 'crowd.db');
  const made = await api().sql('crowd', { sql: 'CREATE TABLE c (n)' }, { sql: 'INSERT INTO c VALUES (0)' });
  expect(made.status).toBe(200);
  const url = `${api().daemon.url}/libsql/crowd/`;
  await withClients(async (start) => {
    const counted = await Promise.all([
      ...Array.from({ length: natives }, () => countNatively(start(), path)),
      ...Array.from({ length: clients }, (_, at) => count(url, at)),
    ]);
    const n = counted.reduce((sum, one) => sum + one, 0);
    await eventually(
      async () => {
        const { databases } = (await api().call('GET', '/locks')).json;
        const crowd = databases.find(({ db }: { db: string }) => db === 'crowd.db');
        expect(crowd?.holders.filter(({ mode }: { mode: string }) => mode === 'exclusive') ?? []).toEqual([]);
      },
      { timeoutMs: 60_000 },
    );
    const answer = await api().sql('crowd', { query: 'SELECT n FROM c' });
    expect(answer.json.results[0].resultSet).toEqual([{ n }]);
  });
});
