// What kind of SQLite file a name stands for, which database it belongs to, and the other way round. By name only:
// SQLite itself finds the companions of a database by these suffixes.

export type SqliteFileKind = 'database' | 'journal' | 'wal' | 'shm';

const companions: readonly (readonly [suffix: string, kind: SqliteFileKind])[] = [
  ['-journal', 'journal'],
  ['-wal', 'wal'],
  ['-shm', 'shm'],
];

/** Any name without a companion's suffix may be a database: SQLite asks for no extension. */
export function sqliteFileOf(name: string): { readonly kind: SqliteFileKind; readonly database: string } {
  for (const [suffix, kind] of companions) {
    if (name.length > suffix.length && name.endsWith(suffix)) {
      return { kind, database: name.slice(0, -suffix.length) };
    }
  }
  return { kind: 'database', database: name };
}

/** The database's own file and those that SQLite may keep beside it. */
export function filesOf(database: string): string[] {
  return [database, ...companions.map(([suffix]) => database + suffix)];
}
