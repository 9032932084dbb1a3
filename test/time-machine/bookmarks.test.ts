// Bookmarks on answers to writes: each one names exactly the state with its write and the one before, while other
// programs commit to the same database.
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { withDaemon } from '../helpers/daemon.ts';
import { eventually } from '../helpers/eventually.ts';
import { type Answer, apiOf } from '../helpers/http.ts';
import { start } from '../helpers/process.ts';
import { SqliteClient } from '../helpers/sqlite-client.ts';

const rounds = 12;

/** Commits one row after the other until its input ends. */
const writer = `
import sqlite3, sys, threading, time
db = sqlite3.connect(sys.argv[1], timeout=60, isolation_level=None)
ended = threading.Event()
threading.Thread(target=lambda: (sys.stdin.read(), ended.set()), daemon=True).start()
while not ended.is_set():
    db.execute("INSERT INTO step(who) VALUES ('native')")
    time.sleep(0.001)
db.close()
`;

test('the bookmarks of a write name the state with it and the state before it, whoever else commits', async () => {
  await withDaemon(['--archive', 'wal'], async (daemon) => {
    const api = apiOf(daemon);
    const query = async (at: string, sql: string): Promise<unknown> => {
      const answer = await api.call('GET', `/query?db=app&at=${at}&sql=${encodeURIComponent(sql)}`);
      expect(answer.status, `${at}: ${answer.text}`).toBe(200);
      return Object.values(answer.json.resultSet[0])[0];
    };
    const newest = (at: string) => query(at, 'SELECT max(id) FROM step');
    const insert = async (): Promise<Answer> => {
      const answer = await api.sql(
        'app',
        { statement: "INSERT INTO step(who) VALUES ('http')" },
        { query: 'SELECT max(id) AS id FROM step' },
      );
      expect(answer.status, answer.text).toBe(200);
      expect(answer.headers['x-hoody-bookmark']).toBe(answer.json.bookmark);
      expect(answer.headers['x-hoody-previous-bookmark']).toBe(answer.json.previous_bookmark);
      return answer;
    };
    await api.sql('app', { statement: 'CREATE TABLE step(id INTEGER PRIMARY KEY, who TEXT)' });
    // States before the first base of a history cannot be had.
    await eventually(async () => {
      const { json } = await api.call('GET', '/db/archive');
      expect(json.databases).toMatchObject([{ name: 'app.db', oldest: expect.any(String) }]);
    });

    const writers = [1, 2].map(() => start('python3', ['-c', writer, join(daemon.root, 'app.db')]));
    const written: { id: number; bookmark: string; previous: string }[] = [];
    const kept: { value: string; bookmark: string; previous: string }[] = [];
    try {
      for (let round = 0; round < rounds; round += 1) {
        const known = written.at(-1)?.id ?? 0;
        await eventually(async () => {
          const found = await api.call('GET', '/query?db=app&sql=SELECT+max(id)+AS+id+FROM+step');
          expect(found.json.resultSet[0].id).toBeGreaterThan(known);
        });
        const { json } = await insert();
        written.push({
          id: json.results[1].resultSet[0].id,
          bookmark: json.bookmark,
          previous: json.previous_bookmark,
        });
        const put = await api.call('PUT', '/kv/key?db=app', { body: `${round}` });
        expect(put.status, put.text).toBe(200);
        const { 'x-hoody-bookmark': bookmark, 'x-hoody-previous-bookmark': previous } = put.headers;
        kept.push({ value: `${round}`, bookmark: `${bookmark}`, previous: `${previous}` });
      }
    } finally {
      for (const { process } of writers) process.stdin?.end();
      await Promise.all(writers.map(({ finished }) => finished));
    }

    for (const { id, bookmark, previous } of written) {
      expect(await newest(bookmark), bookmark).toBe(id);
      expect(await newest(previous), previous).toBe(id - 1);
    }
    for (const { value, bookmark, previous } of kept) {
      const valueAt = (at: string) => query(at, "SELECT CAST(value AS TEXT) FROM kv_store WHERE key = 'key'");
      expect(await valueAt(bookmark), bookmark).toBe(value);
      if (value !== '0') expect(await valueAt(previous), previous).toBe(`${Number(value) - 1}`);
    }

    // Right after a checkpoint that empties the log there is no place before the write.
    const client = new SqliteClient();
    try {
      await client.open(join(daemon.root, 'app.db'), { timeout: 10 });
      // Upkeep of the server may write in between.
      const { json } = await eventually(async () => {
        expect((await client.run('PRAGMA wal_checkpoint(TRUNCATE)')).rows?.[0]?.[0]).toBe(0);
        const answer = await insert();
        expect(answer.json.previous_bookmark).toMatch(/\.before$/);
        return answer;
      });
      expect(await newest(json.previous_bookmark)).toBe(json.results[1].resultSet[0].id - 1);
      // The log is not empty now, and nothing is written: both are the state that is there.
      const same = await api.sql('app', { statement: 'DELETE FROM step WHERE id < 0' });
      expect(same.json.bookmark).toBe(same.json.previous_bookmark);
      expect(await newest(same.json.bookmark)).toBe(json.results[1].resultSet[0].id);

      const last = await insert();
      const { bookmark, previous_bookmark: previous } = last.json;
      const id = last.json.results[1].resultSet[0].id;
      const diff = await api.call('GET', `/db/diff?db=app&from=${previous}&to=${bookmark}`);
      expect(diff.json.tables).toMatchObject([{ table: 'step', rows_added: 1, rows_removed: 0, rows_changed: 0 }]);
      const before = await api.call('GET', `/db/history?db=app&limit=1&before=${bookmark}`);
      expect(before.json.commits[0].bookmark).toBe(diff.json.from.bookmark);
      expect(await daemon.command('fork', 'app', 'forked', '--to', previous)).toMatchObject({ code: 0 });
      expect(await daemon.command('rewind', 'app', '--to', previous, '--yes')).toMatchObject({ code: 0 });
      for (const db of ['forked', 'app']) {
        const found = await api.call('GET', `/query?db=${db}&sql=SELECT+max(id)+AS+id+FROM+step`);
        expect(found.json.resultSet, db).toEqual([{ id: id - 1 }]);
      }
    } finally {
      client.kill();
    }
  });
});
