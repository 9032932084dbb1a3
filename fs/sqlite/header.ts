// The journal mode that a database file's header names (https://sqlite.org/fileformat.html, bytes 18 and 19: the file
// format's write and read version, 1 for a rollback journal and 2 for WAL). It reads bytes, not files.

export type JournalMode = 'wal' | 'rollback' | 'empty';

/** How many bytes of the file {@link journalModeOf} wants to see. */
export const HEADER_BYTES_NEEDED = 20;

/** `header` is the file's beginning, as much of it as there is; a file of 0 bytes is `empty`. */
export function journalModeOf(header: Uint8Array): JournalMode {
  if (header.length === 0) return 'empty';
  return header[18] === 2 && header[19] === 2 ? 'wal' : 'rollback';
}
