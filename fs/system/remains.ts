// What is left of a process that is ending. One that SIGKILL has hit runs no instruction of its own any more, but it
// does not end while a thread of it is inside a system call that cannot be interrupted, and the effect of that call may
// still come. One such call of an fs process may last for ever: telling the kernel to forget something waits for a
// directory or a page that a client holds until it is answered, and only a successor could answer. That call changes
// nothing but caches, so a successor need not wait for it.
import { readdirSync, readFileSync } from 'node:fs';
import { deviceInChild } from '../inherited.ts';

/** `stuck`: all of it has ended but threads that tell the kernel something. */
export type Remains = 'running' | 'stuck' | 'none';

const SIGKILL = 9n;
/** Number of write(2). On other processors the end of a stuck process is waited for. */
const writeCalls: Partial<Record<NodeJS.Architecture, string>> = { x64: '1', arm64: '64' };

/**
 * Of an fs process. Its first thread never waits in the kernel for long, so that one shows whether the process is
 * ending.
 */
export function remainsOf(pid: number): Remains {
  const first = statusOf(`/proc/${pid}`);
  if (first !== '' && !hasEnded(first)) return 'running';
  const threads = threadsOf(pid).filter((thread) => !hasEnded(statusOf(thread)));
  if (threads.length === 0) return 'none';
  return threads.every(isTelling) ? 'stuck' : 'running';
}

function threadsOf(pid: number): string[] {
  try {
    return readdirSync(`/proc/${pid}/task`).map((tid) => `/proc/${pid}/task/${tid}`);
  } catch {
    return [];
  }
}

/**
 * Empty when it is gone. `folder` is that of a process, which stands for its first thread, or of one of its threads.
 */
function statusOf(folder: string): string {
  try {
    return readFileSync(`${folder}/status`, 'latin1');
  } catch {
    return '';
  }
}

function hasEnded(status: string): boolean {
  return status === '' || /^State:\s*[ZX]/m.test(status);
}

function isTelling(thread: string): boolean {
  try {
    const pending = /^SigPnd:\s*([0-9a-f]+)$/m.exec(statusOf(thread))?.[1] ?? '0';
    const isKilled = (BigInt(`0x${pending}`) & (1n << (SIGKILL - 1n))) !== 0n;
    // The number of the call and its arguments, or "running".
    const [call, descriptor] = readFileSync(`${thread}/syscall`, 'latin1').split(' ');
    return isKilled && call === writeCalls[process.arch] && Number(descriptor) === deviceInChild;
  } catch {
    return false; // it has just ended, which the next look shows
  }
}
