// Restore from a place that was shipped to, on a machine where no daemon runs.
import { mkdirSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { exportCommits } from '../../fs/archive/ship/export.ts';
import { openStore } from '../../fs/archive/ship/open-store.ts';
import { ArchivedDatabase } from '../fs/archive/archived-database.ts';
import { programPath } from '../helpers/daemon.ts';
import { type Finished, run } from '../helpers/process.ts';

let folder: string;
let archived: ArchivedDatabase;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'restore-shipped-'));
  archived = new ArchivedDatabase(folder);
  archived.commit((db) => db.exec('CREATE TABLE t (id INTEGER PRIMARY KEY)'));
  for (let count = 1; count <= 5; count++) archived.commit((db) => db.exec('INSERT INTO t DEFAULT VALUES'));
  mkdirSync(join(folder, 'work'));
  await exportCommits({
    archiveDir: join(folder, 'archive'),
    database: 'app.db',
    store: openStore(join(folder, 'store')),
    workDir: join(folder, 'work'),
    onProgress: () => {},
  });
});
afterAll(() => {
  archived.close();
  rmSync(folder, { recursive: true });
});

function restore(...args: string[]): Promise<Finished> {
  const runDir = join(folder, 'run');
  return run(process.execPath, [programPath, 'restore', '--run-dir', runDir, '--from', 'store', ...args], {
    cwd: folder,
  });
}

function rowsIn(path: string): unknown {
  const db = new Database(path, { readonly: true });
  try {
    return db.prepare('SELECT count(*) FROM t').pluck().get();
  } finally {
    db.close();
  }
}

test('without a name it lists what is there', async () => {
  const listed = await restore('--json');
  expect(listed, listed.stderr).toMatchObject({ code: 0 });
  expect(JSON.parse(listed.stdout)).toMatchObject({ databases: [{ name: 'app.db', files: 6 }] });
});

test('the newest state, a moment, and every database', async () => {
  const [last, then, all] = ['last.db', 'then.db', 'all/'].map((name) => join(folder, name));
  const time = new Date((archived.times[3] ?? 0) + 500).toISOString();
  for (const args of [
    ['app', last ?? ''],
    ['--at', time, '/app.db', then ?? ''],
    ['--all', all ?? ''],
  ]) {
    const restored = await restore(...args);
    expect(restored, restored.stderr).toMatchObject({ code: 0 });
  }
  expect([last, then, join(all ?? '', 'app.db')].map((path) => rowsIn(path ?? ''))).toEqual([5, 2, 5]);
  expect(statSync(last ?? '').mode & 0o111).toBe(0);
});

test('what exists is replaced with --force alone, and in one transaction while it is in use', async () => {
  const path = join(folder, 'mine.db');
  const db = new Database(path);
  db.exec('PRAGMA journal_mode=WAL; CREATE TABLE t (id INTEGER PRIMARY KEY); INSERT INTO t VALUES (1)');
  const refused = await restore('app', path);
  expect(refused).toMatchObject({ code: 1, stderr: expect.stringContaining('--force replaces what it holds') });
  expect(rowsIn(path)).toBe(1);
  const forced = await restore('app', path, '--force');
  expect(forced, forced.stderr).toMatchObject({ code: 0 });
  expect(db.prepare('SELECT count(*) FROM t').pluck().get()).toBe(5);
  db.close();
});

test('what is not there, and what is damaged, is told, and no file is left', async () => {
  const path = join(folder, 'none.db');
  for (const [args, code, message] of [
    [['other', path], 1, 'has no database other'],
    [['--at', '2001-01-01T00:00Z', 'app', path], 1, 'does not go back so far; its oldest moment is 2023-'],
    [['app'], 2, 'name a file or a folder after the database'],
  ] as const) {
    const refused = await restore(...args);
    expect(refused).toMatchObject({ code, stderr: expect.stringContaining(message) });
  }
  const file = join(folder, 'store/app.db/ltx/0/0000000000000003-0000000000000003.ltx');
  const { size } = statSync(file);
  writeFileSync(file, Buffer.alloc(size, 7));
  const damaged = await restore('app', path);
  expect(damaged).toMatchObject({ code: 1, stderr: expect.stringContaining('ltx is damaged: ') });
  expect(statSync(path, { throwIfNoEntry: false })).toBeUndefined();
});
