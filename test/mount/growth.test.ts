// Inode and handle tables and memory come back to where they began; test/soak does the same a million times.
import { expect, test } from 'vitest';
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
