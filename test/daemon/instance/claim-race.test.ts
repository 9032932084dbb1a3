// The moment between opening a claim file and locking it, in which its owner may remove it.
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test, vi } from 'vitest';
import { claimMountPoint } from '../../../daemon/instance/claims.ts';

/** Runs once, right after the next file is opened. */
let afterOpen: (() => void) | undefined;
vi.mock('node:fs', async (original) => {
  const fs = await original<typeof import('node:fs')>();
  return {
    ...fs,
    openSync: (...args: Parameters<typeof fs.openSync>) => {
      const fd = fs.openSync(...args);
      const then = afterOpen;
      afterOpen = undefined;
      then?.();
      return fd;
    },
  };
});

test('a lock on a file that has lost its name claims nothing: the claim is made again on the file that has it', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'hoody-sqlite-'));
  try {
    const file = join(folder, 'mount.lock');
    afterOpen = () => rmSync(file);
    const claim = claimMountPoint('/m', file);
    expect(existsSync(file)).toBe(true);
    expect(readFileSync(file, 'utf8')).toBe(String(process.pid));
    expect(() => claimMountPoint('/m', file)).toThrow('already uses');
    await claim.release();
    expect(existsSync(file)).toBe(false);
  } finally {
    rmSync(folder, { recursive: true });
  }
});
