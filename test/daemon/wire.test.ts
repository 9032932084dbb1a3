import { expect, test } from 'vitest';
import { toFsCounters, toServerMessages } from '../../daemon/wire.ts';

test('the server is told of each database that was committed to, and of nothing else', () => {
  expect(toServerMessages({ type: 'committed', databases: ['a.db', 'b/c.db'] })).toEqual([
    { type: 'commit', database: 'a.db' },
    { type: 'commit', database: 'b/c.db' },
  ]);
  expect(toServerMessages({ type: 'unmounted' })).toEqual([]);
});

test('the counters are zero while nothing is mounted', () => {
  expect(toFsCounters(undefined)).toEqual({ requests: {}, lockWaits: 0, lockWaitMs: 0 });
});
