// A database in RAM on the mount: its names, numbers and listings are those that it would have on the disk.
import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  chownSync,
  closeSync,
  constants,
  existsSync,
  fstatSync,
  fsyncSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { eventually } from '../helpers/eventually.ts';
import { type TempMount, tempMount } from '../helpers/temp-mount.ts';

let root: string;
let mount: TempMount;
const onMount = (name: string) => join(mount.mountPoint, name);
const onDisk = (name: string) => join(mount.dataDir, name);

beforeAll(async () => {
  root = mkdtempSync('/dev/shm/hoody-sqlite-names-'); // a tmpfs on every Linux
  mount = await tempMount({
    ramdisk: { root, globs: ['*.db', 'cache/**', 'grouped/*.db'], chosen: { 'not.db': 'disk' } },
  });
});
afterAll(async () => {
  await mount.close();
  rmSync(root, { recursive: true, force: true });
});

function sqlite(path: string, sql: string): string {
  const { stdout, stderr, status } = spawnSync('sqlite3', [path, sql], { encoding: 'utf8' });
  expect(status, stderr).toBe(0);
  return stdout.trim();
}

/** Names of all files in RAM. */
function inRam(): string[] {
  return readdirSync(root, { recursive: true, encoding: 'utf8' })
    .filter((path) => path.includes('/files/'))
    .map((path) => path.slice(path.indexOf('/files/') + '/files/'.length))
    .sort();
}

function errnoOf(call: () => unknown): string | undefined {
  try {
    call();
    return undefined;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code;
  }
}

test('a new database that was chosen is in RAM, and its kernel reads it directly', async () => {
  sqlite(onMount('a.db'), 'pragma journal_mode=wal; create table t (n); insert into t values (1)');
  expect(inRam()).toContain('a.db');
  expect(sqlite(onMount('a.db'), 'select n from t')).toBe('1');
  expect(statSync(onDisk('a.db')).size).toBe(0); // nobody copies here
  expect((await mount.status()).requests.WRITE).toBeUndefined();
  expect(mount.log.filter(({ event }) => event === 'passthrough-refused')).toEqual([]);
});

test('others are on the disk: by their choice, their name, or their kind', () => {
  for (const name of ['not.db', 'plain.txt']) {
    writeFileSync(onMount(name), 'text');
    expect(readFileSync(onDisk(name), 'utf8')).toBe('text');
  }
  expect(inRam().filter((name) => name.startsWith('not') || name.startsWith('plain'))).toEqual([]);
});

test('its inode number is that of the durable copy, in stat and in listings', () => {
  sqlite(onMount('number.db'), 'create table t (n)');
  const number = statSync(onDisk('number.db')).ino;
  expect(statSync(onMount('number.db')).ino).toBe(number);
  const { stdout } = spawnSync('ls', ['-i', mount.mountPoint], { encoding: 'utf8' });
  expect(stdout.split('\n').map((line) => line.trim())).toContain(`${number} number.db`);
});

test('its companions are listed while they are there, each once', () => {
  const path = onMount('wal.db');
  const holder = spawnSync(
    'python3',
    [
      '-c',
      `import os, sqlite3, sys
c = sqlite3.connect(sys.argv[1], isolation_level=None)
c.execute('pragma journal_mode=wal'); c.execute('create table t (n)')
print(*sorted(n for n in os.listdir(os.path.dirname(sys.argv[1])) if n.startswith('wal.db')))
print(*(os.stat(sys.argv[1] + e).st_size > 0 for e in ('-wal', '-shm')))
c.close()
print(*sorted(n for n in os.listdir(os.path.dirname(sys.argv[1])) if n.startswith('wal.db')))`,
      path,
    ],
    { encoding: 'utf8' },
  );
  expect(holder.stderr).toBe('');
  expect(holder.stdout).toBe('wal.db wal.db-shm wal.db-wal\nTrue True\nwal.db\n');
});

test('a log that the last close deletes is kept for the copier', () => {
  sqlite(onMount('kept.db'), 'pragma journal_mode=wal; create table t (n)');
  const left = readdirSync(root, { recursive: true, encoding: 'utf8' }).filter((path) => path.includes('/left/'));
  const mine = left.map((path) => path.slice(path.lastIndexOf('/') + 1)).filter((name) => name.includes('kept.db'));
  expect(mine.map((name) => name.slice(name.indexOf('.') + 1)).sort()).toEqual(['kept.db-shm', 'kept.db-wal']);
});

test('a rename moves both files, keeps the number, and the data', () => {
  sqlite(onMount('old.db'), 'create table t (n); insert into t values (7)');
  const number = statSync(onMount('old.db')).ino;
  mkdirSync(onMount('folder'));
  renameSync(onMount('old.db'), onMount('new.db'));
  renameSync(onMount('new.db'), onMount('folder/moved.sqlite'));
  expect(existsSync(onMount('old.db'))).toBe(false);
  expect(existsSync(onDisk('old.db'))).toBe(false);
  expect(statSync(onMount('folder/moved.sqlite')).ino).toBe(number);
  expect(statSync(onDisk('folder/moved.sqlite')).ino).toBe(number);
  expect(sqlite(onMount('folder/moved.sqlite'), 'select n from t')).toBe('7');
  expect(inRam()).toContain('moved.sqlite');
  renameSync(onMount('folder'), onMount('renamed'));
  expect(sqlite(onMount('renamed/moved.sqlite'), 'insert into t values (8); select count(*) from t')).toBe('2');
});

test('a rename onto it takes its place', () => {
  sqlite(onMount('target.db'), 'create table t (n); insert into t values (1)');
  sqlite(onMount('not.db2'), 'create table t (n); insert into t values (2)');
  renameSync(onMount('not.db2'), onMount('target.db'));
  expect(inRam()).not.toContain('target.db');
  expect(sqlite(onMount('target.db'), 'select n from t')).toBe('2');
  expect(sqlite(onDisk('target.db'), 'select n from t')).toBe('2');
  sqlite(onMount('one.db'), 'create table t (n); insert into t values (3)');
  sqlite(onMount('two.db'), 'create table t (n); insert into t values (4)');
  renameSync(onMount('one.db'), onMount('two.db'));
  expect(sqlite(onMount('two.db'), 'select n from t')).toBe('3');
  expect(existsSync(onMount('one.db'))).toBe(false);
});

test('an unlink removes both, and the directory can be removed', () => {
  mkdirSync(onMount('cache'));
  sqlite(onMount('cache/x'), 'pragma journal_mode=wal; create table t (n)');
  expect(inRam()).toContain('x');
  unlinkSync(onMount('cache/x'));
  expect(readdirSync(onDisk('cache'))).toEqual([]);
  expect(inRam()).not.toContain('x');
  rmSync(onMount('cache'), { recursive: true });
  expect(existsSync(onDisk('cache'))).toBe(false);
});

test('what the copier has written just before a name is removed, renamed or replaced raises no warning', async () => {
  const asCopier = (name: string) => {
    sqlite(onMount(name), 'create table t (n)');
    writeFileSync(onDisk(name), readFileSync(onMount(name)));
    writeFileSync(onDisk(`${name}-wal`), '');
  };
  for (const name of ['gone.db', 'moved.db', 'taken.db', 'replaced.db']) asCopier(name);
  unlinkSync(onMount('gone.db'));
  renameSync(onMount('moved.db'), onMount('taken.db'));
  writeFileSync(onMount('plain'), '');
  renameSync(onMount('plain'), onMount('replaced.db'));
  // What would be told of these is told before this one.
  const told = () => mount.log.filter(({ event }) => event === 'changed-behind-the-mount');
  writeFileSync(onDisk('marker'), '');
  const names = () => told().flatMap(({ fields }) => fields.names as string[]);
  await eventually(() => expect(names()).toContain(onDisk('marker')));
  expect(names()).toEqual([onDisk('marker')]);
});

test('a file that is unlinked while it is open lives on', () => {
  const fd = openSync(onMount('open.db'), 'w+');
  writeFileSync(fd, 'still here');
  unlinkSync(onMount('open.db'));
  expect(existsSync(onMount('open.db'))).toBe(false);
  expect(fstatSync(fd).size).toBe(10);
  closeSync(fd);
});

test('it has no second name', () => {
  sqlite(onMount('linked.db'), 'create table t (n)');
  expect(errnoOf(() => linkSync(onMount('linked.db'), onMount('other.db')))).toBe('EXDEV');
});

test('O_EXCL, modes and fsync are those of any file', () => {
  const fd = openSync(onMount('mode.db'), constants.O_CREAT | constants.O_EXCL | constants.O_RDWR, 0o640);
  expect(errnoOf(() => openSync(onMount('mode.db'), constants.O_CREAT | constants.O_EXCL | constants.O_RDWR))).toBe(
    'EEXIST',
  );
  expect(fstatSync(fd).mode & 0o777).toBe(0o640);
  chmodSync(onMount('mode.db'), 0o600);
  expect(fstatSync(fd).mode & 0o777).toBe(0o600);
  writeFileSync(fd, 'x');
  fsyncSync(fd);
  closeSync(fd);
});

test('it gets the group of a directory with the set-group-ID bit', () => {
  mkdirSync(onMount('grouped'));
  chownSync(onMount('grouped'), 0, 4321);
  chmodSync(onMount('grouped'), 0o2775);
  sqlite(onMount('grouped/cache.db'), 'create table t (n)');
  expect(inRam()).toContain('cache.db');
  expect(statSync(onMount('grouped/cache.db')).gid).toBe(4321);
});

test('removed in RAM by somebody, it goes on with the durable copy, and the log says so', async () => {
  sqlite(onMount('lost.db'), 'create table t (n)');
  const folder = readdirSync(root).find((key) => existsSync(join(root, key, 'files', 'lost.db'))) ?? '';
  writeFileSync(onDisk('lost.db'), readFileSync(join(root, folder, 'files', 'lost.db')));
  rmSync(join(root, folder, 'files', 'lost.db'));
  await eventually(() =>
    expect(sqlite(onMount('lost.db'), 'insert into t values (1); select count(*) from t')).toBe('1'),
  );
  expect(sqlite(onDisk('lost.db'), 'select count(*) from t')).toBe('1');
  await eventually(() => expect(mount.log.map(({ event }) => event)).toContain('ramdisk-copy-lost'));
});
