// One daemon per data directory and per mount point. The truth is a kernel lock (flock), which ends with its owner
// however it ends. proper-lockfile's mark beside the data directory is the visible sign, and the only protection where
// a file system has no kernel locks; with the kernel lock in hand a mark left by a crash is taken over at once.
import {
  closeSync,
  constants,
  fstatSync,
  openSync,
  readFileSync,
  rmdirSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { constants as os } from 'node:os';
import lockfile from 'proper-lockfile';
import { lastErrno, lastError, libcFunction } from '../../fs/index.ts';
import { CommandError, exitCodes, messageOf } from '../errors.ts';
import type { Log } from '../log.ts';

const LOCK_EX = 2;
const LOCK_NB = 4;
const { EAGAIN } = os.errno;

const flock = libcFunction<[number, number]>('int flock(int fd, int operation)');

export interface Claim {
  release(): Promise<void>;
}

/**
 * `lockedPath` is the data directory itself or, where the data directory lies on another daemon's mount and belongs to
 * that one, a folder of our own.
 */
export async function claimDataDirectory(data: string, lockedPath: string, log: Log): Promise<Claim> {
  const fd = openSync(lockedPath, constants.O_RDONLY | constants.O_DIRECTORY);
  try {
    const kernelLock = takeKernelLock(fd, lockedPath, log);
    if (kernelLock === 'taken') throw takenError(`the data directory ${data}`, pidOfLockOwner(lockedPath));
    const unmark = lockedPath === data ? await mark(data, kernelLock === 'ours', log) : async () => {};
    return {
      release: async () => {
        await unmark();
        closeSync(fd);
      },
    };
  } catch (error) {
    closeSync(fd);
    throw error;
  }
}

/** `claimFile` lies in the run-time folder and holds the owner's pid. */
export function claimMountPoint(mount: string, claimFile: string): Claim {
  const fd = openSync(claimFile, constants.O_RDWR | constants.O_CREAT, 0o600);
  if (!tryLockFile(fd)) {
    closeSync(fd);
    throw takenError(`the mount point ${mount}`, Number(readFileSync(claimFile, 'utf8')) || undefined);
  }
  if (statSync(claimFile, { throwIfNoEntry: false })?.ino !== fstatSync(fd).ino) {
    // Its owner has released it, and so removed it, after we opened it: the lock is on a file without a name.
    closeSync(fd);
    return claimMountPoint(mount, claimFile);
  }
  try {
    writeFileSync(claimFile, String(process.pid));
  } catch (cause) {
    closeSync(fd);
    throw new CommandError(exitCodes.failed, `cannot write to the run-time folder: ${claimFile}: ${messageOf(cause)}`, {
      hint: 'free space there, or choose another one with --run-dir',
      cause,
    });
  }
  return {
    release: async () => {
      rmSync(claimFile, { force: true });
      closeSync(fd);
    },
  };
}

function takeKernelLock(fd: number, path: string, log: Log): 'ours' | 'taken' | 'impossible' {
  try {
    return tryLockFile(fd) ? 'ours' : 'taken';
  } catch (error) {
    log.warn('no-kernel-lock', { path, reason: messageOf(error) });
    return 'impossible';
  }
}

/**
 * An exclusive flock(2), which ends with the descriptor's last copy, however the process ends. False: somebody has it.
 */
function tryLockFile(fd: number): boolean {
  if (flock(fd, LOCK_EX | LOCK_NB) === 0) return true;
  if (lastErrno() === EAGAIN) return false;
  throw lastError('flock');
}

async function mark(data: string, mayTakeOver: boolean, log: Log): Promise<() => Promise<void>> {
  const options = {
    realpath: false,
    // After a SIGSTOP the mark looks stale, yet the kernel lock has kept everybody out.
    onCompromised: (error: Error) => log.warn('data-directory-mark-lost', { reason: error.message }),
  };
  try {
    if (mayTakeOver) removeOldMark(`${data}.lock`);
    const unlock = await lockfile.lock(data, options);
    return () => unlock().catch((error: unknown) => log.warn('data-directory-mark-lost', { reason: messageOf(error) }));
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ELOCKED') throw takenError(`the data directory ${data}`, undefined);
    log.warn('data-directory-not-marked', { path: `${data}.lock`, reason: messageOf(error) });
    return async () => {};
  }
}

/** The mark is an empty folder; anything else of that name is not ours to remove, and the lock below then fails. */
function removeOldMark(path: string): void {
  try {
    rmdirSync(path);
  } catch {
    // none there, the usual case
  }
}

/** /proc/locks names the owner by pid, unless it lives in another pid namespace. */
function pidOfLockOwner(path: string): number | undefined {
  const { ino } = statSync(path);
  const line = new RegExp(`^\\d+: FLOCK .* (\\d+) [0-9a-f]+:[0-9a-f]+:${ino} `, 'm').exec(
    readFileSync('/proc/locks', 'latin1'),
  );
  return Number(line?.[1]) || undefined;
}

function takenError(what: string, pid: number | undefined): CommandError {
  const owner = pid === undefined ? 'another daemon, which this process cannot see,' : `the daemon with pid ${pid}`;
  return new CommandError(exitCodes.taken, `${owner} already uses ${what}`, { hint: 'hoody-sqlite stop ends it' });
}
