import { expect, test } from 'vitest';
import { shipFault, summaryOf } from '../../../daemon/ship/summary.ts';

const status = {
  url: 's3://bucket/prefix',
  lagMs: 1500,
  lagBytes: 8192,
  filesWritten: 3,
  bytesWritten: 4000,
  errors: 2,
  databases: [
    { name: 'a.db', txid: 3, shippedMs: 1, lagMs: 0, lagBytes: 0 },
    { name: 'b.db', txid: 0, shippedMs: null, lagMs: 1500, lagBytes: 8192 },
  ],
};

test('the figures of all databases are told, and nothing is wrong', () => {
  const summary = summaryOf(status);
  expect(summary).toEqual({ ...status, databases: 2, failure: null });
  expect(shipFault(summary)).toEqual([]);
  expect(shipFault(undefined)).toEqual([]);
});

test('what keeps it from being shipped is told, with since when', () => {
  const failure = { code: 'away', message: 's3://bucket/prefix: no whole answer', sinceMs: 1_764_000_000_000 } as const;
  expect(shipFault(summaryOf({ ...status, failure }))).toEqual([
    'commits are not shipped since 2025-11-24T16:00:00.000Z: s3://bucket/prefix: no whole answer',
  ]);
});
