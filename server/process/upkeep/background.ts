// The work on databases with KV tables that no request waits for, in the server process: KvKeeper expires and prunes,
// NativeWriters names who wrote. Both do it by operations of low priority.

import { relative } from 'node:path';
import type { ServerOptions, WriteRecord } from '../../index.ts';
import { limits } from '../../messages/limits.ts';
import { kvUpkeep } from '../../messages/operations/kv-upkeep.ts';
import type { Log } from '../log.ts';
import type { Scheduler } from '../scheduler/scheduler.ts';
import { KvKeeper } from './keeper.ts';
import type { KeptDatabases } from './kept-databases.ts';
import { NativeWriters } from './native-writers.ts';

export interface BackgroundParts {
  readonly options: ServerOptions;
  readonly scheduler: Scheduler;
  readonly keptDatabases: KeptDatabases;
  /** Who wrote a database, given below the root. */
  readonly writers: (database: string) => Promise<WriteRecord | null>;
  readonly log: Log;
}

export interface Background {
  /** A KV operation ran on the database. */
  used(path: string): void;
  /** These processes committed to the database. */
  committed(path: string, pids: readonly number[]): void;
  stop(): void;
}

export function startBackground({ options, scheduler, keptDatabases, writers, log }: BackgroundParts): Background {
  const retention = { maxAgeSeconds: Math.ceil(options.historyMaxAgeMs / 1000), maxOps: options.historyMaxOps };
  const request = (path: string) => ({ path, deadlineMs: performance.now() + limits.deadlineDefaultSeconds * 1000 });
  const nativeWriters = new NativeWriters({
    ends: (path) => scheduler.run(kvUpkeep.logEnds, {}, request(path)),
    writers: (path) => writers(relative(options.root, path)),
    name: (path, rows) => scheduler.run(kvUpkeep.nameRows, rows, request(path)),
    isExecutor: (pid) => scheduler.executorPids.includes(pid),
  });
  const keeper = new KvKeeper({
    log,
    onKept: (path) => {
      if (options.mounted) nativeWriters.watch(path);
    },
    onLooked: (path, isKv) => {
      if (isKv) keptDatabases.add(path);
      else keptDatabases.remove(path);
    },
    onGone: (path) => {
      nativeWriters.forget(path);
      keptDatabases.remove(path);
    },
    retain: (path, progress) => scheduler.run(kvUpkeep.retain, { ...retention, progress }, request(path)),
  });
  keeper.resume(keptDatabases.paths);
  return {
    used: (path) => keeper.use(path),
    committed: (path, pids) => {
      keeper.onCommit(path);
      nativeWriters.onCommit(path, pids);
    },
    stop: () => {
      keeper.stop();
      nativeWriters.stop();
    },
  };
}
