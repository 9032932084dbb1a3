// Descriptors of removed files are collected and handed over: many at once, and a few soon.
import { expect, test } from 'vitest';
import { LastCloses } from '../../../fs/nodes/last-closes.ts';
import { eventually } from '../../helpers/eventually.ts';

function collected() {
  const handedOver: (readonly number[])[] = [];
  return { closes: new LastCloses((fds) => handedOver.push(fds)), handedOver };
}

test('many are handed over together, without waiting', () => {
  const { closes, handedOver } = collected();
  const fds = Array.from({ length: 40 }, (_, fd) => fd);
  for (const fd of fds) closes.add(fd);
  expect(handedOver.length).toBeLessThan(10);
  expect(handedOver.flat()).toEqual(fds.slice(0, handedOver.flat().length));
  expect(handedOver.flat().length).toBeGreaterThan(20);
});

test('a single one is handed over after a while, once', async () => {
  const { closes, handedOver } = collected();
  expect(closes.dueMs).toBe(Number.POSITIVE_INFINITY);
  closes.add(7);
  expect(closes.dueMs).toBeLessThan(performance.now() + 1000);
  await eventually(() => {
    closes.runDue();
    expect(handedOver).toEqual([[7]]);
  });
  expect(closes.dueMs).toBe(Number.POSITIVE_INFINITY);
  closes.runDue();
  expect(handedOver).toEqual([[7]]);
});
