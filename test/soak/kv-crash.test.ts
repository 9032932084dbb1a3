// test/timetravel/crash.test.ts, long.
import { test } from 'vitest';
import { withDaemon } from '../helpers/daemon.ts';
import { runCrashes } from '../timetravel/crash-run.ts';

test('300 kills lose no acknowledged write', { timeout: 3600_000 }, async () => {
  await withDaemon([], (daemon) => runCrashes(daemon, ['executor', 'server', 'fs'], 300));
});
