// The durable copy of a database in RAM gets another name: whatever happens meanwhile, it stays one whole state.
import { existsSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { type Daemon, type DaemonPaths, pidOf, withPaths } from '../helpers/daemon.ts';
import { eventually } from '../helpers/eventually.ts';
import { run, start } from '../helpers/process.ts';
import { traced } from '../helpers/strace.ts';
import { query } from '../survival/load.ts';
import { stoppedAt } from './crash-steps.ts';
import { forgetMemory, killAll, withRamDaemon } from './rounds.ts';

const rows = 64;
const changedRows = '5, 25, 45';

/** One row for each page or so. */
async function makeDatabase(daemon: Daemon, name: string, who: string): Promise<void> {
  query(
    join(daemon.root, name),
    `pragma journal_mode=wal; create table t (n integer primary key, who text, filling text);
     with recursive c(n) as (select 1 union all select n + 1 from c where n < ${rows})
       insert into t select n, '${who}', hex(zeroblob(1500)) from c`,
  );
  expect((await daemon.command('tier', 'flush')).stderr).toBe('');
}

function statesOf(path: string): string {
  expect(query(path, 'pragma integrity_check')).toBe('ok');
  return query(path, `select who, count(*) from t group by who order by who`);
}

const whole = (who: string) => `${who}|${rows}`;

/** Has a batch under way, which stands still between the first and the second of its pages in the durable copy. */
async function inBatch(daemon: Daemon, act: () => Promise<void>): Promise<void> {
  const copy = join(daemon.data, 'a.db');
  const slow = ['-P', copy, '-e', 'trace=pwrite64', '-e', 'inject=pwrite64:delay_enter=2000000:when=2'];
  await traced(await pidOf(daemon, 'tier'), slow, async (copier) => {
    query(join(daemon.root, 'a.db'), `update t set who = 'new' where n in (${changedRows})`);
    await eventually(() => expect(copier.calls().match(/pwrite64\(/g)).toHaveLength(2));
    expect(statSync(`${copy}-wal`).size).toBeGreaterThan(0);
    await act();
  });
}

function rebooted(paths: DaemonPaths): void {
  forgetMemory(paths);
  rmSync(join(paths.folder, 'ramdisk'), { recursive: true, force: true });
}

test.each([
  ['a free name', false],
  ['the name of another database in RAM', true],
])('power is lost while a batch is written and the database gets %s', async (_, isTaken) => {
  await withPaths(async (paths) => {
    await withRamDaemon(paths, async (daemon) => {
      await makeDatabase(daemon, 'a.db', 'old');
      if (isTaken) await makeDatabase(daemon, 'b.db', 'other');
      await traced(await pidOf(daemon, 'fs'), ['-e', 'trace=flock'], async (fs) => {
        await inBatch(daemon, async () => {
          const rename = start('mv', [join(daemon.root, 'a.db'), join(daemon.root, 'b.db')]);
          const isRenamed = () => !existsSync(join(daemon.data, 'a.db'));
          await eventually(() => expect(isRenamed() || fs.calls().includes('EAGAIN')).toBe(true));
          await killAll(paths);
          await rename.exited;
        });
      });
    });
    rebooted(paths);
    const [a, b] = ['a.db', 'b.db'].map((name) => join(paths.data, name)) as [string, string];
    expect(existsSync(a)).toBe(true);
    expect(existsSync(b)).toBe(isTaken);
    if (isTaken) expect(statesOf(b)).toBe(whole('other'));
    expect(statesOf(a)).toBe('new|3\nold|61');
  });
});

test('a rename during a batch comes after it', async () => {
  await withPaths(async (paths) => {
    await withRamDaemon(paths, async (daemon) => {
      await makeDatabase(daemon, 'a.db', 'old');
      await makeDatabase(daemon, 'b.db', 'other');
      await inBatch(daemon, async () => {
        const { code } = await run('mv', [join(daemon.root, 'a.db'), join(daemon.root, 'b.db')]);
        expect(code).toBe(0);
      });
      expect(statesOf(join(daemon.root, 'b.db'))).toBe('new|3\nold|61');
      expect((await daemon.command('tier', 'flush')).stderr).toBe('');
    });
    expect(existsSync(join(paths.data, 'a.db'))).toBe(false);
    expect(statesOf(join(paths.data, 'b.db'))).toBe('new|3\nold|61');
  });
});

test('the log of a batch keeps its name when the last program closes the database meanwhile', async () => {
  await withPaths(async (paths) => {
    await withRamDaemon(paths, async (daemon) => {
      await makeDatabase(daemon, 'a.db', 'old');
      const copier = await pidOf(daemon, 'tier');
      const shell = start('sqlite3', [join(daemon.root, 'a.db')]);
      const write = async () => {
        shell.process.stdin?.write(`update t set who = 'new' where n in (${changedRows});\n`);
        await shell.exited;
      };
      const wasStopped = await stoppedAt(copier, 'fchown', 1, write, async () => {
        shell.process.stdin?.end();
        await shell.exited;
        expect(existsSync(join(daemon.root, 'a.db-wal'))).toBe(false);
        expect(existsSync(join(daemon.data, 'a.db-wal'))).toBe(true);
        process.kill(copier, 'SIGCONT');
      });
      expect(wasStopped).toBe(true);
      expect((await daemon.command('tier', 'flush')).stderr).toBe('');
      expect(statesOf(join(daemon.data, 'a.db'))).toBe('new|3\nold|61');
    });
  });
});

test('power is lost behind each step of a rename: one of the two states is there', async () => {
  for (let step = 1, isOver = false; !isOver; step++) {
    await withPaths(async (paths) => {
      await withRamDaemon(paths, async (daemon) => {
        await makeDatabase(daemon, 'a.db', 'old');
        await makeDatabase(daemon, 'b.db', 'other');
        const rename = () => run('mv', [join(daemon.root, 'a.db'), join(daemon.root, 'b.db')]);
        const wasStopped = await stoppedAt(await pidOf(daemon, 'fs'), 'renameat,renameat2,unlinkat', step, rename, () =>
          killAll(paths),
        );
        isOver = !wasStopped;
        if (isOver) await killAll(paths);
      });
      rebooted(paths);
      const [a, b] = ['a.db', 'b.db'].map((name) => join(paths.data, name)) as [string, string];
      const isRenamed = !existsSync(a);
      if (!isRenamed) expect(statesOf(a), `step ${step}`).toBe(whole('old'));
      expect(statesOf(b), `step ${step}`).toBe(whole(isRenamed ? 'old' : 'other'));
      expect(isOver && !isRenamed).toBe(false);
    });
  }
});
