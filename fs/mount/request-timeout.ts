// Kernels from 6.15 on can be told to abort a connection whose server leaves a request unanswered for long. Locks are
// answered late on purpose, so every wait has to stay well below that.
import { readFileSync } from 'node:fs';
import { defaultLockLimits, type LockLimits } from '../locks/limits.ts';

/** Seconds after which the kernel aborts a new connection; undefined when it never does. */
export function requestTimeoutSeconds(folder = '/proc/sys/fs/fuse'): number | undefined {
  const limits = ['default_request_timeout', 'max_request_timeout'].map((name) => secondsIn(`${folder}/${name}`));
  const set = limits.filter((seconds) => seconds > 0);
  return set.length === 0 ? undefined : Math.min(...set);
}

/** `limits` with every wait below half of the timeout. */
export function boundedBy(timeoutSeconds: number, limits: Partial<LockLimits> = {}): Partial<LockLimits> {
  const mostMs = (timeoutSeconds * 1000) / 2 - 1;
  const bounded = (name: keyof LockLimits, boundMs = mostMs) =>
    Math.min(limits[name] ?? defaultLockLimits[name], boundMs);
  return {
    ...limits,
    queueMs: bounded('queueMs'),
    blockingMs: bounded('blockingMs'),
    commitMs: bounded('commitMs', mostMs * 0.8), // less than queueMs, as everywhere
    gateIdleMs: bounded('gateIdleMs'),
    fenceMs: bounded('fenceMs'),
    unreadCheckpointMs: bounded('unreadCheckpointMs'),
    unreadRestartMs: bounded('unreadRestartMs'),
  };
}

function secondsIn(path: string): number {
  try {
    return Number(readFileSync(path, 'latin1')) || 0;
  } catch {
    return 0; // an older kernel
  }
}
