// Stops a process of a daemon right after one of its system calls, so that everything can be killed in that moment.
import { expect } from 'vitest';
import { eventually } from '../helpers/eventually.ts';
import { traced } from '../helpers/strace.ts';

/**
 * Runs `act`, and `atStop` while the process stands still behind its `step`th of these calls since then. False: it made
 * fewer of them in one thread.
 */
export async function stoppedAt(
  pid: number,
  calls: string,
  step: number,
  act: () => Promise<unknown>,
  atStop: () => Promise<void>,
): Promise<boolean> {
  const inject = ['-e', `trace=${calls}`, '-e', `inject=${calls}:signal=STOP:when=${step}`];
  return await traced(pid, inject, async (strace) => {
    let isDone = false;
    const acted = act()
      .catch(() => {})
      .finally(() => {
        isDone = true;
      });
    const isStopped = () => strace.calls().includes('stopped by SIGSTOP');
    await eventually(() => expect(isDone || isStopped()).toBe(true), { timeoutMs: 60_000 });
    if (!isStopped()) return false;
    await atStop();
    await acted;
    return true;
  });
}
