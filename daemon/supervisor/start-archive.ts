// Starts what keeps the commits of databases, where it is asked for.
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { FsStartOptions } from '../../fs/index.ts';
import { ArchiveService } from '../archive/archive-service.ts';
import type { Settings } from '../config/options.ts';
import { downChildren } from './down-children.ts';
import type { Running } from './running.ts';

/**
 * Not while a database is fenced: whether the programs of a dead mount have closed it is found out by whether anybody
 * has it open, and the archive process has. In the background: no start of the daemon waits for it.
 */
export function startArchiveUnlessFenced({ archive, fenced, isStopping }: Running): void {
  if (fenced.length === 0 && !isStopping) archive?.start();
}

/** What the fs process does for the archive. */
export function archivingOptions(settings: Settings): Pick<FsStartOptions, 'archive' | 'capture'> {
  if (settings.archive === 'off') return {};
  const rollback = rollbackOf(settings);
  if (rollback === undefined) return { archive: true };
  return { archive: true, capture: { rollback, include: settings.archiveInclude, exclude: settings.archiveExclude } };
}

/** Globs of the databases with a rollback journal that are followed; [] means all, undefined none. */
function rollbackOf({ archive, archiveRollback }: Settings): readonly string[] | undefined {
  if (archive === 'all') return [];
  return archiveRollback.length > 0 ? archiveRollback : undefined;
}

/** To be started. undefined where commits are not kept. */
export function makeArchive(settings: Settings, running: Running): ArchiveService | undefined {
  const rollback = rollbackOf(settings);
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
      ...(rollback === undefined ? {} : { rollback }),
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

const withoutWriters = 'commits are kept without who made them';
const onlyOfClosed =
  'commits of an open database are not seen: what has changed counts as one when no program has it open';

/** Nobody notes commits for the archive process: what that means, and why. It is a fault where flags ask for more. */
function tellOfMissingRecords({ passthrough, locks }: Settings, running: Running): void {
  const { mounted, archiveLimits, isArchiveAskedFor, log } = running;
  const service = mounted?.service;
  if (service === undefined) archiveLimits.push(`${withoutWriters} (nothing is mounted)`);
  if (service === undefined || service.archive.active) return;
  const { reason } = service.archive;
  const effect = service.passthrough.active ? withoutWriters : onlyOfClosed;
  const isFault = isArchiveAskedFor && passthrough !== 'off' && locks !== 'kernel';
  archiveLimits.push(`${effect} (${reason})`);
  if (isFault) running.degraded.push(`${effect} (${reason})`);
  log.write(isFault ? 'warn' : 'info', 'archive-without-records', { reason, effect });
}

/** What limits the archive right now. */
export function archiveLimitsOf({ archive, archiveLimits, fenced }: Running): string[] {
  if (archive === undefined) return [];
  const waits = fenced.length > 0 ? ['no commits are kept until every fenced database is closed'] : [];
  return [...archiveLimits, ...waits, ...downChildren([archive.process])];
}
