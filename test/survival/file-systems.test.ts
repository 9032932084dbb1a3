// Take-over and fence on every kind of file system that the data directory may lie on: some have no inode handles, and
// leases and the registration of backing files are each file system's own.
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { type DaemonPaths, killProcess, startDaemon, whenReady, withDaemon } from '../helpers/daemon.ts';
import { eventually } from '../helpers/eventually.ts';
import { killEach, run, type Started, start } from '../helpers/process.ts';
import { isHere, withDataOn } from './data-on.ts';
import { query } from './load.ts';

/**
 * The other tests of this folder run on what the system's temp folder lies on: ext4, mostly. `npm run soak` tries all.
 */
const kinds = process.env.HOODY_SQLITE_SOAK
  ? (['ext4', 'xfs', 'btrfs', 'tmpfs', 'overlay'] as const)
  : (['xfs', 'btrfs', 'overlay'] as const);
const unlinkedScript = join(import.meta.dirname, 'unlinked.py');
const holderScript = join(import.meta.dirname, 'holder.py');

async function tell(program: Started, line: string): Promise<string> {
  const before = program.stdout().length;
  program.process.stdin?.write(`${line}\n`);
  return await eventually(() => {
    const answer = program.stdout().slice(before);
    expect(answer).toMatch(/\n$/);
    return answer;
  });
}

/** Both with one daemon, since starts are what these tests spend their time with. */
async function surviveOn(paths: DaemonPaths, flags: readonly string[]): Promise<void> {
  const started = startDaemon(paths, flags);
  const daemon = await whenReady(started, paths);
  const held = join(paths.mount, 'held.db');
  query(held, 'pragma journal_mode=wal; create table t (client text, n integer)');
  query(join(paths.mount, 'free.db'), 'create table t (client text, n integer)');
  const nameless = start('python3', [unlinkedScript, join(paths.mount, 'file')]);
  const holder = start('python3', [holderScript, 'connection', held]);
  try {
    for (const program of [nameless, holder])
      await eventually(() => expect(program.stdout() + program.stderr()).toBe('open\n'));
    await killProcess(daemon, 'fs');
    expect(await tell(nameless, '-1')).toBe('start-1 0\n');
    await killProcess(daemon, 'fs');
    expect(await tell(nameless, '-2')).toBe('start-1-2 0\n');
    expect(query(held, "insert into t values ('a', 1); select count(*) from t")).toBe('1');

    killEach((await daemon.status()).processes.map(({ pid }) => pid));
    await started.exited;
    await withDaemon(
      [...flags, '--lock-limit', 'fenceMs=0'],
      async (next) => {
        const passes = (await next.status()).passthrough;
        // Without passthrough a program whose mount has died can reach no file: there is nothing to fence.
        expect((await next.status()).fenced.map(({ database }) => database)).toEqual(passes ? ['held.db'] : []);
        if (passes) expect((await run('sqlite3', [held, "insert into t values ('b', 1)"])).code).not.toBe(0);
        await tell(holder, 'close');
        await eventually(async () => expect((await next.status()).fenced).toEqual([]));
        query(held, "insert into t values ('c', 1)");
      },
      { paths },
    );
  } finally {
    for (const program of [nameless, holder]) {
      program.process.kill('SIGKILL');
      await program.finished;
    }
  }
}

for (const kind of kinds) {
  test.skipIf(!isHere(kind))(
    `on ${kind} an unlinked file lives through a take-over, and what a dead mount left open is fenced`,
    async () => {
      await withDataOn(kind, (paths) => surviveOn(paths, []));
    },
  );
}

test.skipIf(!isHere('overlay'))('the same on overlay without passthrough', async () => {
  await withDataOn('overlay', (paths) => surviveOn(paths, ['--passthrough', 'off']));
});
