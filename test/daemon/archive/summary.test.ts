import { expect, test } from 'vitest';
import { summaryOf } from '../../../daemon/archive/summary.ts';

const one = { commits: 3, oldestMs: 1, newestMs: 2, bytes: 10, lagBytes: 0, gaps: 0 };

test('the figures of the databases whose commits are kept are added up', () => {
  expect(
    summaryOf({
      databases: [
        { ...one, name: 'a.db', state: 'current' },
        { ...one, name: 'b.db', state: 'behind', lagBytes: 4096, lagMs: 30, gaps: 2 },
        { ...one, name: 'c.db', state: 'copying', lagBytes: 100, lagMs: 20 },
        { ...one, name: 'd.db', state: 'off', reason: 'no write-ahead log' },
      ],
      bytes: 40,
      budgetBytes: 1000,
    }),
  ).toEqual({
    databases: 3,
    commits: 9,
    bytes: 40,
    budgetBytes: 1000,
    lagBytes: 4196,
    lagMs: 30,
    gaps: 2,
    left: [{ database: 'd.db', reason: 'no write-ahead log' }],
  });
});

test('without databases nothing lags', () => {
  expect(summaryOf({ databases: [], bytes: 0, budgetBytes: 1 })).toMatchObject({ databases: 0, lagBytes: 0, lagMs: 0 });
});
