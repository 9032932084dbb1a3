// What the processes beside the mount (archive, ship, tier) have in common: each is a child of the supervisor, speaks
// with it on Node's IPC channel, ends with it, and is the only one of its kind in its folder.
import { openSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { Log, LogLevel } from '../log.ts';
import { F_WRLCK, setFileLock } from '../system/file-locks.ts';

/** What such a child says. */
export type FromChild =
  | { readonly type: 'ready' }
  /** The process exits with code 1 after this. */
  | { readonly type: 'failed'; readonly code: string; readonly message: string; readonly hint?: string }
  | { readonly type: 'answer'; readonly id: number; readonly value: unknown }
  | { readonly type: 'answer'; readonly id: number; readonly error: string }
  | {
      readonly type: 'log';
      readonly level: LogLevel;
      readonly event: string;
      readonly fields: Readonly<Record<string, unknown>>;
    };

const takePauseMs = 100;

/** @param stop what is to be finished before the process ends: after `stop()`, or with the supervisor. */
export function listen<Message>(receive: (message: Message) => void, stop: () => void): void {
  process.on('message', receive);
  process.on('disconnect', stop);
  // Ctrl-C reaches the whole process group, but only the supervisor knows when to stop.
  process.on('SIGINT', () => {});
  process.on('SIGTERM', () => {});
}

/** A supervisor that has died a moment ago still looks connected: without the callback the write would end this. */
export function tell(message: FromChild): void {
  if (process.connected) process.send?.(message, undefined, undefined, () => {});
}

export const log: Log = (level, event, fields) => tell({ type: 'log', level, event, fields });

export function answerWith(id: number, value: Promise<unknown>): void {
  value.then(
    (found) => tell({ type: 'answer', id, value: found }),
    (error) => tell({ type: 'answer', id, error: error instanceof Error ? error.message : `${error}` }),
  );
}

/** Ends the process. The supervisor starts it again: what cannot be done now may be possible later. */
export function fail({ code = 'internal', message }: NodeJS.ErrnoException, hint?: string): void {
  const failed: FromChild = { type: 'failed', code, message, ...(hint === undefined ? {} : { hint }) };
  process.send?.(failed, undefined, undefined, () => process.exit(1));
}

/** Ends the process, whatever becomes of what is to be finished. */
export async function endAfter(finished: Promise<unknown> | undefined): Promise<void> {
  try {
    await finished;
  } finally {
    process.exit();
  }
}

/**
 * One that is ending may still write there. The lock ends with the process that has it.
 * @throws Error after `tries` tenths of a second
 */
export async function takeAlone(folder: string, kind: string, tries = 100): Promise<void> {
  const fd = openSync(join(folder, 'lock'), 'a', 0o600);
  for (let tried = 0; !setFileLock(fd, F_WRLCK, 0, 0); tried++) {
    if (tried >= tries) throw new Error(`another ${kind} process has ${folder}`);
    await delay(takePauseMs);
  }
}
