// A power cut, simulated: what was written and not synced is lost or torn, sector by sector. What SQLite has
// acknowledged with synchronous=FULL must be there, and the database must be whole.
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { eventually } from '../helpers/eventually.ts';
import { run, start } from '../helpers/process.ts';
import { type TempMount, tempMount } from '../helpers/temp-mount.ts';
import { query } from './load.ts';

const clientScript = join(import.meta.dirname, 'client.py');

/** What two writers were told is stored before the power went, and how the database looks afterwards. */
async function afterPowerCut(
  mode: string,
  synchronous: string,
): Promise<{ lost: readonly string[]; integrity: string }> {
  const first = await tempMount({ passthrough: 'off', powerCut: true });
  try {
    const rows = await writeUntilTheCut(first, mode, synchronous);
    const second = await tempMount({ passthrough: 'off', dataDir: first.dataDir });
    try {
      const path = join(second.mountPoint, 'app.db');
      const integrity = (await run('sqlite3', [path, 'pragma integrity_check'])).stdout.trim();
      const stored = (await run('sqlite3', [path, "select client || ' ' || n from t"])).stdout.split('\n');
      const found = new Set(stored);
      return { lost: rows.filter((row) => !found.has(row)), integrity };
    } finally {
      await second.close();
    }
  } finally {
    await first.close();
  }
}

async function writeUntilTheCut(mount: TempMount, mode: string, synchronous: string): Promise<string[]> {
  const path = join(mount.mountPoint, 'app.db');
  query(path, `pragma journal_mode=${mode}; create table t (client text, n integer)`);
  const writers = ['a', 'b'].map((name) => ({
    name,
    program: start('python3', [clientScript, path, name, '10', synchronous]),
  }));
  try {
    await eventually(() => {
      for (const { program } of writers) expect(program.stdout().length, program.stderr()).toBeGreaterThan(200);
    });
    // Taken before the cut: a later answer may cross it on its way.
    const rows = writers.flatMap(({ name, program }) =>
      [...program.stdout().matchAll(/^ack (\d+)\n/gm)].map(([, n]) => `${name} ${n}`),
    );
    mount.process.send({ type: 'power-cut' });
    await eventually(() => expect(mount.process.signalCode).toBe('SIGKILL'));
    return rows;
  } finally {
    for (const { program } of writers) {
      program.process.kill('SIGKILL');
      await program.finished;
    }
  }
}

test.each(['wal', 'delete', 'truncate', 'persist'])(
  'journal mode %s: nothing acknowledged is lost, nothing is damaged',
  async (mode) => {
    expect(await afterPowerCut(mode, 'full')).toEqual({ lost: [], integrity: 'ok' });
  },
);

test('with synchronous=off the same cut loses rows: it is a cut', async () => {
  const { lost, integrity } = await afterPowerCut('wal', 'off');
  expect(lost.length > 0 || integrity !== 'ok').toBe(true);
});
