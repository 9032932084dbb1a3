// Inode and handle tables and memory come back to where they began; test/soak does the same a million times.
// Runs alone: it measures memory.
import { mkdirSync, writeFileSync } from 'node:fs';
import { release } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { eventually } from '../helpers/eventually.ts';
import { run } from '../helpers/process.ts';
import { tempMount } from '../helpers/temp-mount.ts';
import { expectNoGrowth, operationsPerRound } from './churn.ts';

test.each(['on', 'off'] as const)(
  '30,000 operations with passthrough %s leave tables and memory where they began',
  async (passthrough) => {
    const mount = await tempMount({ passthrough });
    try {
      await expectNoGrowth(mount, 30_000 / operationsPerRound, 60 << 20);
      expect(mount.log.filter(({ level }) => level === 'error')).toEqual([]);
    } finally {
      await mount.close();
    }
  },
);

// Each costs a copy of a descriptor for a successor. To let go of one took a pass over all: seconds without any answer
// to anybody.
test('thousands of open files without a name are let go of while others are served', async () => {
  const mount = await tempMount({ passthrough: 'on' });
  try {
    const script = `
import os, sys, time
os.chdir(sys.argv[1])
fds = [os.open('f%d' % i, os.O_CREAT | os.O_RDWR) for i in range(4000)]
for i in range(4000): os.unlink('f%d' % i)
for fd in fds: os.close(fd)
begin = time.monotonic(); os.mkdir('d'); print(time.monotonic() - begin)
`;
    const { stdout, stderr } = await run('python3', ['-c', script, mount.mountPoint], { timeoutMs: 60_000 });
    expect(stderr).toBe('');
    expect(Number(stdout)).toBeLessThan(5);
    await eventually(async () => expect((await mount.status()).nodes).toBeLessThanOrEqual(2));
  } finally {
    await mount.close();
  }
});

const [kernelMajor = 0, kernelMinor = 0] = release().split('.').map(Number);
const forgetsByNumber = kernelMajor > 6 || (kernelMajor === 6 && kernelMinor >= 18);

test.runIf(forgetsByNumber)(
  'a directory with five times as many files as there are descriptors is listed with all attributes',
  async () => {
    const mount = await tempMount({ descriptorLimit: 4000 });
    try {
      mkdirSync(join(mount.dataDir, 'many'));
      for (let n = 0; n < 20_000; n++) writeFileSync(join(mount.dataDir, 'many', `${n}`), '');
      const { stdout, stderr } = await run('ls', ['-l', join(mount.mountPoint, 'many')], { timeoutMs: 60_000 });
      expect(stderr).toBe('');
      expect(stdout.split('\n').length).toBe(20_002);
    } finally {
      await mount.close();
    }
  },
);
