// Everything is killed at once while three programs write, and the databases come back on a machine that has nothing
// but the place that was shipped to.
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import Database from 'better-sqlite3';
import { expect, test } from 'vitest';
import { listLevel } from '../../fs/archive/ship/chain.ts';
import { openStore } from '../../fs/archive/ship/open-store.ts';
import { planRestore } from '../../fs/archive/ship/restore-plan.ts';
import { processesOf, programPath, withDaemon, withPaths } from '../helpers/daemon.ts';
import { eventually } from '../helpers/eventually.ts';
import { killEach, run, type Started, start } from '../helpers/process.ts';

/** Ten times what the documentation says. */
const lagMs = 20_000;
const names = ['a.db', 'b.db', 'in/c.db'];

/** Inserts numbered rows for ever; says of each when its commit had ended. */
const writer = `
import sqlite3, sys, time
db = sqlite3.connect(sys.argv[1], timeout=60, isolation_level=None)
db.execute("pragma journal_mode=wal")
db.execute("create table if not exists row (number integer primary key, data blob)")
number = db.execute("select coalesce(max(number), 0) from row").fetchone()[0]
while True:
    number += 1
    db.execute("insert into row values (?, randomblob(?))", (number, number % 3000))
    print(number, int(time.time() * 1000), flush=True)
    time.sleep(0.002)
`;

interface Acknowledged {
  readonly number: number;
  readonly timeMs: number;
}

class Writer {
  readonly started: Started;
  readonly rows: Acknowledged[] = [];

  constructor(path: string) {
    this.started = start('python3', ['-c', writer, path]);
    let rest = '';
    this.started.process.stdout?.on('data', (text: Buffer) => {
      const lines = (rest + text).split('\n');
      rest = lines.pop() ?? '';
      for (const line of lines) {
        const [number = 0, timeMs = 0] = line.split(' ').map(Number);
        this.rows.push({ number, timeMs });
      }
    });
  }

  get last(): Acknowledged {
    const last = this.rows.at(-1);
    if (last === undefined) throw new Error('nothing is written yet');
    return last;
  }
}

function rowsIn(path: string): number[] {
  const db = new Database(path);
  try {
    expect(db.pragma('integrity_check', { simple: true })).toBe('ok');
    return db.prepare('SELECT number FROM row ORDER BY number').pluck().all() as number[];
  } finally {
    db.close();
  }
}

test('everything is killed: what is restored elsewhere lacks the last moment at most, and shipping goes on', async () => {
  await withPaths(async (paths) => {
    const url = `file://${join(paths.folder, 'store')}`;
    const flags = ['--archive', 'wal', '--ship', url];
    const store = openStore(url);
    const shippedMs = async (name: string) => (await planRestore(store, name)).timeMs;
    let killedMs = 0;
    let writers: Writer[] = [];
    await withDaemon(
      flags,
      async (daemon) => {
        mkdirSync(join(daemon.root, 'in'));
        writers = names.map((name) => new Writer(join(daemon.root, name)));
        // Each has a commit that the store must get within the lag.
        const markers = await eventually(() => writers.map(({ last }) => last));
        for (const [index, name] of names.entries()) {
          await eventually(async () => expect(await shippedMs(name)).toBeGreaterThan(markers[index]?.timeMs ?? 0), {
            timeoutMs: lagMs,
          });
        }
        await sleep(Math.random() * 2_000);
        killedMs = Date.now();
        killEach(await processesOf(paths));
        for (const { started } of writers) started.process.kill('SIGKILL');
        await Promise.all(writers.map(({ started }) => started.exited));
      },
      { paths },
    );

    const elsewhere = join(paths.folder, 'elsewhere');
    const restored = await run(process.execPath, [programPath, 'restore', '--from', url, '--all', elsewhere]);
    expect(restored, restored.stderr).toMatchObject({ code: 0 });
    for (const [index, name] of names.entries()) {
      const rows = rowsIn(join(elsewhere, name));
      expect(rows).toEqual(rows.map((_, at) => at + 1));
      const missing = writers[index]?.rows.find(({ number }) => number > rows.length);
      expect(killedMs - (missing?.timeMs ?? killedMs)).toBeLessThan(lagMs);
    }

    // The next daemon finds its place in the store.
    const snapshots = async (name: string) => {
      const found: string[] = [];
      for await (const file of listLevel(store, name, 9)) found.push(file.name);
      return found;
    };
    const before = await snapshots('a.db');
    await withDaemon(
      flags,
      async (daemon) => {
        const path = join(daemon.root, 'a.db');
        const again = new Writer(path);
        const { timeMs } = await eventually(() => again.last);
        await eventually(async () => expect(await shippedMs('a.db')).toBeGreaterThan(timeMs), { timeoutMs: lagMs });
        again.started.process.kill('SIGKILL');
        await again.started.exited;
        const now = await daemon.command('restore', '--from', url, 'a', join(elsewhere, 'again.db'));
        expect(now, now.stderr).toMatchObject({ code: 0 });
        expect(rowsIn(join(elsewhere, 'again.db')).length).toBeGreaterThan(again.last.number - 1000);
        expect(await snapshots('a.db')).toEqual(before);
      },
      { paths },
    );
  });
}, 120_000);
