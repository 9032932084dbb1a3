// Eight programs work on a database that is rewound ten times under their hands, over HTTP: Debian's SQLite and
// better-sqlite3. None gets an error but the one that is documented, and nothing that one commits afterwards is lost.
// The short form, with three programs, is in test/time-machine/daemon.test.ts.
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import Database from 'better-sqlite3';
import { expect, test } from 'vitest';
import { withDaemon } from '../helpers/daemon.ts';
import { eventually } from '../helpers/eventually.ts';
import { apiOf } from '../helpers/http.ts';
import { RewoundDatabase, startWriter } from '../time-machine/rewound-database.ts';

const rewinds = 10;
const kinds = [
  'python',
  'python',
  'python',
  'python',
  'python',
  'deferred',
  'better-sqlite3',
  'better-sqlite3',
] as const;
const patience = { timeoutMs: 60_000 };

test(
  'ten rewinds under the hands of eight programs',
  () =>
    withDaemon([], async (daemon) => {
      const api = apiOf(daemon);
      const database = new RewoundDatabase(daemon.root, 4096);
      const programs = kinds.map((kind, at) => startWriter[kind](database.path, `${kind} ${at}`));
      const same = encodeURIComponent('SELECT (SELECT count(*) FROM row) = (SELECT rows FROM total) AS same');
      let committed = 0;
      try {
        for (let round = 0; round < rewinds; round++) {
          // A deferred transaction seldom comes through among seven others: it is waited for once.
          const before = programs.map(({ lines }) => lines.length);
          const isWaitedFor = (at: number) => round === 0 || kinds[at] !== 'deferred';
          await eventually(() => {
            for (const [at, { lines, errors }] of programs.entries()) {
              if (isWaitedFor(at)) expect(lines.length, errors).toBeGreaterThan((before[at] ?? 0) + 2);
            }
          }, patience);
          const { commits, oldest } = (await api.call('GET', '/db/history?db=app&limit=200')).json;
          const kept = commits.filter(({ bookmark }: { bookmark: string }) => bookmark >= oldest.bookmark);
          const at = kept[Math.floor(kept.length * Math.random())].bookmark;
          const done = await api.call('POST', `/db/rewind?db=app&at=${at}&confirm=yes`);
          expect(done.status, done.text + daemon.stderr()).toBe(200);
          expect((await api.call('GET', `/query?db=app&sql=${same}`)).json.resultSet).toEqual([{ same: 1 }]);
          const look = new Database(join(daemon.root, 'app.db'), { timeout: 60_000 });
          expect(look.pragma('integrity_check', { simple: true })).toBe('ok');
          look.close();
        }
        await sleep(200);
      } finally {
        await Promise.all(programs.map((program) => program.end()));
      }
      expect(programs.map(({ errors }) => errors)).toEqual(kinds.map(() => ''));
      const end = new Database(database.path);
      expect(end.pragma('integrity_check', { simple: true })).toBe('ok');
      const last = end.prepare('SELECT max(number) FROM row WHERE writer = ?').pluck();
      for (const [at, { lines }] of programs.entries()) {
        committed += lines.length;
        // What a program has committed since the last rewind is there: the numbers go on.
        if (kinds[at] !== 'deferred') expect(last.get(`${kinds[at]} ${at}`)).toBe(Number(lines.at(-1)));
      }
      end.close();
      database.close();
      expect(committed).toBeGreaterThan(rewinds * kinds.length);
    }),
  600_000,
);
