// Readers that stay in their transaction, for minutes in the soak: they stop no writer of a WAL database, and no
// newcomer that reads in either journal mode. With a rollback journal no file system lets a writer commit while
// somebody reads.
// Runs alone: it measures how long locks take.
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { run } from '../helpers/process.ts';
import { type TempMount, tempMount } from '../helpers/temp-mount.ts';

const script = resolve(import.meta.dirname, 'clients/long-readers.py');
// Long enough for newcomers to wait through more than one commit.
const seconds = process.env.HOODY_SQLITE_SOAK ? 180 : 6;
const timeoutMs = seconds * 1000 + 60_000;

interface Group {
  readonly done: number;
  readonly worstMs: number;
}

interface Report {
  /** What anybody was told, the long readers included, with how often. */
  readonly errors: Readonly<Record<string, number>>;
  readonly writers: Group;
  readonly newReaders: Group;
  readonly newWriters: Group;
  readonly stored: number;
  readonly integrity: string;
}

describe.each(['auto', 'off'] as const)('passthrough %s', (passthrough) => {
  let mount: TempMount;

  beforeAll(async () => {
    // Readers wait for 5 s, a commit for a second less: so soon a writer that was refused has to give its lock back. On
    // a busy machine it may not even run in that time.
    mount = await tempMount({ passthrough, lockLimits: { commitMs: 2000 } });
  });

  afterAll(async () => {
    await mount.close();
  });

  test.concurrent.each([
    ['wal', 'nobody fails', /./, 5000], // 0.3 s on a quiet machine
    ['delete', 'nobody who reads fails', /^(readers|newReaders):/, 10_000], // one commit waits for 2 s
  ])(
    'two long readers (%s), writers and newcomers: %s, nobody waits long',
    async (journal, _promise, forbidden, mostMs) => {
      const args = ['-m', 'python3', script, join(mount.mountPoint, `${journal}.db`), journal, `${seconds}`, '4'];
      const { stdout, stderr } = await run('unshare', args, { timeoutMs });
      if (stdout === '') throw new Error(stderr);
      const report = JSON.parse(stdout) as Report;
      const { writers: old, newReaders, newWriters } = report;
      process.stdout.write(
        `${seconds} s beside long readers (${journal}): worst wait of ${old.done} rows ${old.worstMs} ms, ` +
          `of ${newReaders.done} new readers ${newReaders.worstMs} ms, of ${newWriters.done} new writers ${newWriters.worstMs} ms\n`,
      );
      expect(Object.entries(report.errors).filter(([who]) => forbidden.test(who))).toEqual([]);
      expect(report).toMatchObject({ stored: old.done + newWriters.done, integrity: 'ok' });
      expect(newReaders.done).toBeGreaterThan(seconds);
      for (const group of [old, newReaders, newWriters]) {
        expect(group.worstMs).toBeLessThan(mostMs);
      }
    },
    timeoutMs + 30_000,
  );
});
