// Logs of a database that have ended, as the mount has left them: notes about logs that were begun anew
// (fs/nodes/ram-notes.ts), and logs that the last close has deleted, with their indexes (keepLog in
// fs/nodes/ram-names.ts), the index before its log. What they held is in the main file: all that is asked of them is
// which pages that was, and a page too many does no harm.
import { readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { decodeNote, type LogNote, leftDigits, noteSuffix } from '../nodes/ram-notes.ts';
import { isSameLog, parseWalIndex } from '../sqlite/wal-index.ts';
import { loggedPages } from '../sqlite/wal-index-pages.ts';
import type { Place, Position } from './place.ts';

/** File names of one database, the oldest first. */
export function leftNames({ folder, name }: Place): readonly string[] {
  const mine = [`.${name}-wal`, `.${name}-shm`, `.${name}${noteSuffix}`];
  return readdirSync(join(folder, 'left'))
    .filter((file) => mine.includes(file.slice(leftDigits)))
    .sort();
}

/**
 * undefined: nobody knows which pages one of them has written. `before`: the name before the first one. What was copied
 * up to `position` is left out.
 */
export function notesOf(
  { folder }: Place,
  names: readonly string[],
  position: Position,
  before: string | undefined,
): readonly LogNote[] | undefined {
  const notes: (LogNote | undefined)[] = [];
  let hasIndex = before?.endsWith('-shm') === true;
  for (const name of names) {
    const isLog = name.endsWith('-wal');
    if (!isLog) {
      const bytes = readFileSync(join(folder, 'left', name));
      notes.push(name.endsWith('-shm') ? noteOfIndex(bytes, position) : decodeNote(bytes));
    } else if (!hasIndex) notes.push(undefined); // a program had kept the index to itself
    if (!name.endsWith(noteSuffix)) hasIndex = !isLog;
  }
  return notes.some((note) => note === undefined) ? undefined : (notes as LogNote[]);
}

export function dropLeft({ folder }: Place, names: readonly string[]): void {
  for (const name of names) rmSync(join(folder, 'left', name), { force: true });
}

function noteOfIndex(bytes: Buffer, position: Position): LogNote | undefined {
  const index = parseWalIndex(bytes);
  if (index === undefined) return undefined;
  const read = (into: Buffer, byte: number) => bytes.copy(into, 0, byte);
  const from = isSameLog(position, index) ? Math.min(position.frames, index.lastFrame) : 0;
  const pages = loggedPages(read, from, index.lastFrame);
  return pages && { pageBytes: index.pageBytes, databasePages: index.databasePages, pages };
}
