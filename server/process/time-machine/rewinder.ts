// The server's side of a rewind: starts the rewinder, hands it the pages once it has the write lock, and ends it at
// the deadline.
import { type ChildProcess, fork } from 'node:child_process';
import { basename } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ApiError, fromErrorData } from '../../messages/errors.ts';
import { limits } from '../../messages/limits.ts';
import type { PathRules } from '../../messages/paths.ts';
import type { FromRewinder, Journal, PageFile, StateFile, ToRewinder } from '../../messages/rewinder.ts';

/** Compiled; tests run the source of this file. */
const programPath = fileURLToPath(
  new URL(
    import.meta.url.endsWith('.ts') ? '../../../dist/server/rewinder/main.js' : '../../rewinder/main.js',
    import.meta.url,
  ),
);

export interface Rewind {
  readonly path: string;
  readonly rules: PathRules;
  /** `performance.now()` at which it is given up, unless it commits already. */
  readonly deadlineMs: number;
  /**
   * Asked with the write lock held: what leads from the newest state to the wanted one. null: nothing. With a rollback
   * journal it is the wanted state as a whole.
   */
  readonly pages: (journal: Journal) => Promise<PageFile | StateFile | null>;
}

export interface Rewound {
  readonly pages: number;
  readonly heldMs: number;
  readonly areCursorsReset: boolean;
}

/**
 * null: nothing was to be done.
 * @throws ApiError what the rewinder or `pages` threw, DATABASE_BUSY, REQUEST_TIMEOUT, SERVICE_UNAVAILABLE
 */
export function runRewinder(
  rewind: Rewind,
  onStart: (child: ChildProcess) => void = () => {},
): Promise<Rewound | null> {
  // The title, which the lock monitor shows, has the room of the arguments.
  const child = fork(programPath, [basename(rewind.path)], {
    serialization: 'advanced',
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  });
  onStart(child);
  const send = (message: ToRewinder): void => {
    if (child.connected) child.send(message, () => {});
  };
  return new Promise((resolve, reject) => {
    let failure: ApiError | undefined;
    let phase: 'waiting' | 'locked' | 'committing' = 'waiting';
    const leftMs = rewind.deadlineMs - performance.now();
    const timer = setTimeout(() => {
      if (phase === 'committing') return;
      child.kill('SIGKILL');
      reject(late(phase === 'waiting'));
    }, leftMs);
    const handOver = async (journal: Journal): Promise<void> => {
      phase = 'locked';
      try {
        const file = await rewind.pages(journal);
        if (file === null) return giveUp(() => resolve(null));
        phase = 'committing';
        send('pages' in file ? { type: 'pages', file } : { type: 'state', file });
      } catch (error) {
        giveUp(() => reject(error));
      }
    };
    /** Settles once the lock is given back. */
    const giveUp = (settle: () => void): void => {
      child.prependOnceListener('exit', settle);
      send({ type: 'give-up' });
    };
    child.on('message', (raw) => {
      const message = raw as FromRewinder;
      if (message.type === 'locked') void handOver(message.journal);
      else if (message.type === 'failed') failure = fromErrorData(message.error);
      else resolve(message);
    });
    child.once('error', (cause) => reject(new ApiError('SERVICE_UNAVAILABLE', 'no rewind can be started', { cause })));
    child.once('exit', () => {
      clearTimeout(timer);
      // Whoever hears of a failure may write again: the locks ended with the process.
      reject(failure ?? lost(phase === 'committing'));
    });
    const busyTimeoutMs = Math.max(1, Math.floor(leftMs - limits.answerReserveMs));
    send({ type: 'start', path: rewind.path, rules: rewind.rules, busyTimeoutMs });
  });
}

function late(isLocked: boolean): ApiError {
  if (isLocked) return new ApiError('DATABASE_BUSY', 'the database was locked until the deadline; nothing was changed');
  return new ApiError('REQUEST_TIMEOUT', 'the rewind did not finish before its deadline; nothing was changed');
}

function lost(isCommitting: boolean): ApiError {
  const rest = isCommitting ? 'while it was committed: it may or may not be done' : '; nothing was changed';
  return new ApiError('SERVICE_UNAVAILABLE', `the rewind was interrupted${isCommitting ? ' ' : ''}${rest}`);
}
