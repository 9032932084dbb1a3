// A bookmark names one commit of one incarnation; bookmarks of a database sort by time.
export interface Bookmark {
  readonly incarnation: number;
  readonly number: number;
}

export function bookmarkOf({ incarnation, number }: Bookmark): string {
  return `${incarnation.toString(16).padStart(8, '0')}-${number.toString(16).padStart(12, '0')}`;
}

/** undefined: it is not a bookmark. */
export function parseBookmark(text: string): Bookmark | undefined {
  const found = /^([0-9a-f]{8})-([0-9a-f]{12})$/.exec(text);
  if (found === null) return undefined;
  return { incarnation: Number.parseInt(found[1] ?? '', 16), number: Number.parseInt(found[2] ?? '', 16) };
}
