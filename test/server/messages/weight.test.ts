import { expect, test } from 'vitest';
import { weightOf } from '../../../server/messages/weight.ts';

test('texts and buffers weigh their length wherever they stand', () => {
  expect(weightOf('x'.repeat(1000))).toBe(1000);
  expect(weightOf({ body: Buffer.alloc(1000) })).toBeGreaterThanOrEqual(1000);
  expect(weightOf([{ a: ['x'.repeat(500), { b: new Uint8Array(500) }] }])).toBeGreaterThanOrEqual(1000);
  expect(weightOf({ table: 'kv_store', key: 'k', ttlSeconds: 0, none: null, un: undefined, big: 1n })).toBeLessThan(
    200,
  );
});
