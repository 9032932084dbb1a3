import { describe, expect, test } from 'vitest';
import { limitFiles, limitsOf, planRamdisk, type RamdiskFacts, ramdiskBytes } from '../../../daemon/ramdisk/plan.ts';

const facts: RamdiskFacts = {
  wanted: 'auto',
  isAskedFor: false,
  directory: 'absent',
  mayMount: true,
  obstacle: undefined,
};

describe('the size', () => {
  test('is half of the memory', () => {
    expect(ramdiskBytes(8 << 20, [])).toBe(4 << 20);
  });

  test('is half of the lowest limit of the control groups', () => {
    expect(ramdiskBytes(8 * 2 ** 30, limitsOf(['max\n', '536870912\n', '1073741824\n', '']))).toBe(256 * 2 ** 20);
  });

  test('is whole pages', () => {
    expect(ramdiskBytes(10_001, [])).toBe(4096);
  });

  test('looks at the limits of the control group and of all above', () => {
    expect(limitFiles('0::/a/b\n')).toEqual([
      '/sys/fs/cgroup/memory.max',
      '/sys/fs/cgroup/a/memory.max',
      '/sys/fs/cgroup/a/b/memory.max',
    ]);
    expect(limitFiles('4:memory:/x\n3:cpu:/y\n')).toEqual([
      '/sys/fs/cgroup/memory/memory.limit_in_bytes',
      '/sys/fs/cgroup/memory/x/memory.limit_in_bytes',
    ]);
    expect(limitFiles('0::/../../x\n')).toContain('/sys/fs/cgroup/x/memory.max');
  });
});

describe('the plan', () => {
  test('is to do nothing where nobody asks for it', () => {
    expect(planRamdisk(facts)).toEqual({ action: 'none' });
    expect(planRamdisk({ ...facts, directory: 'tmpfs' })).toEqual({ action: 'none' });
  });

  test('is to use a tmpfs that is there', () => {
    const asked = { ...facts, isAskedFor: true, directory: 'tmpfs' } as const;
    expect(planRamdisk(asked)).toEqual({ action: 'use', directory: '/ramdisk' });
  });

  test('is to mount one where a database asks for it, or a directory is named', () => {
    expect(planRamdisk({ ...facts, isAskedFor: true })).toEqual({ action: 'mount', directory: '/ramdisk' });
    expect(planRamdisk({ ...facts, wanted: '/r', directory: 'empty' })).toEqual({ action: 'mount', directory: '/r' });
  });

  test('is never to mount over files, nor without the right to', () => {
    const asked = { ...facts, isAskedFor: true };
    for (const wrong of [{ directory: 'files' }, { directory: 'other' }, { mayMount: false }] as const) {
      expect(planRamdisk({ ...asked, ...wrong })).toEqual({ action: 'none', reason: expect.any(String) });
    }
  });

  test('says why nothing is done only to those who asked', () => {
    expect(planRamdisk({ ...facts, wanted: 'off', isAskedFor: true })).toMatchObject({
      reason: expect.stringContaining('off'),
    });
    expect(planRamdisk({ ...facts, wanted: 'off' })).toEqual({ action: 'none' });
    expect(planRamdisk({ ...facts, directory: 'tmpfs', obstacle: 'no mount' })).toEqual({ action: 'none' });
    expect(planRamdisk({ ...facts, wanted: '/r', obstacle: 'no mount' })).toEqual({
      action: 'none',
      reason: 'no mount',
    });
  });
});
