// A process with several connections to one database: SQLite takes the snapshot of the second one without a lock call, so its write never
// stood at the gate. Beside it processes with one connection and busy timeout 0, which must never be told "locked".
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { run } from '../helpers/process.ts';
import { type TempMount, tempMount } from '../helpers/temp-mount.ts';

const script = resolve(import.meta.dirname, 'clients/many-connections.py');
const seconds = process.env.HOODY_SQLITE_SOAK ? 30 : 4;

interface Side {
  readonly commits: number;
  readonly errors: Readonly<Record<string, number>>;
  readonly longestMs: number;
}

interface Met {
  readonly threads: Side;
  readonly singles: Side;
  readonly stored: number;
  readonly integrity: string;
}

let mount: TempMount;

beforeAll(async () => {
  mount = await tempMount({ locks: 'coordinated' });
});

afterAll(async () => {
  await mount?.close();
});

describe.each(['delete', 'wal'])('journal %s', (journal) => {
  test.each(['fresh', 'kept'])(
    'four threads of one process, a connection per transaction, beside single connections (%s) with timeout 0: none is refused',
    async (keep) => {
      const database = join(mount.mountPoint, `${journal}-${keep}.db`);
      const args = ['-m', 'python3', script, database, journal, `${seconds}`, '4', '4', keep];
      const { stdout, stderr } = await run('unshare', args, { timeoutMs: 120_000 });
      if (stdout === '') throw new Error(stderr);
      const met = JSON.parse(stdout) as Met;
      process.stdout.write(`${journal}, ${keep}: ${stdout}`);
      const { locks } = await mount.status();
      expect([met.singles.errors, met.threads.errors], JSON.stringify(locks)).toEqual([{}, {}]);
      expect(met).toMatchObject({ stored: met.threads.commits + met.singles.commits, integrity: 'ok' });
      expect(Math.min(met.threads.commits, met.singles.commits)).toBeGreaterThan(0);
    },
  );
});
