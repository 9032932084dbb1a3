// Single-writer SQLite speed on the mount against plain ext4 in the same run, as ratios; fuse-native's loopback for
// comparison.
//   node test/bench/mount.mjs [SECONDS_PER_CELL] [ROUNDS] [--json FILE]
// It needs root, /dev/fuse, python3 and `npm run build`.
// Places take turns in every round, and the median round counts: the machine's noise hits all of them.
import { spawn, spawnSync } from 'node:child_process';
import { closeSync, mkdirSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fsProcessPath, mountFuse, unmountFuse } from '../../dist/fs/index.js';
import { jsonReport, machine, median } from './report.mjs';

const args = process.argv.slice(2);
const writeJson = jsonReport(args);
const seconds = args[0] ?? '1';
const rounds = Number(args[1] ?? 5);
const here = import.meta.dirname;
const folder = mkdtempSync(join(tmpdir(), 'hoody-sqlite-bench-'));

/** Journal mode, synchronous, what is done, the least ratio to ext4 that is aimed at. */
const cells = [
  ['wal', 'full', 'insert', 0.95],
  ['wal', 'off', 'insert', 0.4],
  ['wal', 'full', 'read', 0.5],
  ['wal', 'full', 'read-in-transaction', 0.97],
  ['delete', 'full', 'insert', 0.9],
  ['delete', 'off', 'insert', 0.35],
  ['delete', 'full', 'read', 0.3],
];

const client = `
import os, sqlite3, sys, time
file, journal, sync, what, seconds = sys.argv[1:]
db = sqlite3.connect(file, isolation_level=None)
db.execute('pragma journal_mode=' + journal); db.execute('pragma synchronous=' + sync)
db.execute('create table t (k integer primary key, v text)')
db.execute('begin'); db.executemany('insert into t values (?, ?)', ((i, 'x' * 100) for i in range(1000))); db.execute('commit')
if what == 'read-in-transaction': db.execute('begin')
count, start = 0, time.perf_counter()
while time.perf_counter() < start + float(seconds):
    for _ in range(10):
        if what == 'insert': db.execute("insert into t (v) values ('yyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyy')")
        else: db.execute('select v from t where k = ?', (count % 1000,)).fetchone()
        count += 1
print(count / (time.perf_counter() - start))
`;

let files = 0;
function measure(directory, [journal, sync, what]) {
  const file = join(directory, `${files++}.db`);
  const { stdout, stderr, status } = spawnSync('python3', ['-c', client, file, journal, sync, what, seconds], {
    encoding: 'utf8',
    timeout: 120_000,
  });
  for (const suffix of ['', '-wal', '-shm', '-journal']) rmSync(file + suffix, { force: true });
  if (status !== 0) throw new Error(`${directory}: ${stderr}`);
  return Number(stdout);
}

function newPlace(name) {
  const [dataDir, mountPoint] = ['data', 'mount'].map((kind) => join(folder, name.replaceAll(/\W+/g, '-'), kind));
  for (const path of [dataDir, mountPoint]) mkdirSync(path, { recursive: true });
  return { dataDir, mountPoint };
}

async function ourMount(name, passthrough, locks) {
  const { dataDir, mountPoint } = newPlace(name);
  const device = mountFuse({ mountPoint });
  const child = spawn(process.execPath, [fsProcessPath], { stdio: ['ignore', 'inherit', 'inherit', device, 'ipc'] });
  closeSync(device);
  child.send({ type: 'start', options: { dataDir, mountPoint, stateDir: dataDir, passthrough, locks } });
  await new Promise((ready) => child.on('message', ({ type }) => type === 'ready' && ready()));
  const close = async () => {
    unmountFuse(mountPoint, 'lazy');
    const exited = new Promise((done) => child.once('exit', done));
    child.send({ type: 'stop' }, () => {});
    await exited;
  };
  return { name, directory: mountPoint, close };
}

async function fuseNativeMount(name) {
  const { dataDir, mountPoint } = newPlace(name);
  // The package brings its libfuse along under another name than it was linked with.
  const libraries = join(folder, 'libraries');
  mkdirSync(libraries);
  symlinkSync(join(here, '../../node_modules/fuse-native/build/Release/libfuse.so'), join(libraries, 'libfuse.so.2'));
  const child = spawn(process.execPath, [join(here, 'fuse-native-mirror.mjs'), dataDir, mountPoint], {
    stdio: ['pipe', 'pipe', 'inherit'],
    env: { ...process.env, LD_LIBRARY_PATH: libraries },
  });
  await new Promise((ready, failed) => {
    child.stdout.once('data', ready);
    child.once('exit', (code) => failed(new Error(`the fuse-native mirror ended with ${code}`)));
  });
  const close = () =>
    new Promise((done) => {
      child.removeAllListeners('exit').once('exit', done);
      child.stdin.end();
    });
  return { name, directory: mountPoint, close };
}

const places = [{ name: 'ext4', directory: newPlace('plain').dataDir, close: () => {} }];
try {
  places.push(await ourMount('mount', 'auto', 'coordinated'));
  places.push(await ourMount('locks kernel', 'auto', 'kernel'));
  places.push(await ourMount('no passthrough', 'off', 'coordinated'));
  try {
    places.push(await fuseNativeMount('fuse-native'));
  } catch (error) {
    process.stderr.write(`without fuse-native: ${error.message}\n`);
  }
  const columns = places.slice(1).map(({ name }) => ` ${name} |`);
  process.stdout.write(
    `| journal, sync, what | ext4 /s |${columns.join('')} goal |\n|---|---|${'---|'.repeat(places.length)}\n`,
  );
  const rows = [];
  for (const cell of cells) {
    const results = places.map(() => []);
    for (let round = 0; round < rounds; round++) {
      for (const [index, { directory }] of places.entries()) results[index].push(measure(directory, cell));
    }
    const ratios = results
      .slice(1)
      .map((perRound) => median(perRound.map((speed, round) => speed / results[0][round])));
    const [journal, sync, what, goal] = cell;
    const perSecond = median(results[0]);
    rows.push({ journal, sync, what, goal, perSecond, ratios });
    const shown = ratios.map((ratio) => ` ${ratio.toFixed(2)} |`).join('');
    process.stdout.write(`| ${journal}, ${sync}, ${what} | ${Math.round(perSecond)} |${shown} ${goal} |\n`);
  }
  writeJson({ machine: machine(), places: places.slice(1).map(({ name }) => name), rows });
} finally {
  for (const { close } of places) await close();
  rmSync(folder, { recursive: true, force: true });
}
