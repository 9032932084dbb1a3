// Whom a DATABASE_BUSY names.
import { expect, test } from 'vitest';
import type { DatabaseLocks, LockHolder, LockWaiter } from '../../../server/index.ts';
import { ApiError } from '../../../server/messages/errors.ts';
import { namingHolder } from '../../../server/process/locks.ts';

const executor = 500;
const busy = new ApiError('DATABASE_BUSY', 'the database is locked');
const party = (pid: number, mode: 'shared' | 'exclusive') => ({
  lock: mode === 'shared' ? 'SHARED' : 'RESERVED',
  mode,
  pid,
  command: pid === executor ? 'node' : 'python3',
  container: 'host',
});
const holds = (pid: number, mode: 'shared' | 'exclusive'): LockHolder => {
  return { ...party(pid, mode), since: '2026-01-01T00:00:00Z', heldMs: 7 };
};
const waits = (pid: number, blockedBy: number[]): LockWaiter => {
  return { ...party(pid, 'exclusive'), waitMs: 5, blockedBy };
};
const textFor = async (holders: LockHolder[], waiters: LockWaiter[]): Promise<string> => {
  const locks: DatabaseLocks = { db: 'app.db', journal: 'rollback', holders, waiters };
  const named = await namingHolder(busy, {
    readLocks: async () => locks,
    isExecutor: (pid) => pid === executor,
  });
  return named.message;
};

test('a program is named by its command, another request as such', async () => {
  expect(await textFor([holds(7, 'exclusive')], [])).toBe(
    'the database is locked: python3 (pid 7, host) holds RESERVED for 7 ms',
  );
  expect(await textFor([holds(executor, 'exclusive')], [])).toBe(
    'the database is locked: another request of this server (pid 500) holds RESERVED for 7 ms',
  );
});

test('it is named once, however many services an error passes', async () => {
  const readLocks = async () => ({
    db: 'app.db',
    journal: 'rollback' as const,
    holders: [holds(7, 'exclusive')],
    waiters: [],
  });
  const named = await namingHolder(busy, { readLocks, isExecutor: () => false });
  expect(await namingHolder(named, { readLocks, isExecutor: () => false })).toBe(named);
});

test('whoever waits for the lock is not named for the one that holds it', async () => {
  const reading = [holds(executor, 'shared'), holds(7, 'shared')];
  expect(await textFor(reading, [waits(executor, [7])])).toContain('pid 7');
  expect(await textFor(reading.toReversed(), [waits(7, [executor])])).toContain('another request');
  expect(await textFor([holds(executor, 'exclusive'), holds(7, 'shared')], [waits(executor, [7])])).toContain('pid 7');
});

test('nobody is named where nobody is known, or where the error is another one', async () => {
  expect(await textFor([], [])).toBe('the database is locked');
  const other = new ApiError('REQUEST_TIMEOUT', 'late');
  expect(await namingHolder(other, { readLocks: async () => undefined, isExecutor: () => false })).toBe(other);
});
