// Every option of the program in one table: flags, HOODY_SQLITE_* variables, keys of the configuration file and the
// help text all come from it. A value is checked by the option's kind (option-values.ts), whatever source it comes
// from.

import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import type { LockLimits } from '../../fs/index.ts';
import { type LogFormat, type LogLevel, logFormats, logLevels } from '../log.ts';
import { type ArchiveSettings, archiveOptions } from './archive-options.ts';
import { addressText, type ListenAddress, parseListenAddress } from './listen-address.ts';
import { type Option, toggle } from './option.ts';
import {
  directoriesBelow,
  durationSeconds,
  durationText,
  executorMemory,
  fileMode,
  integer,
  list,
  lockLimits,
  name,
  oneOf,
  path,
  secondsPerDay,
  sizeBytes,
  sizeText,
} from './option-values.ts';
import { type RamdiskSettings, ramdiskOptions } from './ramdisk-options.ts';

/**
 * The checked values of `start` and of the commands that talk to a daemon. Paths are absolute, durations and sizes in
 * the unit of the name.
 */
export interface Settings extends ArchiveSettings, RamdiskSettings {
  readonly mount: string;
  readonly data: string;
  readonly listen: ListenAddress;
  /** Permissions of a socket file; undefined leaves it to the umask. */
  readonly socketMode: number | undefined;
  /** Name or number of the group of a socket file; undefined leaves it to who starts the daemon. */
  readonly socketGroup: string | undefined;
  readonly noMount: boolean;
  readonly requireMount: boolean;
  readonly passthrough: 'auto' | 'on' | 'off';
  readonly locks: 'coordinated' | 'kernel';
  /** Directories below the data directory, none in another one: there the kernel keeps the locks. */
  readonly locksKernel: readonly string[];
  readonly lockLimits: Partial<LockLimits>;
  readonly idlePolling: 'auto' | 'on' | 'off';
  readonly config: string | undefined;
  readonly stateDir: string;
  readonly runDir: string;
  readonly drainSeconds: number;
  readonly user: string | undefined;
  readonly logLevel: LogLevel;
  readonly logFormat: LogFormat;
  readonly allowAnyAbsoluteDbPath: boolean;
  readonly createOnWrite: boolean;
  readonly authTokenFile: string | undefined;
  readonly maxBodyBytes: number;
  readonly executorMemoryBytes: number;
  readonly corsOrigin: readonly string[];
  readonly allowHost: readonly string[];
  readonly trustProxy: boolean;
  readonly insecure: boolean;
  readonly historyMaxAgeSeconds: number;
  readonly historyMaxOps: number;
}

type Options = { readonly [K in keyof Settings]: Option<Settings[K]> };

const isRoot = () => process.getuid?.() === 0;

export const options: Options = {
  mount: {
    flag: 'mount',
    value: 'DIR',
    parse: path,
    byDefault: () => '/hoody/databases',
    defaultText: '/hoody/databases',
    description: 'where the databases are mounted',
  },
  data: {
    flag: 'data',
    value: 'DIR',
    parse: path,
    byDefault: () => resolve(isRoot() ? '/var/lib/hoody/databases' : 'databases'),
    defaultText: '/var/lib/hoody/databases as root, else ./databases',
    description: 'directory that holds the database files',
  },
  listen: {
    flag: 'listen',
    value: 'HOST:PORT',
    parse: parseListenAddress,
    byDefault: () => parseListenAddress('127.0.0.1:8484'),
    defaultText: '127.0.0.1:8484',
    description: 'address of the HTTP server; port 0 picks a free one, unix:/path is a socket file',
    textOf: addressText,
  },
  socketMode: {
    flag: 'socket-mode',
    value: 'MODE',
    parse: fileMode,
    byDefault: () => undefined,
    defaultText: 'what the umask leaves',
    description: 'permissions of the socket file of --listen unix:/path, as 660; a client needs to write',
    textOf: (mode) => (mode === undefined ? '' : mode.toString(8).padStart(3, '0')),
  },
  socketGroup: {
    flag: 'socket-group',
    value: 'GROUP',
    parse: name,
    byDefault: () => undefined,
    defaultText: 'that of whoever starts the daemon',
    description: 'group of the socket file of --listen unix:/path',
  },
  noMount: toggle('no-mount', 'serve HTTP from the data directory only, mount nothing'),
  requireMount: toggle(
    'require-mount',
    'refuse to start where nothing can be mounted; without this flag HTTP is served all the same',
  ),
  passthrough: {
    flag: 'passthrough',
    value: 'auto|on|off',
    parse: oneOf(['auto', 'on', 'off']),
    byDefault: () => 'auto',
    defaultText: 'auto',
    description: 'let the kernel read and write the data files directly; on refuses to start without it',
  },
  locks: {
    flag: 'locks',
    value: 'coordinated|kernel',
    parse: oneOf(['coordinated', 'kernel']),
    byDefault: () => 'coordinated',
    defaultText: 'coordinated',
    description: 'who keeps the locks on the mount: the daemon queues waiters, the kernel refuses them',
  },
  locksKernel: {
    flag: 'locks-kernel',
    value: 'DIR/**',
    parse: directoriesBelow,
    byDefault: () => [],
    defaultText: 'none',
    description:
      'directory of the mount in which the kernel keeps the locks: the speed of the disk, but no queue, no names of ' +
      'writers and no databases in RAM; may be repeated',
    isList: true,
  },
  lockLimits: {
    flag: 'lock-limit',
    value: 'NAME=NUMBER',
    parse: lockLimits,
    byDefault: () => ({}),
    defaultText: null,
    description: 'for measurements: a constant of the lock queue, explained in fs/locks/README.md',
    textOf: (limits) =>
      Object.entries(limits)
        .map(([limit, value]) => `${limit}=${value}`)
        .join(','),
    isList: true,
  },
  idlePolling: {
    flag: 'idle-polling',
    value: 'auto|on|off',
    parse: oneOf(['auto', 'on', 'off']),
    byDefault: () => 'auto',
    defaultText: 'auto',
    description:
      'keep idle processors awake while programs ask the mount back to back; this makes locks up to 2.5 times as fast ' +
      'and costs power; auto does so on machines with at most 4 processors',
  },
  config: {
    flag: 'config',
    value: 'FILE',
    parse: path,
    byDefault: () => undefined,
    defaultText: 'none',
    description: 'JSON file with any of these options, keyed by long flag without the dashes',
  },
  stateDir: {
    flag: 'state-dir',
    value: 'DIR',
    parse: path,
    byDefault: () =>
      existsSync('/hoody/storage')
        ? '/hoody/storage/sqlite'
        : resolve(isRoot() ? '/var/lib/hoody-sqlite' : '.hoody-sqlite'),
    defaultText:
      '/hoody/storage/sqlite where /hoody/storage exists, else /var/lib/hoody-sqlite as root, else ./.hoody-sqlite',
    description: 'directory for what must survive a restart, such as the query history',
  },
  runDir: {
    flag: 'run-dir',
    value: 'DIR',
    parse: path,
    byDefault: () => {
      if (isRoot()) return '/run/hoody-sqlite';
      const perUser = process.env.XDG_RUNTIME_DIR;
      return perUser ? `${perUser}/hoody-sqlite` : `/tmp/hoody-sqlite-${process.getuid?.() ?? 0}`;
    },
    defaultText: '/run/hoody-sqlite as root, else $XDG_RUNTIME_DIR/hoody-sqlite or /tmp/hoody-sqlite-UID',
    description: 'directory of run-time files: control sockets, and which daemon runs',
  },
  drainSeconds: {
    flag: 'drain',
    value: 'SECONDS',
    parse: durationSeconds,
    unitText: durationText,
    byDefault: () => 10,
    defaultText: '10',
    description: 'how long a stop waits for programs that hold files on the mount',
  },
  user: {
    flag: 'user',
    value: 'NAME',
    parse: (text) => text,
    byDefault: () => undefined,
    defaultText: 'whoever starts the daemon',
    description: 'user that the HTTP server and its executors run as; the mount stays with root',
  },
  logLevel: {
    flag: 'log-level',
    value: logLevels.join('|'),
    parse: oneOf(logLevels),
    byDefault: () => 'info',
    defaultText: 'info',
    description: 'log events of this level and above',
    isLive: true,
  },
  logFormat: {
    flag: 'log-format',
    value: logFormats.join('|'),
    parse: oneOf(logFormats),
    byDefault: () => 'auto',
    defaultText: 'auto: text on a terminal, else json',
    description: 'lines of the log; journal = text with the priority in front, for systemd',
  },
  allowAnyAbsoluteDbPath: toggle(
    'allow-any-absolute-db-path',
    'let HTTP requests name databases anywhere on this machine by absolute path',
  ),
  createOnWrite: toggle('create-on-write', 'let an HTTP write create the database that it names'),
  authTokenFile: {
    flag: 'auth-token-file',
    value: 'FILE',
    parse: path,
    byDefault: () => undefined,
    defaultText: 'none, requests need no token',
    description: 'file with lines "full TOKEN" or "read TOKEN"; each HTTP request needs one of these tokens',
  },
  maxBodyBytes: {
    flag: 'max-body-bytes',
    value: 'BYTES',
    parse: sizeBytes,
    unitText: sizeText,
    byDefault: () => 16 * 2 ** 20,
    defaultText: '16MiB',
    description: 'largest HTTP request body',
  },
  executorMemoryBytes: {
    flag: 'executor-memory',
    value: 'BYTES',
    parse: executorMemory,
    unitText: sizeText,
    byDefault: () => 2 ** 30,
    defaultText: '1GiB',
    description: 'memory of each process that runs SQL; work that needs more is answered 413',
  },
  corsOrigin: {
    flag: 'cors-origin',
    value: 'ORIGIN',
    parse: list,
    byDefault: () => [],
    defaultText: 'none',
    description: 'origin whose web pages may use the API, or * for any; may be repeated',
    isList: true,
  },
  allowHost: {
    flag: 'allow-host',
    value: 'NAME',
    parse: list,
    byDefault: () => [],
    defaultText: 'localhost and the listen address',
    description: 'another Host name that requests may use, or * for any; may be repeated',
    isList: true,
  },
  trustProxy: toggle('trust-proxy', 'take the client address from the X-Forwarded-For header'),
  insecure: toggle('insecure', 'allow a --listen address that other machines can reach, without a token file'),
  historyMaxAgeSeconds: {
    flag: 'history-max-age',
    value: 'DURATION',
    parse: durationSeconds,
    unitText: durationText,
    byDefault: () => 30 * secondsPerDay,
    defaultText: '30d',
    description: 'how long the history of a key is kept; 0 = for ever',
  },
  historyMaxOps: {
    flag: 'history-max-ops',
    value: 'COUNT',
    parse: integer(0, 1e12),
    byDefault: () => 10_000,
    defaultText: '10000',
    description: 'how many changes of a key are kept; 0 = all',
  },
  ...archiveOptions,
  ...ramdiskOptions,
};

export type SettingName = keyof Settings;

export const settingNames = Object.keys(options) as readonly SettingName[];

export function settingOfFlag(flag: string): SettingName | undefined {
  return settingNames.find((name) => options[name].flag === flag);
}

/** `--log-level` is HOODY_SQLITE_LOG_LEVEL. */
export function variableOf(name: SettingName): string {
  return `${variablePrefix}${options[name].flag.toUpperCase().replaceAll('-', '_')}`;
}

export const variablePrefix = 'HOODY_SQLITE_';
