// A fork is the whole new database or nothing: whatever is killed at whatever moment, and on a disk that is full.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { type Daemon, type DaemonPaths, withDaemon, withPaths } from '../helpers/daemon.ts';
import { eventually } from '../helpers/eventually.ts';
import { request } from '../helpers/http.ts';
import { killEach } from '../helpers/process.ts';
import { killAll } from '../ramdisk/rounds.ts';
import { query } from '../survival/load.ts';

const patience = { timeoutMs: 60_000 };
const at = 'db=app&at=now';

/** So many rows of a page each, and their commit is in the archive. */
async function makeDatabase(daemon: Daemon, rows: number): Promise<void> {
  query(
    join(daemon.root, 'app.db'),
    `pragma journal_mode=wal; create table t (v); insert into t
     with recursive n(i) as (select 1 union all select i + 1 from n limit ${rows}) select randomblob(3500) from n`,
  );
  const state = async () => JSON.parse((await request(`${url(daemon)}/db/archive`, 'GET')).text).databases[0].state;
  await eventually(async () => expect(await state()).toBe('current'), patience);
}

const url = (daemon: Daemon) => `${daemon.url}/api/v1/sqlite`;
const fork = (daemon: Daemon, to: string) => request(`${url(daemon)}/db/fork?${at}&to=${to}&timeout=120`, 'POST');
const leftIn = (folder: string) => readdirSync(folder).filter((name) => name.startsWith('.new-'));

function notesIn({ stateDir }: DaemonPaths): string[] {
  const past = join(stateDir, 'past');
  return readdirSync(past, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.unfinished'));
}

/** Of its growing file. */
function bytesIn(folder: string): number {
  return Math.max(
    0,
    ...leftIn(folder).map((name) => statSync(join(folder, name), { throwIfNoEntry: false })?.size ?? 0),
  );
}

const rows = 8_000;
/** When everything is killed. Whether a fork was so far is looked at as often as can be. */
const moments: Readonly<Record<string, (paths: DaemonPaths, name: string) => boolean>> = {
  'it was noted': (paths) => notesIn(paths).length > 0,
  'the file was made': ({ data }) => leftIn(data).length > 0,
  'some of it was written': ({ data }) => bytesIn(data) > 2 ** 20,
  'it had its name': ({ data }, name) => existsSync(join(data, `${name}.db`)),
};

test('a fork that is killed leaves the whole database or nothing', () =>
  withPaths(async (paths) => {
    await withDaemon([], (daemon) => makeDatabase(daemon, rows), { paths });
    for (const [index, [what, isThere]] of Object.entries(moments).entries()) {
      const name = `forked${index}`;
      await withDaemon(
        [],
        async (daemon) => {
          const pids = (await daemon.status()).processes.map(({ pid }) => pid);
          let hasEnded = false; // on a busy machine it may be over before it was looked at
          const answer = fork(daemon, name)
            .catch(() => undefined)
            .finally(() => {
              hasEnded = true;
            });
          while (!isThere(paths, name) && !hasEnded) await new Promise((resolve) => setImmediate(resolve));
          killEach(pids);
          await killAll(paths); // executors that were started since
          await Promise.all([answer, daemon.finished]);
        },
        { paths },
      );
      await withDaemon(
        [],
        async (daemon) => {
          const left = () => expect([leftIn(paths.data), notesIn(paths)], `${what}: ${daemon.stderr()}`);
          await eventually(() => left().toEqual([[], []]), patience);
          if (!existsSync(join(paths.data, `${name}.db`))) expect((await fork(daemon, name)).status, what).toBe(201);
          expect(query(join(daemon.root, `${name}.db`), 'pragma integrity_check; select count(*) from t'), what).toBe(
            `ok\n${rows}`,
          );
          expect((await fork(daemon, name)).status, what).toBe(409);
        },
        { paths },
      );
    }
  }));

test('a fork for which there is no room is refused, and nothing of it is left', () =>
  withPaths(async (paths) => {
    mkdirSync(paths.data);
    const { stderr } = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=64m', 'tmpfs', paths.data], { encoding: 'utf8' });
    expect(stderr).toBe('');
    try {
      await withDaemon(
        [],
        async (daemon) => {
          await makeDatabase(daemon, 1_800);
          const made: string[] = [];
          let refused = await fork(daemon, 'copy0');
          while (refused.status === 201) {
            made.push(`copy${made.length}.db`);
            refused = await fork(daemon, `copy${made.length}`);
          }
          expect(made).not.toEqual([]);
          expect([refused.status, JSON.parse(refused.text).code]).toEqual([507, 'NO_SPACE']);
          await eventually(() => expect(notesIn(paths)).toEqual([]), patience);
          const others = readdirSync(paths.data).filter((name) => !name.startsWith('app.db'));
          expect(others.sort()).toEqual(made.sort());
          expect(query(join(daemon.root, 'app.db'), 'select count(*) from t')).toBe('1800');
        },
        { paths },
      );
    } finally {
      spawnSync('umount', [paths.data]);
    }
  }));
