import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { claimDataDirectory, claimMountPoint } from '../../../daemon/instance/claims.ts';
import { createLog } from '../../../daemon/log.ts';
import { eventually } from '../../helpers/eventually.ts';
import { start } from '../../helpers/process.ts';

const log = createLog({ write: () => {} }, 'error');
let folder = '';
let data = '';
beforeEach(() => {
  folder = realpathSync(mkdtempSync(join(tmpdir(), 'hoody-sqlite-')));
  data = join(folder, 'data');
  mkdirSync(data);
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** Another process that claims as a daemon does: the kernel lock on the directory, the mark beside it. */
function startOwner() {
  const script =
    'import fcntl,os,sys,time; os.mkdir(sys.argv[1]+".lock"); f=os.open(sys.argv[1],os.O_RDONLY); fcntl.flock(f,fcntl.LOCK_EX); print("held",flush=True); time.sleep(600)';
  return start('python3', ['-c', script, data]);
}

test('a data directory is marked while it is claimed, and unmarked after', async () => {
  const claim = await claimDataDirectory(data, data, log);
  expect(existsSync(`${data}.lock`)).toBe(true);
  await claim.release();
  expect(existsSync(`${data}.lock`)).toBe(false);
});

test('a data directory that another process has is refused with its pid, and free at once when that is killed', async () => {
  const owner = startOwner();
  try {
    await eventually(() => expect(owner.stdout()).toContain('held'));
    const refused = claimDataDirectory(data, data, log);
    await expect(refused).rejects.toThrow(String(owner.pid));
    await expect(refused).rejects.toMatchObject({ exitCode: 4 });
  } finally {
    owner.process.kill('SIGKILL');
    await owner.finished;
  }
  expect(existsSync(`${data}.lock`)).toBe(true);
  const claim = await claimDataDirectory(data, data, log);
  await claim.release();
});

test('a stopped owner keeps its claim however old its mark looks', async () => {
  const owner = startOwner();
  try {
    await eventually(() => expect(owner.stdout()).toContain('held'));
    owner.process.kill('SIGSTOP');
    spawnSync('touch', ['-d', '1 hour ago', `${data}.lock`]);
    await expect(claimDataDirectory(data, data, log)).rejects.toMatchObject({ exitCode: 4 });
  } finally {
    owner.process.kill('SIGKILL');
    await owner.finished;
  }
});

test('a directory of the user that is named like the mark is left alone', async () => {
  mkdirSync(join(`${data}.lock`, 'mine'), { recursive: true });
  await expect(claimDataDirectory(data, data, log)).rejects.toMatchObject({ exitCode: 4 });
  expect(existsSync(join(`${data}.lock`, 'mine'))).toBe(true);
});

test('a mount point is claimed once, with the pid of its owner', async () => {
  const file = join(folder, 'mount.lock');
  const claim = claimMountPoint('/m', file);
  expect(() => claimMountPoint('/m', file)).toThrow(String(process.pid));
  await claim.release();
  await claimMountPoint('/m', file).release();
});
