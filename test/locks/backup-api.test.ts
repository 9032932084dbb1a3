// The backup API under writers: python's backup() in small steps and the shell's .backup, nobody with a busy timeout.
// Nobody is told "locked", and every copy is a state that was committed.
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { run } from '../helpers/process.ts';
import { tempMount } from '../helpers/temp-mount.ts';

const script = join(import.meta.dirname, 'clients/backup.py');
const wanted = process.env.HOODY_SQLITE_SOAK ? 60 : 2;
const timeoutMs = wanted * 50_000;

describe.each(['auto', 'off'] as const)('passthrough %s', (passthrough) => {
  test.each(['delete', 'wal'])(
    'journal %s: copies are whole, and cost no writer a failure',
    async (journal) => {
      const mount = await tempMount({ passthrough });
      try {
        const [source, copy] = ['source.db', 'copy.db'].map((name) => join(mount.mountPoint, name)) as [string, string];
        const { stdout, stderr } = await run('unshare', ['-m', 'python3', script, source, copy, journal, `${wanted}`], {
          timeoutMs,
        });
        expect(stderr).toBe('');
        const { copies, commits, ...rest } = JSON.parse(stdout);
        expect(rest).toEqual({ problems: [], writeErrors: [], stored: commits });
        expect(copies).toEqual({ python: wanted, shell: wanted });
        expect(commits).toBeGreaterThan(2); // one of each writer before the first copy
      } finally {
        await mount.close();
      }
    },
    timeoutMs + 20_000,
  );
});
