// What of the logs of one database, one after the other, lies behind a position.
import type { WalHeader } from '../archive/wal/wal-frames.ts';
import type { WalIndex } from '../sqlite/wal-index.ts';
import type { Position } from './place.ts';
import type { RamLog } from './ram-log.ts';

export interface UnreadPart {
  readonly log: RamLog;
  readonly header: WalHeader;
  readonly index: WalIndex;
  /** Page -> the last frame that has it. */
  readonly frames: ReadonlyMap<number, number>;
  readonly bytes: number;
}

export interface Unread {
  readonly parts: readonly UnreadPart[];
  /** The log that is open is just being begun. */
  readonly isLater: boolean;
  /** Nothing comes behind these parts. */
  readonly isAll: boolean;
}

/** `left` in the order in which they ended. undefined: the logs do not say all, and everything has to be compared. */
export function unreadOf(left: readonly (RamLog | undefined)[], live: RamLog, position: Position): Unread | undefined {
  const parts: UnreadPart[] = [];
  let at = position;
  for (const log of [...left, live]) {
    // What goes on may be begun anew while it is read: what has ended comes first, by itself.
    if (log === live && parts.length > 0) return { parts, isLater: false, isAll: false };
    if (log === undefined) return undefined;
    if (log.state !== 'open' || log.index()?.lastFrame === 0) {
      if (log !== live && log.state === 'unreadable') return undefined;
      continue;
    }
    const committed = log.committed();
    if (committed === undefined) return log === live ? { parts, isLater: true, isAll: false } : undefined;
    const { header, index } = committed;
    const isSame = at.salt1 === index.salt1 && at.salt2 === index.salt2;
    const from = isSame ? at.frames : 0;
    if (from > index.lastFrame) return undefined;
    if (from < index.lastFrame) {
      const part = log.part(header, from, index.lastFrame);
      const isOther = parts.some((earlier) => earlier.header.pageBytes !== header.pageBytes);
      if (part === undefined || isOther) return undefined;
      parts.push({ log, header, index, frames: part.frames, bytes: (index.lastFrame - from) * index.pageBytes });
    }
    at = { salt1: index.salt1, salt2: index.salt2, frames: index.lastFrame };
  }
  return { parts, isLater: false, isAll: true };
}
