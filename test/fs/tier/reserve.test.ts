// Notes of the copier while the tmpfs is full, and what the operator is told when not even they fit.
import { existsSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { Progress } from '../../../fs/tier/progress.ts';
import { FullTmpfs, withReserve } from '../../../fs/tier/reserve.ts';

const full = () => Object.assign(new Error('ENOSPC: no space left on device, write'), { code: 'ENOSPC' });

function rootWithReserve(sizeBytes: number): string {
  const root = mkdtempSync(join(tmpdir(), 'hoody-sqlite-reserve-'));
  onTestFinished(() => rmSync(root, { recursive: true, force: true }));
  writeFileSync(join(root, 'reserve'), Buffer.alloc(sizeBytes));
  return root;
}

test('the reserve gives its room bit by bit, until a note fits', () => {
  const root = rootWithReserve(64 << 10);
  let tries = 0;
  const act = () => {
    if (++tries < 3) throw full();
    return 'noted';
  };
  expect(withReserve(root, act)).toBe('noted');
  expect(statSync(join(root, 'reserve')).size).toBe(32 << 10);
});

test('without any reserve the tmpfs is what is full, and another error is told as it is', () => {
  const root = rootWithReserve(64 << 10);
  const alwaysFull = () => {
    throw full();
  };
  expect(() => withReserve(root, alwaysFull)).toThrow(FullTmpfs);
  expect(existsSync(join(root, 'reserve'))).toBe(false);
  const broken = () => {
    throw Object.assign(new Error('EIO'), { code: 'EIO' });
  };
  expect(() => withReserve(root, broken)).toThrow('EIO');
});

test('the log says which of the two is full', () => {
  const logged: unknown[] = [];
  const progress = new Progress('app.db', (_level, _event, fields) => void logged.push(fields));
  progress.failed(full());
  progress.failed(new FullTmpfs());
  expect(logged).toEqual([
    { database: 'app.db', reason: 'the disk of the data directory has no space' },
    { database: 'app.db', reason: 'the tmpfs has no space, not even for what the copier notes there' },
  ]);
});
