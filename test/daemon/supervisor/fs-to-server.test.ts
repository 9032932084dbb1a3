import { expect, test } from 'vitest';
import { toFsCounters, toServerMessages } from '../../../daemon/supervisor/fs-to-server.ts';

test('the server is told of each database that was committed to, and of nothing else', () => {
  expect(
    toServerMessages({
      type: 'committed',
      databases: [
        { name: 'a.db', pids: [7, 8] },
        { name: 'b/c.db', pids: [9] },
      ],
    }),
  ).toEqual([
    { type: 'commit', database: 'a.db', pids: [7, 8] },
    { type: 'commit', database: 'b/c.db', pids: [9] },
  ]);
  expect(toServerMessages({ type: 'unmounted' })).toEqual([]);
});

test('the counters are zero while nothing is mounted', () => {
  expect(toFsCounters(undefined)).toEqual({
    requests: {},
    lockWaits: 0,
    lockWaitMs: 0,
    refusedForRoom: 0,
    longestStepMs: 0,
    slowSteps: 0,
  });
});
