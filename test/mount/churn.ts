// Creates, looks up, opens, links, renames and removes files, many times over, and compares the fs process before and
// after.
import { readFileSync } from 'node:fs';
import { expect } from 'vitest';
import { openPaths, removedFilesHeldBy } from '../helpers/descriptors.ts';
import { eventually } from '../helpers/eventually.ts';
import { run } from '../helpers/process.ts';
import type { TempMount } from '../helpers/temp-mount.ts';

/** Each round is 20 operations of the kinds that make and drop nodes and handles. */
const script = `
import os, sys
os.chdir(sys.argv[1])
for i in range(int(sys.argv[2])):
    name = 'f%d' % (i % 50)
    fd = os.open(name, os.O_CREAT | os.O_RDWR); os.write(fd, b'x'); os.fstat(fd); os.close(fd)
    os.stat(name); os.close(os.open(name, os.O_RDONLY)); os.link(name, name + 'l'); os.rename(name, name + 'r')
    try: os.stat('absent%d' % (i % 50))
    except FileNotFoundError: pass
    os.mkdir(name + 'd'); os.listdir(name + 'd'); os.symlink('x', name + 's'); os.readlink(name + 's')
    os.unlink(name + 's'); os.rmdir(name + 'd'); os.unlink(name + 'l'); os.unlink(name + 'r')
`;
export const operationsPerRound = 20;

export async function expectNoGrowth(mount: TempMount, rounds: number, allowedGrowthBytes: number): Promise<void> {
  await churn(mount, Math.ceil(rounds / 10)); // what is allocated once: buffers, compiled code
  const before = await settled(mount);
  await churn(mount, rounds);
  const after = await settled(mount);
  expect(after.tables).toEqual(before.tables);
  expect(after.descriptors).toBeLessThanOrEqual(before.descriptors + 2);
  expect(after.residentBytes - before.residentBytes).toBeLessThan(allowedGrowthBytes);
}

async function churn(mount: TempMount, rounds: number): Promise<void> {
  const { code, stderr } = await run('python3', ['-c', script, mount.mountPoint, `${rounds}`], {
    timeoutMs: 3_000_000,
  });
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
}

async function settled(mount: TempMount) {
  // RELEASE and FORGET arrive after close and unlink have returned.
  const tables = await eventually(async () => {
    const { nodes, handles, backingFiles } = await mount.status();
    expect({ nodes, handles, backingFiles }).toEqual({ nodes: 1, handles: 0, backingFiles: 0 });
    return { nodes, handles, backingFiles };
  });
  const pid = mount.process.pid ?? Number.NaN;
  const descriptors = await eventually(() => {
    expect(removedFilesHeldBy(pid, mount.dataDir)).toEqual([]);
    return openPaths(pid).length;
  });
  const resident = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
  return { tables, residentBytes: Number(resident) * 1024, descriptors };
}
