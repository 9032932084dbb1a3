// Libraries built with SQLITE_ENABLE_SETLK_TIMEOUT: they ask for the write lock before the read lock, and wait for it
// inside the VFS, by polling (what SQLite 3.40 does) or by F_SETLKW (what its source invites vendors to do). The
// library is compiled here, from the amalgamation that better-sqlite3 brings, and python is made to use it.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { run } from '../helpers/process.ts';
import { type TempMount, tempMount } from '../helpers/temp-mount.ts';

const amalgamation = resolve(import.meta.dirname, '../../node_modules/better-sqlite3/deps/sqlite3');
const writersScript = resolve(import.meta.dirname, 'clients/writers.py');
const compileMs = 120_000;
const seconds = process.env.HOODY_SQLITE_SOAK ? 5 : 0.5;

/** SQLite's source waits nowhere: it says "end of code to replace with real blocking-locks code". */
const placeholder = `    rc = osFcntl(h,F_SETLK,pLock);
    pFile->iBusyTimeout = 0;
`;
const blocking = `    int tm = pFile->iBusyTimeout;
    if( getenv("BLOCK_IN_KERNEL") ) rc = osFcntl(h,F_SETLKW,pLock);
    else while( (rc = osFcntl(h,F_SETLK,pLock))!=0 && tm-->0 ) usleep(1000);
`;

let folder: string;
let library: string;
let mount: TempMount;
let count = 0;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'hoody-sqlite-setlk-'));
  const source = readFileSync(join(amalgamation, 'sqlite3.c'), 'utf8');
  expect(source.split(placeholder)).toHaveLength(2);
  writeFileSync(join(folder, 'sqlite3.c'), source.replace(placeholder, blocking));
  library = join(folder, 'libsqlite3.so');
  const options = ['-DSQLITE_ENABLE_SETLK_TIMEOUT=1', '-DSQLITE_ENABLE_COLUMN_METADATA'];
  const args = ['-w', '-O0', '-shared', '-fPIC', ...options, '-o', library, join(folder, 'sqlite3.c'), '-lm'];
  expect(await run('gcc', args, { timeoutMs: compileMs })).toMatchObject({ code: 0 });
  mount = await tempMount();
}, compileMs);

afterAll(async () => {
  await mount?.close();
  rmSync(folder, { recursive: true, force: true });
});

interface Crowd {
  readonly commits: number;
  readonly stored: number;
  readonly errors: Readonly<Record<string, number>>;
  readonly integrity: string;
}

async function write(
  file: string,
  journal: string,
  timeout: number,
  seconds: number,
  processes: number,
  env: Record<string, string>,
): Promise<Crowd> {
  const args = ['-m', 'python3', writersScript, file, journal, `${timeout}`, `${seconds}`, `${processes}`, 'insert'];
  const { stdout, stderr } = await run('unshare', args, { env });
  if (stdout === '') throw new Error(stderr);
  return JSON.parse(stdout) as Crowd;
}

const newFile = () => join(mount.mountPoint, `${count++}.db`);

test('the library is the one that was compiled here', async () => {
  const script = "import sqlite3; print(sqlite3.connect('').execute('pragma compile_options').fetchall())";
  const { stdout } = await run('python3', ['-c', script], { env: { LD_PRELOAD: library } });
  expect(stdout).toContain('ENABLE_SETLK_TIMEOUT');
});

describe.each(['delete', 'wal'])('journal %s', (journal) => {
  test.each(['polls', 'blocks in the kernel'])('six writers, the library %s: no failure, nothing lost', async (how) => {
    const env = { LD_PRELOAD: library, ...(how === 'polls' ? {} : { BLOCK_IN_KERNEL: '1' }) };
    const crowd = await write(newFile(), journal, 5, seconds, 6, env);
    expect(crowd.errors).toEqual({});
    expect(crowd).toMatchObject({ stored: crowd.commits, integrity: 'ok' });
    expect(crowd.commits).toBeGreaterThan(0);
  });

  test('beside them, plain writers with busy timeout 0 are refused nothing and get their turn', async () => {
    const file = newFile();
    await write(file, journal, 5, 0.1, 1, {});
    const [theirs, plain] = await Promise.all([
      write(file, journal, 5, 2 * seconds, 4, { LD_PRELOAD: library }),
      write(file, journal, 0, 2 * seconds, 4, {}),
    ]);
    expect([theirs.errors, plain.errors]).toEqual([{}, {}]);
    expect(plain.commits).toBeGreaterThan(theirs.commits / 20);
  });
});
