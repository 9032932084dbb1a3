// The texts of bookmarks. The archive names a commit by the number that it gives to it. Whoever commits knows no number
// yet, but where the write-ahead log ended: that names the same commit. The archive reads both (fs/archive/past).

/** The log up to a commit. All are words of 32 bits, as the wal-index has them. */
export interface LogPlace {
  readonly salt1: number;
  /** The last frame of the commit. */
  readonly frames: number;
  /** The running checksum after that frame. */
  readonly checksum1: number;
  readonly checksum2: number;
}

/** `after` and `before`: the commit that follows, or the one before. */
export type Relation = 'at' | 'after' | 'before';

/** What a write has changed: the state with it, and the one before. */
export interface WriteBookmarks {
  readonly bookmark: string;
  readonly previous: string;
}

export const bookmarkPattern =
  /^(?:[0-9a-f]{8}-[0-9a-f]{12}|w[0-9a-f]{12}-[0-9a-f]{16}-[0-9a-f]{16}(?:\.after|\.before)?)$/i;

/** Sorts by time, which is in milliseconds since 1970, and within a millisecond by place. */
export function placeBookmark(timeMs: number, place: LogPlace, relation: Relation = 'at'): string {
  const { salt1, frames, checksum1, checksum2 } = place;
  const suffix = relation === 'at' ? '' : `.${relation}`;
  return `w${hex(timeMs, 12)}-${hex(salt1, 8)}${hex(frames, 8)}-${hex(checksum1, 8)}${hex(checksum2, 8)}${suffix}`;
}

/** Whether it may name a commit that the archive has not read yet. */
export function isPlaceBookmark(bookmark: string): boolean {
  return bookmark.startsWith('w');
}

function hex(value: number, digits: number): string {
  return value.toString(16).padStart(digits, '0');
}
