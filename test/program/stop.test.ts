// `stop` with a say in how long it waits: for a daemon that serves, and for one whose stop waits already.
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { type Daemon, withDaemon } from '../helpers/daemon.ts';
import { eventually } from '../helpers/eventually.ts';
import { type Started, start } from '../helpers/process.ts';

/** A program that holds a file of the mount open until its input ends. */
async function whileHeldOpen(daemon: Daemon, test: () => Promise<void>): Promise<void> {
  const script = 'import sys; f=open(sys.argv[1],"a"); print("open",flush=True); sys.stdin.read()';
  const holder: Started = start('python3', ['-c', script, join(daemon.mount, 'held')]);
  try {
    await eventually(() => expect(holder.stdout()).toContain('open'));
    await test();
  } finally {
    holder.process.kill('SIGKILL');
    await holder.finished;
  }
}

const patience = ['--drain', '1h'];

test.each([[['--force']], [['--drain', '0']]])('stop %j waits for no program', async (flags) => {
  await withDaemon(patience, async (daemon) => {
    await whileHeldOpen(daemon, async () => {
      expect(await daemon.command('stop', ...flags)).toMatchObject({ code: 0, stdout: '', stderr: '' });
      expect(await daemon.finished).toMatchObject({
        code: 0,
        stderr: expect.stringContaining('mount-detached-in-use'),
      });
    });
  });
});

test('stop --drain waits that long for a program, whatever the start was told', async () => {
  await withDaemon(['--drain', '0'], async (daemon) => {
    await whileHeldOpen(daemon, async () => {
      const stopping = daemon.command('stop', '--drain', '1h', '--json');
      await eventually(() => expect(daemon.stderr()).toContain('mount-in-use'));
      // The daemon answers meanwhile, and a second stop makes the first one quicker.
      expect((await daemon.status()).degraded).toEqual(['the daemon is stopping']);
      expect(await daemon.command('reload')).toMatchObject({ code: 1, stderr: expect.stringContaining('is stopping') });
      expect(await daemon.command('stop', '--drain', '1s')).toMatchObject({ code: 0 });
      const { code, stdout } = await stopping;
      expect([code, JSON.parse(stdout)]).toEqual([0, { pid: daemon.pid, data: daemon.data, stopped: true }]);
    });
  });
});

test('a program that closes its files ends a patient stop', async () => {
  await withDaemon([], async (daemon) => {
    let stopping: Promise<unknown> = Promise.resolve();
    await whileHeldOpen(daemon, async () => {
      stopping = daemon.command('stop', ...patience);
      await eventually(() => expect(daemon.stderr()).toContain('mount-in-use'));
    });
    expect(await stopping).toMatchObject({ code: 0 });
    expect(daemon.stderr()).not.toContain('mount-detached-in-use');
  });
});

test('both at once, and a duration that is none, are refused', async () => {
  await withDaemon(['--no-mount'], async (daemon) => {
    expect(await daemon.command('stop', '--force', '--drain', '5')).toMatchObject({ code: 2 });
    expect(await daemon.command('stop', '--drain', 'soon')).toMatchObject({ code: 2 });
    expect((await daemon.command('status', '--alive')).stdout).toBe('HTTP answers; nothing is mounted\n');
  });
});
