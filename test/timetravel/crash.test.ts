// Processes of a daemon are killed while KV clients write and a consumer follows the feed. Hours of it:
// test/soak/kv-crash.test.ts.
import { test } from 'vitest';
import { withDaemon } from '../helpers/daemon.ts';
import { runCrashes } from './crash-run.ts';

test('whatever is killed, acknowledged writes are in the value, the history and the feed', async () => {
  await withDaemon([], (daemon) => runCrashes(daemon, ['executor', 'server', 'fs'], 12));
});
