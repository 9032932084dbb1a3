// The archive process reads nothing for as long as a program works, however long that takes.
import { type Daemon, pidOf } from '../helpers/daemon.ts';

/** The supervisor stands still as well: after 11 s of silence it would end the archive process. */
export async function whileArchiveStops<Result>(daemon: Daemon, work: () => Result): Promise<Result> {
  const pids = [daemon.pid, await pidOf(daemon, 'archive')];
  for (const pid of pids) process.kill(pid, 'SIGSTOP');
  try {
    return work();
  } finally {
    for (const pid of pids) process.kill(pid, 'SIGCONT');
  }
}
