import { spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { findDatabases } from '../../../daemon/databases/list.ts';

let root = '';
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'hoody-sqlite-'));
});
afterEach(() => rmSync(root, { recursive: true }));

function make(path: string): void {
  const db = new Database(path);
  db.exec('CREATE TABLE t (x)');
  db.close();
}

test('databases are told by their first bytes, whatever they are called; what belongs to one is not counted', () => {
  mkdirSync(join(root, 'deep/er'), { recursive: true });
  for (const name of ['b.db', 'a', 'deep/er/c.sqlite3']) make(join(root, name));
  for (const name of ['b.db-wal', 'b.db-journal', '.b.db.unfinished-12', 'empty.db'])
    writeFileSync(join(root, name), '');
  writeFileSync(join(root, 'short'), 'SQL');
  writeFileSync(join(root, 'deep/text.db'), 'SQLite format 4\0 and more');
  symlinkSync('/etc', join(root, 'elsewhere'));
  symlinkSync(join(root, 'a'), join(root, 'link.db'));
  spawnSync('mkfifo', [join(root, 'fifo.db')]);
  expect(findDatabases(root)).toEqual({
    databases: [join(root, 'a'), join(root, 'b.db'), join(root, 'deep/er/c.sqlite3')],
    others: [join(root, 'deep/text.db'), join(root, 'short')],
    unreadable: [],
  });
});

test.runIf(process.getuid?.() === 0)('what this user may not read is named, and stops nothing', () => {
  chmodSync(root, 0o755);
  mkdirSync(join(root, 'closed'), { mode: 0o700 });
  for (const name of ['closed/a.db', 'b.db', 'secret.db']) make(join(root, name));
  chmodSync(join(root, 'secret.db'), 0o600);
  process.seteuid?.(65_534);
  try {
    expect(findDatabases(root)).toEqual({
      databases: [join(root, 'b.db')],
      others: [],
      unreadable: ['closed', 'secret.db'].map((name) => ({
        path: join(root, name),
        reason: expect.stringContaining('EACCES'),
      })),
    });
  } finally {
    process.seteuid?.(0);
  }
});
