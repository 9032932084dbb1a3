// A daemon in a pid namespace of its own, as in a container without --pid host: the kernel names no client to it.
// Clients queue all the same, and the daemon says what is missing.
import { join, resolve } from 'node:path';
import { expect, test } from 'vitest';
import { programPath, whenReady, withPaths } from '../helpers/daemon.ts';
import { run, start } from '../helpers/process.ts';

const writers = resolve(import.meta.dirname, 'clients/writers.py');
const apart = ['--pid', '--fork', '--kill-child'];

test.each(['delete', 'wal'])(
  'six writers with busy timeout 0 (%s): no failure, and the log says once what is missing',
  async (journal) => {
    await withPaths(async (paths) => {
      const { folder, mount, data, stateDir, runDir } = paths;
      const flags = [
        '--mount',
        mount,
        '--data',
        data,
        '--state-dir',
        stateDir,
        '--run-dir',
        runDir,
        '--listen',
        '127.0.0.1:0',
        // Nobody sees that their threads run: on a busy machine they may take longer than 50 ms to their first write.
        '--lock-limit',
        'youngMs=2000',
      ];
      const program = [process.execPath, programPath, 'start', ...flags, '--require-mount', '--drain', '1'];
      const env = { TEST_DAEMON_FOLDER: folder };
      const started = start('unshare', [...apart, ...program], { cwd: folder, env });
      try {
        await whenReady(started, paths);
        const args = [writers, join(mount, 'app.db'), journal, '0', '1', '6', 'insert'];
        const { stdout, stderr } = await run('python3', args);
        if (stdout === '') throw new Error(stderr);
        const crowd = JSON.parse(stdout) as { commits: number; stored: number; errors: object; integrity: string };
        expect(crowd.errors).toEqual({});
        expect(crowd).toMatchObject({ stored: crowd.commits, integrity: 'ok' });
        expect(started.stderr().match(/client-hidden/g)).toHaveLength(1);
      } finally {
        started.process.kill('SIGKILL'); // unshare ignores SIGTERM; its child ends with it
        await started.exited;
      }
    });
  },
);

test('check says it before a start', async () => {
  const { stdout } = await run('unshare', [...apart, '--mount-proc', process.execPath, programPath, 'check', '--json']);
  const { checks } = JSON.parse(stdout) as { checks: { name: string; result: string; fix?: string }[] };
  const found = checks.find(({ name }) => name === 'processes');
  expect(found).toMatchObject({ result: 'warning' });
  expect(found?.fix).toContain('--pid host');
});
