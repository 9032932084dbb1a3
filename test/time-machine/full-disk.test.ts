// The disk of the archive is full: programs go on and are not slowed down, the trouble is told, and once there is room
// again the newest state is in the history. The state directory is a small tmpfs.
import { spawnSync } from 'node:child_process';
import { closeSync, mkdirSync, openSync, rmSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { withDaemon, withPaths } from '../helpers/daemon.ts';
import { eventually } from '../helpers/eventually.ts';
import { withClients } from '../helpers/sqlite-client.ts';
import { Archived } from './archived.ts';

const commits = 40;
/** Random bytes: they cannot be made smaller. */
const insert = 'insert into t values (randomblob(3000))';
const patience = { timeoutMs: 60_000 };

test('programs go on while the disk of the archive is full, which is told, and the archive goes on once there is room', () =>
  withPaths(async (paths) => {
    mkdirSync(paths.stateDir);
    mount(paths.stateDir);
    try {
      await withDaemon(
        ['--archive', 'wal'],
        (daemon) =>
          withClients(async (start) => {
            const writer = start();
            await writer.open(join(daemon.mount, 'app.db'), { timeout: 60 });
            await writer.run(['pragma journal_mode=wal', 'pragma synchronous=off', 'create table t (a)', insert]);
            const archived = await Archived.of(daemon);
            try {
              await eventually(async () => expect(await archived.history('app.db')).not.toEqual([]), patience);
              const filler = join(paths.stateDir, 'filler');
              fill(filler);
              for (let number = 0; number < commits; number++) {
                expect(await writer.run(insert)).toMatchObject({ error: null });
              }
              await eventually(() => expect(daemon.stderr()).toContain('archive-no-space'), patience);
              expect(await writer.run(insert)).toMatchObject({ error: null });
              rmSync(filler);
              await eventually(() => expect(daemon.stderr()).toContain('archive-has-space'), patience);
              const entries = await archived.history('app.db');
              const path = await archived.stateAt('app.db', entries.at(-1)?.bookmark ?? '');
              expect(rowsOf(path)).toBe(`${commits + 2}`);
              expect(await archived.ask({ op: 'verify', database: 'app.db' })).toMatchObject({ faults: [] });
            } finally {
              archived.close();
            }
          }),
        { paths },
      );
    } finally {
      spawnSync('umount', [paths.stateDir]);
    }
  }));

function mount(folder: string): void {
  const { stderr } = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=12m', 'tmpfs', folder], { encoding: 'utf8' });
  expect(stderr).toBe('');
}

/** Until nothing is left: others write to the disk meanwhile, so the room is not known before. */
function fill(file: string): void {
  const part = Buffer.alloc(4096);
  const descriptor = openSync(file, 'w');
  try {
    for (;;) writeSync(descriptor, part);
  } catch (error) {
    expect(error).toMatchObject({ code: 'ENOSPC' });
  } finally {
    closeSync(descriptor);
  }
}

function rowsOf(path: string): string {
  const sql = 'select count(*) from t';
  return spawnSync('sqlite3', [`file:${path}?immutable=1`, sql], { encoding: 'utf8' }).stdout.trim();
}
