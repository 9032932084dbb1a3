// A lease is an exact answer to the question whether anybody has a file open.
import { closeSync, mkdtempSync, openSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { tryLease } from '../../fs/system/leases.ts';

test('a file that somebody else has open is refused, for as long as it is open; readers are not counted as writers', () => {
  const folder = mkdtempSync(join(tmpdir(), 'hoody-sqlite-'));
  const path = join(folder, 'file');
  writeFileSync(path, 'x');
  const asked = openSync(path, 'r');
  const EAGAIN = 11;
  try {
    expect(tryLease(asked)).toBe(0);
    const reader = openSync(path, 'r');
    expect([tryLease(asked), tryLease(asked, 'writers')]).toEqual([EAGAIN, 0]);
    closeSync(reader);
    const writer = openSync(path, 'r+');
    expect([tryLease(asked), tryLease(asked, 'writers')]).toEqual([EAGAIN, EAGAIN]);
    closeSync(writer);
    expect([tryLease(asked), tryLease(asked, 'writers')]).toEqual([0, 0]);
  } finally {
    closeSync(asked);
    rmSync(folder, { recursive: true });
  }
});
