// A database with a rollback journal goes back in place, under the hands of a program that has it open.
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { expect, test } from 'vitest';
import { withDaemon } from '../helpers/daemon.ts';
import { eventually } from '../helpers/eventually.ts';
import { startedOn } from './captured.ts';

test('an UPDATE without WHERE is found, looked at from before, rewound, undone, and undone again', () =>
  withDaemon(['--archive', 'all'], async (daemon) => {
    const app = startedOn(daemon, 'app.db');
    app.sql("create table user (id integer primary key, name); insert into user values (1, 'Ann'), (2, 'Bob')");
    await app.hasBegun();
    const open = new Database(join(daemon.mount, 'app.db'), { timeout: 30_000 });
    try {
      const names = open.prepare('select group_concat(name) from (select name from user order by id)').pluck();
      app.sql("insert into user values (3, 'Eve')");
      const good = (await app.history()).at(-1)?.bookmark ?? '';
      app.sql("update user set name = 'oops'");
      expect(names.get()).toBe('oops,oops,oops');
      const mistake = (await app.history()).at(-1);
      expect(mistake?.writer?.command).toContain('sqlite3');

      const json = async (...args: string[]) => {
        const { code, stdout, stderr } = await daemon.command(args[0] ?? '', ...args.slice(1), '--json');
        expect([code, stderr]).toEqual([0, expect.anything()]);
        return stdout;
      };
      expect(await json('query', 'app', '--at', good, 'select name from user where id = 3')).toContain('Eve');
      expect(await json('diff', 'app', good, 'now')).toContain('user');
      await json('rewind', 'app', '--to', good, '--yes');
      expect(names.get()).toBe('Ann,Bob,Eve');
      await json('undo', 'app', '--yes');
      expect(names.get()).toBe('oops,oops,oops');
      await json('undo', 'app', '--yes');
      expect([names.get(), open.pragma('integrity_check', { simple: true })]).toEqual(['Ann,Bob,Eve', 'ok']);
      open.exec("insert into user values (4, 'Joe')");
      await json('fork', 'app', 'copy', '--at', good);
      expect(startedOn(daemon, 'copy.db').sql('select count(*) from user')).toBe('3');
      await eventually(() => app.expectNewest());
      const entries = await app.history();
      expect(entries.filter(({ kind }) => kind === 'resync')).toEqual([]);
      expect(entries.filter(({ rewoundTo }) => rewoundTo !== undefined)).toHaveLength(3);
    } finally {
      open.close();
    }
  }));
