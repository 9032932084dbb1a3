// Idle processors poll instead of halting while programs ask back to back, and only then. What the kernel was told can
// be read from the interface itself; the machine must have it, as every one with power management has.
import { existsSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { afterEach, expect, test } from 'vitest';
import { eventually } from '../helpers/eventually.ts';
import { run, start } from '../helpers/process.ts';
import { type TempMount, tempMount } from '../helpers/temp-mount.ts';

const path = '/dev/cpu_dma_latency';
/** Reads back to back until its input ends, at least 1,000 times. */
const reads = `
import sqlite3, sys, threading
over = threading.Event()
threading.Thread(target=lambda: (sys.stdin.read(), over.set()), daemon=True).start()
db = sqlite3.connect(sys.argv[1], isolation_level=None)
db.execute('pragma journal_mode=wal'); db.execute('create table if not exists t(v)')
done = 0
while done < 1000 or not over.is_set(): db.execute('select * from t').fetchall(); done += 1
`;

let mount: TempMount;

afterEach(() => mount.close());

/** Microseconds: what everybody together tolerates. */
const tolerated = () => readFileSync(path).readInt32LE(0);

const command = () => ['-c', reads, `${mount.mountPoint}/app.db`];

test.runIf(existsSync(path))('processors stay awake during a load of locks, and may halt after it', async () => {
  mount = await tempMount({ idlePolling: 'on' });
  const load = start('python3', command());
  try {
    await eventually(() => expect(tolerated()).toBe(0), { timeoutMs: 60_000, intervalMs: 1 });
  } finally {
    load.process.stdin?.end();
  }
  expect((await load.finished).code).toBe(0);
  await eventually(() => expect(tolerated()).toBeGreaterThan(0));
});

test.runIf(existsSync(path))('--idle-polling off leaves the processors alone', async () => {
  mount = await tempMount({ idlePolling: 'off' });
  expect((await run('python3', command(), { timeoutMs: 60_000 })).code).toBe(0);
  // What everybody together tolerates says nothing of one process; only who has it open can tell it anything.
  expect(openFilesOf(mount)).not.toContain(path);
});

test.runIf(existsSync(path))('--idle-polling on may tell the processors', async () => {
  mount = await tempMount({ idlePolling: 'on' });
  expect(openFilesOf(mount)).toContain(path);
});

function openFilesOf({ process: { pid } }: TempMount): string[] {
  const folder = `/proc/${pid}/fd`;
  return readdirSync(folder).map((name) => readlinkSync(`${folder}/${name}`));
}
