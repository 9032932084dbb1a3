// Eight python writers on one database, the mount against plain ext4 in the same run: commits, BUSY errors, waits,
// fairness. Then eight proved readers beside one writer.
//   node test/bench/locks.mjs [SECONDS_PER_CELL] [ROUNDS] [LOCK_LIMITS_AS_JSON]
// Needs root, /dev/fuse, python3 and `npm run build`.
// Places take turns in every round, and the median round counts: the machine's noise hits both.
import { spawn, spawnSync } from 'node:child_process';
import { closeSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fsProcessPath, mountFuse, unmountFuse } from '../../dist/fs/index.js';

const seconds = process.argv[2] ?? '3';
const rounds = Number(process.argv[3] ?? 3);
const lockLimits = JSON.parse(process.argv[4] ?? '{}');
const writers = join(import.meta.dirname, '../locks/clients/writers.py');
const folder = mkdtempSync(join(tmpdir(), 'hoody-sqlite-bench-'));
const [dataDir, mountPoint, plain] = ['data', 'mount', 'ext4'].map((name) => join(folder, name));
for (const path of [dataDir, mountPoint, plain]) mkdirSync(path);

/** Journal mode and busy timeout in seconds. */
const cells = [
  ['delete', 0],
  ['wal', 0],
  ['delete', 5],
  ['wal', 5],
];

const print = (line) => process.stdout.write(`${line}\n`);

let files = 0;
function measure(directory, [journal, timeout]) {
  const file = join(directory, `${files++}.db`);
  const args = [writers, file, journal, `${timeout}`, seconds, '8', 'insert'];
  const { stdout, stderr, status } = spawnSync('python3', args, { encoding: 'utf8', timeout: 300_000 });
  if (status !== 0) throw new Error(`${directory}: ${stderr}`);
  const result = JSON.parse(stdout);
  if (result.stored !== result.commits)
    throw new Error(`${directory}: ${result.commits - result.stored} commits are lost`);
  return { ...result, busy: Object.values(result.errors).reduce((sum, count) => sum + count, 0) };
}

/** The round whose commits per second are in the middle. */
function median(results) {
  return results.sort((a, b) => a.commitsPerSecond - b.commitsPerSecond)[Math.floor(results.length / 2)];
}

function row(place, journal, timeout, { commitsPerSecond, busy, p50Ms, p99Ms, worstMs, leastToMost }) {
  const values = [place, journal, `${timeout} s`, commitsPerSecond, busy, p50Ms, p99Ms, worstMs, leastToMost];
  return `| ${values.join(' | ')} |`;
}

function measureReaders(directory, journal) {
  const script = join(import.meta.dirname, '../locks/clients/readers.py');
  const args = [script, join(directory, `${files++}.db`), journal, seconds, `${rounds}`, '8'];
  const { stdout, stderr, status } = spawnSync('python3', args, { encoding: 'utf8', timeout: 300_000 });
  if (status !== 0) throw new Error(`${directory}: ${stderr}`);
  return JSON.parse(stdout);
}

const device = mountFuse({ mountPoint });
const child = spawn(process.execPath, [fsProcessPath], { stdio: ['ignore', 'inherit', 'inherit', device, 'ipc'] });
closeSync(device);
try {
  await new Promise((ready, failed) => {
    child.once('exit', (code) => failed(new Error(`the fs process ended with ${code}`)));
    child.on('message', (message) => message.type === 'ready' && ready());
    const options = { dataDir, mountPoint, stateDir: folder, passthrough: 'auto', locks: 'coordinated', lockLimits };
    child.send({ type: 'start', options });
  });
  print('| place | journal | busy timeout | commits/s | BUSY | p50 ms | p99 ms | worst ms | least/most |');
  print('|---|---|---|---|---|---|---|---|---|');
  for (const cell of cells) {
    const [onMount, onDisk] = [[], []];
    for (let round = 0; round < rounds; round++) {
      onDisk.push(measure(plain, cell));
      onMount.push(measure(mountPoint, cell));
    }
    const [ours, theirs] = [median(onMount), median(onDisk)];
    print(row('ext4', ...cell, theirs));
    print(row('mount', ...cell, ours));
    print(`ratio of commits/s: ${(ours.commitsPerSecond / theirs.commitsPerSecond).toFixed(2)}`);
  }
  print('\n| place | journal | reads/s | beside a writer | kept | its commits/s | reads refused | writes refused |');
  print('|---|---|---|---|---|---|---|---|');
  for (const journal of ['delete', 'wal']) {
    for (const [place, directory] of [
      ['ext4', plain],
      ['mount', mountPoint],
    ]) {
      print(`| ${[place, journal, ...Object.values(measureReaders(directory, journal))].join(' | ')} |`);
    }
  }
} finally {
  unmountFuse(mountPoint, 'lazy');
  child.kill('SIGKILL');
  rmSync(folder, { recursive: true, force: true });
}
