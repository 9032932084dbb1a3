// A million operations leave the fs process as it was.
import { expect, test } from 'vitest';
import { tempMount } from '../helpers/temp-mount.ts';
import { expectNoGrowth, operationsPerRound } from '../mount/churn.ts';

test('1,000,000 operations leave tables and memory where they began', { timeout: 3_600_000 }, async () => {
  const mount = await tempMount();
  try {
    await expectNoGrowth(mount, 1_000_000 / operationsPerRound, 60 << 20);
    expect(mount.log.filter(({ level }) => level === 'error')).toEqual([]);
  } finally {
    await mount.close();
  }
});
