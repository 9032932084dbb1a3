// The whole of it: a daemon that archives, programs that write on its mount, and the past over HTTP and by commands.
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import Database from 'better-sqlite3';
import { describe, expect, test } from 'vitest';
import { type Daemon, withDaemon } from '../helpers/daemon.ts';
import { eventually } from '../helpers/eventually.ts';
import { type Answer, apiOf } from '../helpers/http.ts';
import { startWriter } from './rewound-database.ts';

const schema = `PRAGMA journal_mode=WAL;
  CREATE TABLE row(writer TEXT, number INTEGER, data BLOB, PRIMARY KEY(writer, number));
  CREATE TABLE total(rows INTEGER); INSERT INTO total VALUES (0)`;

function make(daemon: Daemon, name = 'app.db'): string {
  const path = join(daemon.root, name);
  const database = new Database(path);
  database.exec(schema);
  database.close();
  return path;
}

describe.each([['on a mount', ['--archive', 'wal']]])('%s', (_, flags) => {
  test('what a program has done is seen with its name, looked at, undone, and undone again', async () => {
    await withDaemon(flags, async (daemon) => {
      const api = apiOf(daemon);
      const path = make(daemon);
      const get = async (url: string): Promise<Answer> => {
        const answer = await api.call('GET', url);
        expect(answer.status, answer.text).toBe(200);
        return answer;
      };
      const post = async (url: string, status = 200): Promise<Answer> => {
        const answer = await api.call('POST', url);
        expect(answer.status, answer.text + daemon.stderr()).toBe(status);
        return answer;
      };
      const rows = async (at = '') =>
        (await get(`/query?db=app&sql=SELECT+count(*)+AS+n+FROM+row${at && `&at=${at}`}`)).json.resultSet[0].n;
      const writer = startWriter.python(path, 'job');
      await eventually(() => expect(writer.lines.length).toBeGreaterThan(20));
      await writer.end();
      const written = writer.lines.length;
      const archived = () =>
        eventually(async () => expect(await rows('now')).toBe(await rows()), { timeoutMs: 30_000 });
      await archived();
      const { commits } = (await get('/db/history?db=app&limit=1000&tables=true')).json;
      const good = commits[0].bookmark;
      if (daemon.mounted) {
        const own = commits.filter(
          (commit: { writer: { pid: number } | null }) => commit.writer?.pid === writer.child.pid,
        );
        expect(own.length).toBeGreaterThan(written / 2);
        expect(own[0].tables).toEqual(expect.arrayContaining(['row', 'total']));
      }
      await sleep(5);
      const time = new Date().toISOString();
      await sleep(5);
      const mistake = await api.sql(
        'app',
        { statement: 'DELETE FROM row WHERE number % 2 = 0' },
        { statement: 'DROP TABLE total' },
      );
      expect(mistake.status).toBe(200);
      await archived();
      expect(await rows(time)).toBe(written);
      expect(await rows(good)).toBe(written);

      const preview = (await post(`/db/rewind?db=app&at=${good}`)).json;
      expect(preview.tables).toEqual([
        expect.objectContaining({
          table: 'row',
          rows_added: Math.ceil(written / 2),
          rows_removed: 0,
          is_complete: true,
        }),
        expect.objectContaining({ table: 'total', change: 'created' }),
      ]);
      const open = new Database(path, { timeout: 10_000 });
      const count = open.prepare('SELECT count(*) FROM row').pluck();
      expect(count.get()).toBe(Math.floor(written / 2));
      const done = (await post(`/db/rewind?db=app&at=${time}&confirm=yes`)).json;
      expect(done).toMatchObject({ changed: true, to: { bookmark: good } });
      expect(done.bookmark > done.previous_bookmark).toBe(true);
      expect(count.get()).toBe(written);
      expect(open.pragma('integrity_check', { simple: true })).toBe('ok');
      open.exec("INSERT INTO row VALUES ('later', 1, NULL)");
      await archived();
      const history = (await get('/db/history?db=app')).json.commits;
      const marked = history.filter((commit: { rewound_to?: string }) => commit.rewound_to === good);
      expect(marked.map((commit: { bookmark: string }) => commit.bookmark)).toEqual([done.bookmark]);

      await post('/db/undo?db=app&confirm=yes');
      expect(count.get()).toBe(Math.floor(written / 2));
      await post('/db/undo?db=app&confirm=yes');
      expect(count.get()).toBe(written + 1);
      await post(`/db/fork?db=app&to=copy&at=${good}`, 201);
      expect((await get('/query?db=copy&sql=SELECT+count(*)+AS+n+FROM+row')).json.resultSet[0].n).toBe(written);
      const diff = (await get(`/db/diff?db=app&from=${good}`)).json;
      expect(diff.tables).toMatchObject([{ table: 'row', rows_added: 1, rows_removed: 0, rows_changed: 0 }]);
      open.close();
      const command = await daemon.command('rewind', 'app', '--to', good, '--yes', '--json');
      expect(command.code, command.stderr).toBe(0);
      expect(await rows()).toBe(written);
    });
  });

  test('programs write through rewinds, and nothing that they commit afterwards is lost', async () => {
    await withDaemon(flags, async (daemon) => {
      const api = apiOf(daemon);
      const path = make(daemon);
      const made = async () => {
        const { json } = await api.call('GET', '/query?db=app&sql=SELECT+rows+FROM+total&at=now');
        expect(json.resultSet).toEqual([{ rows: 0 }]);
      };
      await eventually(made, { timeoutMs: 30_000 });
      // Each statement of the schema is a commit, and what is before them has no table to look at.
      const first = (await api.call('GET', '/db/history?db=app')).json.commits[0].bookmark;
      const programs = [
        startWriter.python(path, 'a'),
        startWriter['better-sqlite3'](path, 'b'),
        startWriter.python(path, 'c'),
      ];
      try {
        const write = () => expect(Math.min(...programs.map(({ lines }) => lines.length))).toBeGreaterThan(0);
        await eventually(write, { timeoutMs: 60_000 });
        for (let round = 0; round < 6; round += 1) {
          await sleep(200);
          const { commits } = (await api.call('GET', '/db/history?db=app&limit=100')).json;
          const kept = commits.filter(({ bookmark }: { bookmark: string }) => bookmark >= first);
          const at = kept[Math.floor(kept.length / 2)].bookmark;
          const done = await api.call('POST', `/db/rewind?db=app&at=${at}&confirm=yes`);
          expect(done.status, done.text + daemon.stderr()).toBe(200);
          const check = await api.call(
            'GET',
            '/query?db=app&sql=' +
              encodeURIComponent('SELECT (SELECT count(*) FROM row) = (SELECT rows FROM total) AS same'),
          );
          expect(check.json.resultSet, check.text + daemon.stderr()).toEqual([{ same: 1 }]);
        }
      } finally {
        await Promise.all(programs.map((program) => program.end()));
      }
      expect(programs.map(({ errors }) => errors)).toEqual(['', '', '']);
      const end = new Database(path);
      expect(end.pragma('integrity_check', { simple: true })).toBe('ok');
      for (const [at, name] of ['a', 'b', 'c'].entries()) {
        const last = end.prepare('SELECT max(number) FROM row WHERE writer = ?').pluck().get(name) as number;
        expect(last).toBe(Number(programs[at]?.lines.at(-1)));
      }
      end.close();
    });
  });
});
