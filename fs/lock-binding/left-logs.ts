// Descriptors of write-ahead logs that nobody writes any more, kept until the archive process has read them: the last
// close of a database deletes its log.

import { isSameLog } from '../sqlite/wal-index.ts';
import type { FileKey, PositionSlots } from '../state/position-slots.ts';
import { close } from '../system/files.ts';

/** How long the log of a database that nobody has open is kept for whoever has not read it. */
const keptForMs = 10_000;
const lookMs = 1_000;
const mostLeft = 1_000;

export interface RecordedLog {
  readonly salt1: number;
  readonly salt2: number;
  /** -1: it could not be opened. */
  readonly fd: number;
  /** The last frame that is recorded as committed. */
  lastFrame: number;
}

interface LeftLog extends RecordedLog {
  readonly file: FileKey;
  readonly sinceMs: number;
}

export class LeftLogs {
  readonly #positions: PositionSlots;
  #left: LeftLog[] = [];
  #seenMs = 0;

  constructor(positions: PositionSlots) {
    this.#positions = positions;
  }

  add(file: FileKey, log: RecordedLog, nowMs: number): void {
    if (log.fd < 0) return;
    this.#left.push({ ...log, file, sinceMs: nowMs });
    const oldest = this.#left.length > mostLeft ? this.#left.shift() : undefined;
    if (oldest) close(oldest.fd);
  }

  /** When they are to be looked at again; Infinity: there are none. */
  get dueMs(): number {
    return this.#left.length === 0 ? Number.POSITIVE_INFINITY : this.#seenMs + lookMs;
  }

  /** Closes those that have been read, or that nobody has read for too long. */
  drop(nowMs: number): void {
    if (nowMs < this.dueMs) return;
    this.#seenMs = nowMs;
    this.#left = this.#left.filter((log) => {
      const position = this.#positions.find(log.file);
      const isRead = position !== undefined && isSameLog(position, log) && position.frames >= log.lastFrame;
      if (!isRead && nowMs - log.sinceMs < keptForMs) return true;
      close(log.fd);
      return false;
    });
  }
}
