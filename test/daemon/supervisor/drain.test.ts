import { expect, test } from 'vitest';
import { Drain } from '../../../daemon/children/drain.ts';

/** setTimeout makes 1 ms of anything longer. */
const longestTimerMs = 2 ** 31 - 1;

test.each([30 * 86_400, 1e10, Number.MAX_SAFE_INTEGER])(
  'a drain of %d s fits into a timer and is not over',
  (seconds) => {
    const drain = new Drain(seconds);
    expect(drain.leftMs).toBeGreaterThan(20 * 86_400_000);
    expect(drain.leftMs).toBeLessThan(longestTimerMs - 60_000);
    expect(drain.isOver).toBe(false);
  },
);

test('a drain of none is over', () => {
  expect(new Drain(0)).toMatchObject({ leftMs: 0, isOver: true });
});

test('a hurry ends it', async () => {
  const drain = new Drain(3600);
  drain.hurry();
  await drain.hurried;
  expect(drain).toMatchObject({ leftMs: 0, isOver: true });
});
