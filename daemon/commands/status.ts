// Shows what the running daemon does: everything as JSON, or the essentials for a person. --alive asks only whether it
// serves.
import { setTimeout as delay } from 'node:timers/promises';
import type { CommandInput } from '../cli/command.ts';
import { printResult, wantsJson } from '../cli/output.ts';
import { statusText } from '../cli/status-text.ts';
import { showAgain } from '../cli/watch.ts';
import { connectToDaemon } from '../control/client.ts';
import { type ExitCode, exitCodes } from '../errors.ts';
import type { DaemonStatus } from '../supervisor/status.ts';

/** A person is told what happens per second, for which two looks are needed. */
const firstIntervalMs = 1000;

export async function run(input: CommandInput): Promise<ExitCode> {
  const daemon = await connectToDaemon(input);
  const look = async () => ({ status: (await daemon.ask('status')) as DaemonStatus, atMs: performance.now() });
  try {
    if (input.switches.has('alive')) {
      await daemon.ask('alive');
      const text = daemon.roots.length > 1 ? 'the mount and HTTP answer\n' : 'HTTP answers; nothing is mounted\n';
      printResult(input, { pid: daemon.pid, alive: true }, text);
      return exitCodes.ok;
    }
    if (wantsJson(input)) {
      await showAgain(input, async () => `${JSON.stringify((await look()).status)}\n`);
      return exitCodes.ok;
    }
    let earlier = await look();
    await delay(firstIntervalMs);
    await showAgain(input, async () => {
      const now = await look();
      const text = statusText(now.status, earlier.status, (now.atMs - earlier.atMs) / 1000);
      earlier = now;
      return text;
    });
  } finally {
    daemon.close();
  }
  return exitCodes.ok;
}
