// The server process as its supervisor sees it: where its program lies, what it is told at start, and every message
// that crosses the IPC channel in either direction. Nothing else of server/ is imported from outside.
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/** The compiled entry of the server process. It inherits the listening socket as fd 3 and speaks the messages below. */
export const serverProcessPath: string = fileURLToPath(
  new URL(import.meta.url.endsWith('.ts') ? '../dist/server/process/main.js' : './process/main.js', import.meta.url),
);

/**
 * Why SQLite itself cannot guard the databases on this machine, or null: then the server refuses every SQL statement
 * that it does not know to be harmless, and kills executors where it would interrupt them.
 */
export async function inspectSqlGuard(): Promise<string | null> {
  const { findGuard } = await import('./executor/guard/guard.ts');
  const found = findGuard();
  return found instanceof Error ? found.message : null;
}

/** Why the server would not start with this file of tokens, or null. */
export async function inspectTokenFile(path: string): Promise<string | null> {
  const { parseTokens } = await import('./process/http/tokens.ts');
  try {
    parseTokens(readFileSync(path, 'utf8'));
    return null;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

export { parseAt } from './messages/moment.ts';
/** What the server asks about the past of databases, and what it is answered. */
export type {
  ArchiveAnswer,
  ArchiveErrorCode,
  ArchiveQuestion,
  ArchiveStatus,
  ChangedTablesAnswer,
  HistoryAnswer,
  LastRewind,
  MaterialiseAnswer,
  Moment,
  PatchAnswer,
  VerifyAnswer,
} from './messages/time-machine.ts';

export type LogLevel = 'debug' | 'info' | 'warn' | 'error';

/** A user of this machine, by all that is needed to become it. */
export interface UnprivilegedUser {
  readonly uid: number;
  readonly gid: number;
  readonly groups: readonly number[];
}

export interface ServerOptions {
  /**
   * Where bare database names live and executors open files: the mount point, or the data directory without a mount.
   */
  readonly root: string;
  /** The directory behind the mount; equal to `root` without one. */
  readonly dataDir: string;
  readonly mounted: boolean;
  /** Durable state of the program itself (not of databases). */
  readonly stateDir: string;
  /** The version shown by health and OpenAPI. */
  readonly version: string;
  /** Databases below `root` that must not be opened: see the message `fenced`. */
  readonly fenced: readonly string[];
  readonly allowAnyAbsoluteDbPath: boolean;
  readonly createOnWrite: boolean;
  /** Origins of other web pages that may call the API; `*` for all. */
  readonly corsOrigins: readonly string[];
  /** Host header names accepted besides localhost and IP literals; `*` for all. */
  readonly allowHosts: readonly string[];
  readonly authTokenFile: string | null;
  readonly maxBodyBytes: number;
  /** What one executor process may have of memory (RLIMIT_DATA). */
  readonly executorMemoryBytes: number;
  readonly trustProxy: boolean;
  /** null: no commits are kept. */
  readonly archive: ArchivedFiles | null;
  readonly historyMaxAgeMs: number;
  /** Newest operations kept per key; 0 keeps all. */
  readonly historyMaxOps: number;
  readonly logLevel: LogLevel;
  /** Whom the server and its executors run as; without it, as whoever starts them. */
  readonly user?: UnprivilegedUser;
}

/** Whose commits are kept: sources of regular expressions (flag `s`) for paths below the root. */
export interface ArchivedFiles {
  /** None means all. */
  readonly included: readonly string[];
  /** Wins. */
  readonly excluded: readonly string[];
}

/** Supervisor -> server. */
export type ToServer =
  | { readonly type: 'start'; readonly options: ServerOptions }
  /** Answered by an `answer` with the same id. Known names: 'status' (ServerStatus), 'request' (ServerAnswer). */
  | { readonly type: 'query'; readonly id: number; readonly name: string; readonly args?: unknown }
  /** Nobody waits for the answer to the query 'request' of this name any more: as if its client had left. */
  | { readonly type: 'give-up'; readonly request: string }
  /** The answer to a query that the server asked its supervisor. */
  | { readonly type: 'answer'; readonly id: number; readonly value?: unknown; readonly error?: string }
  /** These processes (native clients or executors) committed to a database of the mount: its path below the root. */
  | { readonly type: 'commit'; readonly database: string; readonly pids: readonly number[] }
  /**
   * Without a mount: all databases below the root that programs of a mount which has died still have open, and write
   * without a lock.
   */
  | { readonly type: 'fenced'; readonly databases: readonly string[] }
  | { readonly type: 'log-level'; readonly level: LogLevel }
  /**
   * Finish what runs (at most `drainMs`), then end. Handover: another server process listens on the same socket
   * already.
   */
  | { readonly type: 'stop'; readonly drainMs: number; readonly isHandover: boolean };

export type SupervisorQuestion = 'locks' | 'fs-counters' | 'writers' | 'daemon-state' | 'archive' | 'tier';

export type { TierAnswer, TieredDatabase, TierList, TierQuestion } from './messages/tier.ts';

/** Server -> supervisor. */
export type FromServer =
  | { readonly type: 'ready' }
  | { readonly type: 'answer'; readonly id: number; readonly value?: unknown; readonly error?: string }
  /**
   * Asks the supervisor: 'locks' (LockSnapshot), 'fs-counters' (FsCounters), 'writers' (WriteRecord) of the database
   * below the root that `args` names, 'daemon-state' (DaemonState) where `args` lists the databases below the root
   * that executors have open, or 'archive' (ArchiveAnswer) with an ArchiveQuestion or 'tier' (TierAnswer) with a
   * TierQuestion, which both may take minutes. Without a mount the first three answer empty, or null.
   */
  | { readonly type: 'query'; readonly id: number; readonly name: SupervisorQuestion; readonly args?: unknown }
  /** Without a mount: executors have written these databases, by their path below the root. */
  | { readonly type: 'committed'; readonly databases: readonly string[] }
  | {
      readonly type: 'log';
      readonly level: LogLevel;
      readonly event: string;
      readonly fields: Readonly<Record<string, unknown>>;
    };

/** Arguments of the query 'request': an HTTP request of the local user, who needs no token. */
export interface ServerRequest {
  readonly method: string;
  /** Path and query. */
  readonly target: string;
  readonly timeoutMs: number;
  /** Names in small letters. */
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
  /** By which it can be given up. */
  readonly name?: string;
}

/** Its answer: what HTTP would have answered. */
export interface ServerAnswer {
  readonly status: number;
  readonly contentType: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

export interface ServerStatus {
  readonly pid: number;
  readonly executors: readonly number[];
  readonly openDatabases: number;
  readonly queuedJobs: number;
  readonly requests: number;
}

/** Who holds and who waits on the mount right now. Empty without one, and where the kernel keeps the locks. */
export interface LockSnapshot {
  readonly databases: readonly DatabaseLocks[];
}

export interface DatabaseLocks {
  /** Path below the root. */
  readonly db: string;
  readonly journal: string;
  readonly holders: readonly LockHolder[];
  readonly waiters: readonly LockWaiter[];
}

export interface LockParty {
  /** SQLite's name for the lock. */
  readonly lock: string;
  readonly mode: 'shared' | 'exclusive';
  readonly pid: number;
  /** The program's name alone: arguments may hold secrets. */
  readonly command: string;
  /** `host` outside of any. */
  readonly container: string;
}

export interface LockHolder extends LockParty {
  /** ISO 8601. */
  readonly since: string;
  readonly heldMs: number;
}

export interface LockWaiter extends LockParty {
  readonly waitMs: number;
  readonly blockedBy: readonly number[];
}

/** Who wrote a database when. Times are milliseconds of the system's monotonic clock. */
export interface WriteRecord {
  /** Who wrote before this time may be missing. */
  readonly completeSinceMs: number;
  readonly windows: readonly WriteWindow[];
}

/** From the begin of a transaction that may have written to the end of its write lock. */
export interface WriteWindow {
  /** 0: a process that cannot be seen from here. */
  readonly pid: number;
  /** The program's name alone: arguments may hold secrets. */
  readonly command: string;
  /** `host` outside of any. */
  readonly container: string;
  readonly sinceMs: number;
  /** null: it is writing now. */
  readonly untilMs: number | null;
}

/** The daemon as its supervisor sees it, for /metrics. */
export interface DaemonState {
  readonly isMountUp: boolean;
  /** How many things do not work as asked for. */
  readonly degraded: number;
  readonly fencedDatabases: number;
  /** How often a process was started again, by its role. */
  readonly restarts: Readonly<Record<string, number>>;
  /** Sum over the databases that somebody has open. */
  readonly walBytes: number;
  /** null where commits are not kept, or the archive process does not answer. */
  readonly archive: ArchiveFigures | null;
  /** null where commits are not shipped, or the ship process does not answer. */
  readonly ship: ShipFigures | null;
  /** null where no database is in RAM, or the tier process does not answer. */
  readonly ramdisk: RamdiskFigures | null;
}

/** Databases in RAM, of all together. */
export interface RamdiskFigures {
  readonly databases: number;
  /** What the tmpfs holds and has room for. */
  readonly usedBytes: number;
  readonly sizeBytes: number;
  /** How long the oldest commit without a durable copy may be there, and how much is not copied. */
  readonly lagMs: number;
  readonly lagBytes: number;
  /** Databases that cannot be opened until somebody has decided which copy counts. */
  readonly refused: number;
}

/** Commits that are kept, of all databases together. */
export interface ArchiveFigures {
  readonly databases: number;
  readonly commits: number;
  /** What the logs take on the disk, and what they may take. */
  readonly bytes: number;
  readonly budgetBytes: number;
  /** Of write-ahead logs, what is not read yet, and how long the oldest of that waits. */
  readonly lagBytes: number;
  readonly lagMs: number;
  /** Times at which commits were missed. */
  readonly gaps: number;
}

/** The copy of all commits elsewhere. */
export interface ShipFigures {
  readonly databases: number;
  /** Pages of commits that are not there yet, in bytes, and how long the oldest of these commits waits. */
  readonly lagBytes: number;
  readonly lagMs: number;
  /** Since the ship process began. */
  readonly filesWritten: number;
  readonly bytesWritten: number;
  readonly errors: number;
  readonly isFailing: boolean;
}

/** Monotonic counters of the fs process, by name, for /metrics and health. */
export interface FsCounters {
  readonly requests: Readonly<Record<string, number>>;
  readonly lockWaits: number;
  readonly lockWaitMs: number;
  /** Locks, waits and opens that were refused since the memory in which a successor finds them is full. */
  readonly refusedForRoom: number;
  /**
   * How long the fs process was busy with one thing at most, while no lock was served, and how often for 5 ms and more.
   */
  readonly longestStepMs: number;
  readonly slowSteps: number;
}
