// The settings of the program in the words of the server process.
import { globSource } from '../../fs/index.ts';
import type { ServerOptions, UnprivilegedUser } from '../../server/index.ts';
import type { Settings } from '../config/options.ts';
import { installedVersion } from '../version.ts';

/** What the settings alone do not say. */
export interface ServedFiles {
  readonly dataDir: string;
  /** null without a mount. */
  readonly mountPoint: string | null;
  readonly fenced: readonly string[];
  readonly user: UnprivilegedUser | undefined;
}

export function serverOptions(settings: Settings, { dataDir, mountPoint, fenced, user }: ServedFiles): ServerOptions {
  return {
    root: mountPoint ?? dataDir,
    dataDir,
    mounted: mountPoint !== null,
    stateDir: settings.stateDir,
    version: installedVersion(),
    // With a mount it is the lock layer that refuses.
    fenced: mountPoint === null ? fenced : [],
    allowAnyAbsoluteDbPath: settings.allowAnyAbsoluteDbPath,
    createOnWrite: settings.createOnWrite,
    corsOrigins: settings.corsOrigin,
    allowHosts: settings.allowHost,
    authTokenFile: settings.authTokenFile ?? null,
    maxBodyBytes: settings.maxBodyBytes,
    executorMemoryBytes: settings.executorMemoryBytes,
    trustProxy: settings.trustProxy,
    archive:
      settings.archive === 'off'
        ? null
        : { included: settings.archiveInclude.map(globSource), excluded: settings.archiveExclude.map(globSource) },
    historyMaxAgeMs: settings.historyMaxAgeSeconds * 1000,
    historyMaxOps: settings.historyMaxOps,
    logLevel: settings.logLevel,
    ...(user !== undefined && { user }),
  };
}
