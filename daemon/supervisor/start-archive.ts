// Starts what keeps the commits of databases, where it is asked for.
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { ArchiveService } from '../archive/archive-service.ts';
import type { Settings } from '../config/options.ts';
import type { Running } from './running.ts';

/** In the background: no start of the daemon waits for it. undefined where commits are not kept. */
export function startArchive(settings: Settings, running: Running): ArchiveService | undefined {
  const { log } = running;
  const archiveDir = join(settings.stateDir, 'archive');
  if (settings.archive === 'off') {
    if (existsSync(archiveDir)) {
      log.warn('archive-off', { folder: archiveDir, effect: 'commits from now on are not kept, and no past is shown' });
    }
    return undefined;
  }
  const { active = true, reason } = running.mounted?.service.archive ?? {};
  if (!active) {
    const effect = 'commits are found later, without who made them, and several may count as one';
    running.degraded.push(`${effect}: ${reason}`);
    log.warn('archive-without-records', { reason, effect });
  }
  const service = new ArchiveService({
    options: () => ({
      dataDir: running.data,
      archiveDir,
      include: settings.archiveInclude,
      exclude: settings.archiveExclude,
      retention: {
        everyCommitSeconds: settings.archiveEveryCommitSeconds,
        thinnedSeconds: settings.archiveThinnedSeconds,
        budgetBytes: settings.archiveBudgetBytes,
      },
    }),
    memoryFd: () => running.mounted?.service.mount?.keptState.memoryFd,
    log,
  });
  service.start();
  log.info('archive-on', { folder: archiveDir });
  return service;
}
