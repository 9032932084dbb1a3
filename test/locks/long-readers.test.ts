// Readers that stay in their transaction, for minutes in the soak: they stop no writer of a WAL database and no newcomer, in
// either journal mode. (With a rollback journal no file system lets a writer commit while somebody reads.)
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { run } from '../helpers/process.ts';
import { type TempMount, tempMount } from '../helpers/temp-mount.ts';

const script = resolve(import.meta.dirname, 'clients/long-readers.py');
const seconds = process.env.HOODY_SQLITE_SOAK ? 180 : 5;
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
    mount = await tempMount({ passthrough });
  });

  afterAll(async () => {
    await mount.close();
  });

  test.each([
    ['wal', 4],
    ['delete', 0],
  ])(
    'two long readers (%s), %i writers: nobody fails, nobody waits long',
    async (journal, writers) => {
      const args = [
        '-m',
        'python3',
        script,
        join(mount.mountPoint, `${journal}.db`),
        journal,
        `${seconds}`,
        `${writers}`,
      ];
      const { stdout, stderr } = await run('unshare', args, { timeoutMs });
      if (stdout === '') throw new Error(stderr);
      const report = JSON.parse(stdout) as Report;
      const { writers: old, newReaders, newWriters } = report;
      process.stdout.write(
        `${seconds} s beside long readers (${journal}): worst wait of ${old.done} rows ${old.worstMs} ms, ` +
          `of ${newReaders.done} new readers ${newReaders.worstMs} ms, of ${newWriters.done} new writers ${newWriters.worstMs} ms\n`,
      );
      expect(report.errors).toEqual({});
      expect(report).toMatchObject({ stored: old.done + newWriters.done, integrity: 'ok' });
      expect(newReaders.done).toBeGreaterThan(seconds);
      for (const group of [old, newReaders, newWriters]) {
        expect(group.worstMs).toBeLessThan(5000); // 0.3 s on a quiet machine, and the gate holds for 1 s at most
      }
    },
    timeoutMs + 30_000,
  );
});
