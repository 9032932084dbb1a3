// What a user of a container can make in a directory, and what a disk can answer, ends no process of the daemon for
// good.
import { closeSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { mountFuse, unmountFuse } from '../../fs/index.ts';
import { pidOf, startDaemon, whenReady, withDaemon, withPaths } from '../helpers/daemon.ts';
import { eventually } from '../helpers/eventually.ts';
import { killEach, run, start } from '../helpers/process.ts';
import { isStuckInFuse } from './rounds.ts';

/** Goes down 20 folders of 250 bytes, a path of over 5,000, below its argument. Makes them where `make` is wanted. */
const goDown = `
import os, sys
def go_down(root, make):
    os.chdir(root)
    for _ in range(20):
        if make: os.mkdir('d' * 250)
        os.chdir('d' * 250)
`;

/** Node's own way to remove a directory does not go down so far. */
async function removeDepth(root: string): Promise<void> {
  expect(await run('rm', ['-rf', join(root, 'd'.repeat(250))])).toMatchObject({ code: 0 });
}

test('a change behind the mount in a directory whose path is over 4096 bytes is noticed like any other', async () => {
  await withDaemon([], async (daemon) => {
    const pid = await pidOf(daemon, 'fs');
    const inDepth = `${goDown}
go_down(sys.argv[1], True); assert os.listdir('.') == []
here = os.open('.', os.O_RDONLY); go_down(sys.argv[2], False); open('new', 'w').write('x')
while os.listdir(here) != ['new']: pass
`;
    expect(await run('python3', ['-c', inDepth, daemon.mount, daemon.data])).toMatchObject({ code: 0, stderr: '' });
    await eventually(() => expect(daemon.stderr()).toMatch(/changed-behind-the-mount.*too long to show\/new/));
    expect(await pidOf(daemon, 'fs')).toBe(pid);
    expect(daemon.stderr()).not.toContain('step-failed');
    await removeDepth(daemon.data);
  });
});

test('files that are held at a total death do not keep the next daemon from its start, whatever they are called', async () => {
  await withPaths(async (paths) => {
    const started = startDaemon(paths, []);
    const daemon = await whenReady(started, paths);
    const hold = `${goDown}
keep = [open(os.path.join(os.fsencode(sys.argv[1]), name), 'wb') for name in (b'n' * 255, b'm' * 248, b'\\xff\\xfe.db')]
go_down(sys.argv[1], True); keep.append(open('deep.db', 'w')); print('open', flush=True); sys.stdin.read()
`;
    const holder = start('python3', ['-c', hold, paths.mount]);
    try {
      await eventually(() => expect(holder.stdout() + holder.stderr()).toBe('open\n'));
      killEach((await daemon.status()).processes.map(({ pid }) => pid));
      await started.finished;
      const next = async () => {
        await withDaemon(
          [],
          async (again) => {
            const fenced = async () => (await again.status()).fenced.map(({ database }) => database.slice(-8));
            expect((await fenced()).sort()).toEqual(['/deep.db', 'mmmmmmmm', 'nnnnnnnn', '\ufffd\ufffd.db'].sort());
            writeFileSync(join(paths.mount, 'other'), '');
            holder.process.stdin?.end();
            await eventually(async () => expect(await fenced()).toEqual([]));
            expect(again.stderr()).not.toContain('child-died');
            await removeDepth(paths.data);
          },
          { paths },
        );
      };
      await next();
    } finally {
      holder.process.kill('SIGKILL');
      await holder.finished;
    }
  });
});

test('a FIFO in the place of a file that is being created blocks nobody', async () => {
  await withDaemon([], async (daemon) => {
    const pid = await pidOf(daemon, 'fs');
    const script = `
import errno, os, sys
for n in range(50):
    through, behind = (os.path.join(folder, 'p%d' % n) for folder in sys.argv[1:])
    assert not os.path.exists(through); os.mkfifo(behind)
    for flags in (os.O_WRONLY | os.O_CREAT, os.O_WRONLY | os.O_CREAT | os.O_TRUNC):
        try: os.open(through, flags | os.O_NONBLOCK); raise AssertionError('it is open')
        except OSError as error: assert error.errno == errno.ENXIO, error
    open(through + '.db', 'w').write('x')
`;
    expect(await run('python3', ['-c', script, daemon.mount, daemon.data])).toMatchObject({ code: 0, stderr: '' });
    expect(await pidOf(daemon, 'fs')).toBe(pid);
  });
});

test('a request in which two processes have died is answered with EIO, and the log says which one it was', async () => {
  await withDaemon([], async (daemon) => {
    mkdirSync(join(daemon.data, 'hung'));
    // Whoever looks at it waits for ever: nobody serves it.
    const device = mountFuse({ mountPoint: join(daemon.data, 'hung') });
    const client = start('python3', ['-c', `import os; os.stat(${JSON.stringify(join(daemon.mount, 'hung', 'x'))})`]);
    try {
      for (let death = 1; death <= 2; death++) {
        const pid = await pidOf(daemon, 'fs');
        await eventually(() => expect(isStuckInFuse(pid)).toBe(true));
        process.kill(pid, 'SIGKILL');
        await eventually(() => expect(daemon.stderr().match(/"taken-over".*"diedIn":"LOOKUP"/g)).toHaveLength(death));
      }
      expect((await client.finished).stderr).toContain('Errno 5');
      const givenUp = /request-given-up.*"op":"LOOKUP".*"processesLost":2/;
      await eventually(() => expect(daemon.stderr()).toMatch(givenUp));
      writeFileSync(join(daemon.mount, 'others'), 'are served');
    } finally {
      client.process.kill('SIGKILL');
      unmountFuse(join(daemon.data, 'hung'), 'lazy');
      closeSync(device);
    }
  });
});
