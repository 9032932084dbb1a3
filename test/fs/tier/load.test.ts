// Which files of the data directory are brought into RAM: whole databases under their only name. Programs choose the
// names there, so a name may be anything.
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import {
  linkSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  unlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { load, loadChosen } from '../../../fs/tier/load.ts';

let folder: string;
let options: { readonly dataDir: string; readonly root: string; readonly maxBytes: number };
const onDisk = (name: string) => join(options.dataDir, name);

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'hoody-sqlite-load-'));
  options = { dataDir: join(folder, 'data'), root: join(folder, 'ram'), maxBytes: 0 };
  mkdirSync(options.dataDir);
  mkdirSync(options.root);
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

function fifo(name: string): void {
  expect(spawnSync('mkfifo', [onDisk(name)]).status).toBe(0);
}

test('a file is copied with its mode and its times', async () => {
  writeFileSync(onDisk('app.db'), 'rows', { mode: 0o640 });
  utimesSync(onDisk('app.db'), 1_000_000, 2_000_000);
  const place = await load(options, 'app.db', 'files');
  if (typeof place === 'string') throw new Error(place);
  expect(readFileSync(place.ram, 'utf8')).toBe('rows');
  const [ram, disk] = [statSync(place.ram), statSync(onDisk('app.db'))];
  expect([ram.mode, ram.mtimeMs]).toEqual([disk.mode, disk.mtimeMs]);
});

test('a file with two names stays: the other name would lead to the copy', async () => {
  writeFileSync(onDisk('app.db'), 'rows');
  linkSync(onDisk('app.db'), onDisk('other.db'));
  expect(await load(options, 'app.db', 'moving')).toBe('it has another name (a hard link)');
  unlinkSync(onDisk('other.db'));
  expect(await load(options, 'app.db', 'moving')).toMatchObject({ path: 'app.db' });
});

test('what is no regular file stays, and nobody waits for a FIFO', async () => {
  mkdirSync(onDisk('folder.db'));
  fifo('fifo.db');
  for (const name of ['folder.db', 'fifo.db']) {
    expect(await load(options, name, 'moving')).toBe('it is no regular file');
  }
  writeFileSync(join(folder, 'secret'), 'secret');
  symlinkSync(join(folder, 'secret'), onDisk('link.db'));
  expect(await load(options, 'link.db', 'moving')).toBe('it is a symbolic link');
});

test('a journal that is a FIFO is not waited for', async () => {
  writeFileSync(onDisk('app.db'), 'rows');
  fifo('app.db-journal');
  expect(await load(options, 'app.db', 'moving')).toMatch(/^a program has left its log or journal/);
});

test('at a start each file that stays is told, and the others are loaded', async () => {
  fifo('a.db');
  writeFileSync(onDisk('b.db'), 'rows');
  linkSync(onDisk('b.db'), onDisk('c.db'));
  writeFileSync(onDisk('d.db'), 'rows');
  const chosen = { 'a.db': 'ram', 'b.db': 'ram', 'd.db': 'ram' } as const;
  const told: unknown[] = [];
  await loadChosen({ ...options, globs: [], chosen, lagMs: 1000, mayLoad: true }, (_level, _event, fields) =>
    told.push(fields),
  );
  expect(told).toMatchObject([{ database: 'a.db' }, { database: 'b.db' }]);
  const loaded = readdirSync(options.root, { recursive: true, encoding: 'utf8' }).filter((path) =>
    /files\/./.test(path),
  );
  expect(loaded).toEqual([expect.stringMatching(/\/d\.db$/)]);
});

/** In WAL mode; its rows are in the log alone. `doing`: what else a python program does with connection c. */
const leaves = (doing: string) => `import os, sqlite3, sys
c = sqlite3.connect(sys.argv[1], isolation_level=None)
c.execute('pragma journal_mode=wal'); c.execute('create table t (n)')
for n in range(3): c.execute('insert into t values (?)', (n,))
${doing}`;

function rowsOf(path: string): string {
  const { stdout, stderr } = spawnSync('sqlite3', [path, 'pragma integrity_check; select count(*) from t']);
  return `${stdout}${stderr}`.trim();
}

test('the log of programs that are gone is part of what moves; under it the durable copy becomes whole first', async () => {
  spawnSync('python3', ['-c', leaves('os._exit(0)'), onDisk('app.db')]);
  expect(statSync(onDisk('app.db-wal')).size).toBeGreaterThan(0);
  const place = await load(options, 'app.db', 'moving');
  if (typeof place === 'string') throw new Error(place);
  expect(rowsOf(join(place.folder, 'moving', 'app.db'))).toBe('ok\n3');
  expect(statSync(onDisk('app.db-wal')).size).toBe(0);
  expect(rowsOf(onDisk('app.db'))).toBe('ok\n3');
});

test('the log of a program that has the database open is left alone', async () => {
  const program = spawn('python3', ['-c', leaves("print('ready', flush=True); sys.stdin.read()"), onDisk('app.db')]);
  const ended = once(program, 'exit');
  await once(program.stdout, 'data');
  const log = readFileSync(onDisk('app.db-wal'));
  expect(await load(options, 'app.db', 'moving')).toContain('has left its log');
  expect(readFileSync(onDisk('app.db-wal')).equals(log)).toBe(true);
  program.stdin.end();
  await ended;
  expect(rowsOf(onDisk('app.db'))).toBe('ok\n3');
  expect(await load(options, 'app.db', 'moving')).toMatchObject({ name: 'app.db' });
});
