// The processes that work on databases: executors that requests share, and one for each transaction that a client keeps
// open between requests.
import { relative } from 'node:path';
import type { LockSnapshot, ServerOptions } from '../index.ts';
import { limits } from '../messages/limits.ts';
import type { PathRules } from '../messages/paths.ts';
import { locksOf } from './locks.ts';
import type { Log } from './log.ts';
import { Scheduler, type SchedulerDeps } from './scheduler/scheduler.ts';
import { Sessions } from './sessions/sessions.ts';

export interface ExecutorsParts extends Pick<SchedulerDeps, 'isFenced' | 'isCongested' | 'onGroup'> {
  readonly options: ServerOptions;
  readonly rules: PathRules;
  readonly locks: () => Promise<LockSnapshot>;
  /** A transaction that was kept open has committed. */
  readonly onSessionWrote: (path: string) => void;
  readonly log: Log;
}

export interface Executors {
  readonly scheduler: Scheduler;
  readonly sessions: Sessions;
  readonly executorPids: () => number[];
}

export function createExecutors(parts: ExecutorsParts): Executors {
  const { options, rules, isFenced, locks, isCongested, onGroup, onSessionWrote, log } = parts;
  const { mounted, executorMemoryBytes } = options;
  const lockWaits = async (path: string): Promise<LockSnapshot['databases'][number]['waiters']> => {
    if (!mounted) return [];
    return locksOf(await locks(), relative(options.root, path))?.waiters ?? [];
  };
  const scheduler = new Scheduler({
    rules,
    separateReaders: mounted,
    isFenced,
    lockWaiters: async (path) => (await lockWaits(path)).map(({ pid }) => pid),
    executorMemoryBytes,
    queuedBytes: Math.max(limits.queuedBytes, 4 * options.maxBodyBytes),
    isCongested,
    log,
    onGroup,
  });
  const sessions = new Sessions({
    rules,
    isFenced,
    lockWaits,
    upkeepPids: () => scheduler.upkeepPids,
    // The mount knows who waits for whom.
    writingForMs: (path) => (mounted ? 0 : scheduler.writingForMs(path)),
    executorMemoryBytes,
    log,
    onWrote: onSessionWrote,
  });
  return { scheduler, sessions, executorPids: () => [...scheduler.executorPids, ...sessions.executorPids] };
}
