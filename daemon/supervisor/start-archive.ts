// Starts what keeps the commits of databases, where it is asked for.
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { ArchiveService } from '../archive/archive-service.ts';
import type { Settings } from '../config/options.ts';
import type { Running } from './running.ts';

/**
 * Not while a database is fenced: whether the programs of a dead mount have closed it is found out by whether anybody
 * has it open, and the archive process has. In the background: no start of the daemon waits for it.
 */
export function startArchiveUnlessFenced({ archive, fenced, isStopping }: Running): void {
  if (fenced.length === 0 && !isStopping) archive?.start();
}

/** To be started. undefined where commits are not kept. */
export function makeArchive(settings: Settings, running: Running): ArchiveService | undefined {
  const { log } = running;
  const archiveDir = join(settings.stateDir, 'archive');
  if (settings.archive === 'off') {
    if (existsSync(archiveDir)) {
      log.warn('archive-off', { folder: archiveDir, effect: 'commits from now on are not kept, and no past is shown' });
    }
    return undefined;
  }
  tellOfMissingRecords(settings, running);
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
  log.info('archive-on', { folder: archiveDir });
  return service;
}

/** A mount that cannot note commits, and what that means. It is no fault where flags have asked for such a mount. */
function tellOfMissingRecords({ passthrough, locks }: Settings, { mounted, degraded, log }: Running): void {
  const service = mounted?.service;
  if (service === undefined || service.archive.active) return;
  const { reason } = service.archive;
  const effect = service.passthrough.active
    ? 'commits are kept without who made them'
    : 'commits of an open database are not seen: what has changed counts as one when no program has it open';
  const isAskedFor = passthrough === 'off' || locks === 'kernel';
  if (!isAskedFor) degraded.push(`${effect} (${reason})`);
  log.write(isAskedFor ? 'info' : 'warn', 'archive-without-records', { reason, effect });
}
