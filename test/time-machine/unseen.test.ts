// Commits that the mount has not seen, between two logs that the archive process finds only afterwards: it is stopped
// meanwhile. None of them touches page 1, and the states around them must still be ones that were.
import { spawnSync } from 'node:child_process';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { Moment } from '../../fs/archive/messages.ts';
import { type Daemon, withDaemon } from '../helpers/daemon.ts';
import { eventually } from '../helpers/eventually.ts';
import { Archived } from './archived.ts';
import { whileArchiveStops } from './stopped.ts';

/** A whole session of a program: opens, commits, closes. */
function sql(path: string, statements: string): string {
  const { stdout, stderr } = spawnSync('sqlite3', [path, statements], { encoding: 'utf8' });
  expect(stderr).toBe('');
  return stdout.trim();
}

const kinds = {
  'locking_mode=EXCLUSIVE': ({ mount }: Daemon) => join(mount, 'app.db'),
  'a program behind the mount': ({ data }: Daemon) => join(data, 'app.db'),
  'nothing unseen': undefined,
} as const;

test.each(Object.entries(kinds))('%s between two recorded logs', (_, unseenPath) =>
  withDaemon(['--archive', 'wal'], async (daemon) => {
    const path = join(daemon.mount, 'app.db');
    // Two pages: a state that mixes old and new ones shows in the pair of values.
    sql(path, 'pragma journal_mode=wal; create table a (v); create table b (v); insert into a values (1)');
    sql(path, 'insert into b values (1)');
    const archived = await Archived.of(daemon);
    try {
      const before = await eventually(async () => {
        await archived.ask({ op: 'settle', database: 'app.db' });
        return archived.ask<Moment>({ op: 'resolve', database: 'app.db', at: { head: true } });
      });
      await whileArchiveStops(daemon, () => {
        sql(path, 'update a set v = 2');
        if (unseenPath) sql(unseenPath(daemon), 'pragma locking_mode=exclusive; update b set v = 3');
        sql(path, 'update a set v = 4');
      });
      const states: string[] = [];
      const entries = (await archived.history('app.db')).filter(({ bookmark }) => bookmark > before.bookmark);
      for (const { bookmark } of entries) {
        const file = await archived.stateAt('app.db', bookmark);
        states.push(sql(`file:${file}?immutable=1`, 'select a.v, b.v from a, b'));
        rmSync(file);
      }
      if (unseenPath) {
        expect(states).toEqual(['2|1', '4|3']);
        expect(entries.map(({ kind }) => kind)).toEqual(['commit', 'resync']);
      } else {
        expect(states).toEqual(['2|1', '4|1']);
        expect(entries.map(({ kind }) => kind)).toEqual(['commit', 'commit']);
        expect(entries.map(({ writer }) => writer?.command.startsWith('sqlite3'))).toEqual([true, true]);
      }
    } finally {
      archived.close();
    }
  }),
);
