// The options of the time machine: which databases have their commits kept, how long, and in how much space.
import type { Option } from './option.ts';
import {
  durationSeconds,
  durationText,
  list,
  oneOf,
  place,
  secondsPerDay,
  sizeBytes,
  sizeText,
} from './option-values.ts';

export type ArchiveMode = 'wal' | 'all' | 'off';

/** What holds where `--archive` is not given. */
export const archiveByDefault: ArchiveMode = 'wal';

export interface ArchiveSettings {
  /** `wal`: every commit of every database in WAL mode is kept. `all`: of those with a rollback journal as well. */
  readonly archive: ArchiveMode;
  /** Globs of databases with a rollback journal whose commits are kept with `wal` as well; none means none. */
  readonly archiveRollback: readonly string[];
  /** Globs of paths below the data directory; none means all. */
  readonly archiveInclude: readonly string[];
  readonly archiveExclude: readonly string[];
  readonly archiveEveryCommitSeconds: number;
  readonly archiveThinnedSeconds: number;
  /** Of all logs together; 0: what the archive process takes by itself (`budgetOf`). */
  readonly archiveBudgetBytes: number;
  /** URL of a store, or an absolute path; undefined: commits are not shipped. */
  readonly ship: string | undefined;
  /** Any moment of this time can be restored from the store. */
  readonly shipKeepSeconds: number;
}

export const archiveOptions: { readonly [K in keyof ArchiveSettings]: Option<ArchiveSettings[K]> } = {
  archive: {
    flag: 'archive',
    value: 'wal|all|off',
    parse: oneOf(['wal', 'all', 'off']),
    byDefault: () => archiveByDefault,
    defaultText: archiveByDefault,
    description:
      'keep every commit of the databases in WAL mode, or of all, in STATE-DIR/archive: for history, rewind and undo',
  },
  archiveRollback: {
    flag: 'archive-rollback',
    value: 'GLOB',
    parse: list,
    byDefault: () => [],
    defaultText: 'none',
    description: 'databases with a rollback journal whose commits --archive wal keeps as well; may be repeated',
    isList: true,
  },
  archiveInclude: {
    flag: 'archive-include',
    value: 'GLOB',
    parse: list,
    byDefault: () => [],
    defaultText: 'all databases',
    description: 'databases whose commits are kept, by their path below the data directory; may be repeated',
    isList: true,
  },
  archiveExclude: {
    flag: 'archive-exclude',
    value: 'GLOB',
    parse: list,
    byDefault: () => [],
    defaultText: 'none',
    description: 'databases whose commits are not kept, even where --archive-include names them; may be repeated',
    isList: true,
  },
  archiveEveryCommitSeconds: {
    flag: 'archive-every-commit',
    value: 'DURATION',
    parse: durationSeconds,
    byDefault: () => 7 * secondsPerDay,
    defaultText: '7d',
    description: 'how long every single commit is kept',
    unitText: durationText,
  },
  archiveThinnedSeconds: {
    flag: 'archive-thinned',
    value: 'DURATION',
    parse: durationSeconds,
    byDefault: () => 30 * secondsPerDay,
    defaultText: '30d',
    description: 'how long one state for each 5 minutes is kept; after that one for each day',
    unitText: durationText,
  },
  archiveBudgetBytes: {
    flag: 'archive-budget',
    value: 'SIZE|auto',
    parse: (text) => (text === 'auto' ? 0 : sizeBytes(text)),
    byDefault: () => 0,
    defaultText: 'auto: a copy of each database; for commits 10 % of the disk, at most the databases and 1 GiB',
    description: 'room for the kept commits of all databases; the oldest go when it is used up',
    textOf: (bytes) => (bytes === 0 ? 'auto' : String(bytes)),
    unitText: (bytes) => (bytes === 0 ? 'auto' : sizeText(bytes)),
  },
  ship: {
    flag: 'ship',
    value: 'URL',
    parse: place,
    byDefault: () => undefined,
    defaultText: 'nowhere',
    description: 'where a copy of all commits is kept up, for restore --from: file:///FOLDER or s3://BUCKET/PREFIX',
    textOf: (url) => url ?? 'off',
    isHidden: true,
  },
  shipKeepSeconds: {
    flag: 'ship-keep',
    value: 'DURATION',
    parse: durationSeconds,
    byDefault: () => secondsPerDay,
    defaultText: '1d',
    description: 'how far back any moment can be restored from the place of --ship',
    unitText: durationText,
  },
};
