import { expect, test } from 'vitest';
import { filesOf, sqliteFileOf } from '../../../fs/sqlite/files.ts';

test('a name says which file of which database it is', () => {
  expect(sqliteFileOf('a/app.db-journal')).toEqual({ kind: 'journal', database: 'a/app.db' });
  expect(sqliteFileOf('app.db-wal')).toEqual({ kind: 'wal', database: 'app.db' });
  expect(sqliteFileOf('app.db-shm')).toEqual({ kind: 'shm', database: 'app.db' });
  for (const name of ['app.db', 'app', '-wal', 'app.db-wal.old', 'journal']) {
    expect(sqliteFileOf(name)).toEqual({ kind: 'database', database: name });
  }
  expect(filesOf('app.db')).toEqual(['app.db', 'app.db-journal', 'app.db-wal', 'app.db-shm']);
});
