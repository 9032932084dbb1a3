// A bookmark names one commit. One of the archive does so by incarnation and number: those of a database sort by time.
// One of whoever committed says where the write-ahead log ended (server/messages/bookmark.ts). Pure.
export interface Bookmark {
  readonly incarnation: number;
  readonly number: number;
}

export interface PlaceBookmark {
  /** About when it was made, by the clock of whoever made it. */
  readonly timeMs: number;
  readonly salt1: number;
  readonly frames: number;
  readonly checksum1: number;
  readonly checksum2: number;
  /** How many commits behind that place: 1 or -1 where the place itself is not the commit. */
  readonly step: -1 | 0 | 1;
}

export function bookmarkOf({ incarnation, number }: Bookmark): string {
  return `${incarnation.toString(16).padStart(8, '0')}-${number.toString(16).padStart(12, '0')}`;
}

/** undefined: it is not a bookmark with a number. */
export function parseBookmark(text: string): Bookmark | undefined {
  const found = /^([0-9a-f]{8})-([0-9a-f]{12})$/.exec(text);
  if (found === null) return undefined;
  return { incarnation: Number.parseInt(found[1] ?? '', 16), number: Number.parseInt(found[2] ?? '', 16) };
}

/** undefined: it is not one of a place. */
export function parsePlaceBookmark(text: string): PlaceBookmark | undefined {
  const pattern = /^w([0-9a-f]{12})-([0-9a-f]{8})([0-9a-f]{8})-([0-9a-f]{8})([0-9a-f]{8})(?:\.(after|before))?$/;
  const found = pattern.exec(text);
  if (found === null) return undefined;
  const [timeMs = 0, salt1 = 0, frames = 0, checksum1 = 0, checksum2 = 0] = found
    .slice(1, 6)
    .map((digits) => Number.parseInt(digits, 16));
  const step = found[6] === 'after' ? 1 : found[6] === 'before' ? -1 : 0;
  return { timeMs, salt1, frames, checksum1, checksum2, step };
}
