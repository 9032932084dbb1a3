// All processes of the daemon die at once, or its supervisor alone, while clients of every kind write; then a new one
// is started.
import { expect, test } from 'vitest';
import { killProcess, withDaemon, withPaths } from '../helpers/daemon.ts';
import { deaths, underLoad } from './rounds.ts';

/** The promise is 5 s; tests that look at a clock allow more on a busy machine. */
const slowStartMs = 30_000;

test('kill -9 of all processes at once: served again soon, nothing acknowledged is lost, nothing is damaged', async () => {
  await withPaths(async (paths) => {
    const { worstStartMs } = await deaths(paths, 1, ({ processes }) => processes.map(({ pid }) => pid));
    expect(worstStartMs).toBeLessThan(slowStartMs);
  });
});

test('kill -9 of the supervisor alone, again and again: nothing acknowledged is lost, nothing is damaged', async () => {
  await withPaths(async (paths) => {
    const { worstStartMs } = await deaths(paths, 2, ({ processes }) =>
      processes.flatMap(({ role, pid }) => (role === 'supervisor' ? [pid] : [])),
    );
    expect(worstStartMs).toBeLessThan(slowStartMs);
  });
});

test('kill -9 of the server or of an executor: only requests in flight fail, nothing acknowledged is lost', async () => {
  await withDaemon([], async (daemon) => {
    const result = await underLoad(daemon, 4, (round) => killProcess(daemon, round % 2 === 0 ? 'server' : 'executor'));
    expect(result.errors.filter((error) => !error.startsWith('http-'))).toEqual([]);
    // One request of each HTTP client can have been in flight in each round, and its next one while the server starts.
    expect(result.errors.length).toBeLessThanOrEqual(4 * 2 * 2);
  });
});
