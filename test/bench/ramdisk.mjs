// What a database in RAM with a durable copy costs: commits of one process on the tier, on the mount over a plain
// tmpfs, on the mount over ext4 and on ext4 itself, and how long four writers wait on the first two: in one large
// database, where they wait for each other too, apart in four that have the same size together, and paced: in the large
// one, 200 commits a second each, which leaves the processors time.
//   node test/bench/ramdisk.mjs [SECONDS_PER_CELL] [ROUNDS] [MEGABYTES] [--only PART,...] [--archive on] [--json FILE]
// Parts: wal, delete, one, apart, paced. It needs root, /dev/fuse, python3, memory for five such databases and
// `npm run build`. Places take turns in every round, so that the machine's noise hits all of them. Nobody keeps an
// archive, unless asked.
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { jsonReport, machine, median } from './report.mjs';

const args = process.argv.slice(2);
const writeJson = jsonReport(args);
const only = taken('--only')?.split(',') ?? ['wal', 'delete', 'one', 'apart', 'paced'];
const archive = taken('--archive') === 'on' ? [] : ['--archive', 'off'];
const [seconds, rounds, megabytes] = [args[0] ?? 2, args[1] ?? 5, args[2] ?? 1000].map(Number);
const program = join(import.meta.dirname, '../../dist/daemon/main.js');
const folder = mkdtempSync(join(tmpdir(), 'hoody-sqlite-bench-'));
const print = (line) => process.stdout.write(`${line}\n`);
const longMs = 20;
const writers = 4;
const pacePerSecond = 200;

function taken(option) {
  const at = args.indexOf(option);
  return at < 0 ? undefined : args.splice(at, 2)[1];
}

const inserts = `
import sqlite3, sys, time
file, journal, seconds = sys.argv[1:]
db = sqlite3.connect(file, isolation_level=None)
db.execute('pragma journal_mode=' + journal); db.execute('pragma synchronous=full')
db.execute('create table t (k integer primary key, v text)')
count, start = 0, time.perf_counter()
while time.perf_counter() < start + float(seconds):
    for _ in range(10):
        db.execute('insert into t (v) values (?)', ('y' * 300,))
        count += 1
print(count / (time.perf_counter() - start))
`;
const fill = `
import sqlite3, sys
db = sqlite3.connect(sys.argv[1], isolation_level=None)
db.execute('pragma journal_mode=wal')
db.execute('create table t (k integer primary key, v blob)')
for first in range(0, int(sys.argv[2]), 5000):
    db.execute('begin')
    db.executemany('insert into t values (?, randomblob(3000))', ((n,) for n in range(first, first + 5000)))
    db.execute('commit')
`;
/**
 * Each commit changes one page anywhere in the database. It prints how long each waited for the other writers and how
 * long it took from then on, in milliseconds.
 */
const updates = `
import random, sqlite3, sys, time
file, rows, seconds, pause = sys.argv[1], int(sys.argv[2]), float(sys.argv[3]), float(sys.argv[4])
db = sqlite3.connect(file, timeout=60, isolation_level=None)
db.execute('pragma synchronous=full')
took, start, now = [], time.perf_counter(), time.perf_counter()
while now < start + seconds:
    db.execute('begin immediate')
    begun = time.perf_counter()
    db.execute('update t set v = randomblob(3000) where k = ?', (random.randrange(rows),))
    db.execute('commit')
    ended = time.perf_counter()
    took.append(((begun - now) * 1000, (ended - begun) * 1000))
    time.sleep(max(0, now + pause - ended))
    now = time.perf_counter()
print(' '.join('%.3f:%.3f' % t for t in took))
`;

async function python(script, ...given) {
  const child = spawn('python3', ['-c', script, ...given.map(String)], { stdio: ['ignore', 'pipe', 'inherit'] });
  let output = '';
  child.stdout.on('data', (chunk) => {
    output += chunk;
  });
  const code = await new Promise((resolve) => child.once('close', resolve));
  if (code !== 0) throw new Error(`a client of ${given[0]} ended with ${code}`);
  return output;
}

/** A daemon of its own, with the data directory on a tmpfs or not. */
async function mountOf(name, isOnTmpfs, ...flags) {
  const own = join(folder, name);
  const [data, mount, runDir] = ['data', 'mount', 'run'].map((kind) => join(own, kind));
  mkdirSync(data, { recursive: true });
  if (isOnTmpfs) spawnSync('mount', ['-t', 'tmpfs', 'tmpfs', data]);
  const places = ['--data', data, '--mount', mount, '--run-dir', runDir, '--state-dir', join(own, 'state')];
  const given = ['--listen', '127.0.0.1:0', '--log-level', 'warn', ...archive, ...flags];
  const child = spawn(process.execPath, [program, 'start', ...places, ...given], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const exited = new Promise((resolve) => child.once('exit', resolve));
  await new Promise((resolve, reject) => {
    child.stdout.once('data', resolve);
    exited.then((code) => reject(new Error(`the daemon of ${name} ended with ${code}`)));
  });
  const close = async () => {
    child.kill('SIGTERM');
    await exited;
    for (const path of [data, join(own, 'ramdisk')]) spawnSync('umount', ['-q', path]);
    spawnSync('chattr', ['-R', '-f', '-i', mount]); // the daemon leaves it sealed
  };
  const flush = () => spawnSync(process.execPath, [program, 'tier', 'flush', '--run-dir', runDir, '--data', data]);
  return { name, directory: mount, close, flush };
}

function spreadOf(values) {
  return `${Math.min(...values).toFixed(2)} to ${Math.max(...values).toFixed(2)}`;
}

let files = 0;
async function speedOf({ directory }, journal) {
  const file = join(directory, `${files++}.db`);
  const speed = Number(await python(inserts, file, journal, seconds));
  for (const suffix of ['', '-wal', '-shm', '-journal']) rmSync(file + suffix, { force: true });
  return speed;
}

async function compareSpeeds(places) {
  print(`| journal | ${places.map(({ name }) => `${name} /s`).join(' | ')} | tier / tmpfs | spread | tier / ext4 |`);
  print(`|---|${'---|'.repeat(places.length + 3)}`);
  const rows = [];
  for (const journal of ['wal', 'delete'].filter((name) => only.includes(name))) {
    const results = places.map(() => []);
    for (let round = 0; round < rounds; round++) {
      for (const [at, place] of places.entries()) results[at].push(await speedOf(place, journal));
    }
    const [tier, tmpfs, , ext4] = results;
    const ratios = tier.map((speed, round) => speed / tmpfs[round]);
    const toExt4 = median(tier.map((speed, round) => speed / ext4[round]));
    rows.push({ journal, results, ratios });
    const speeds = results.map((perRound) => Math.round(median(perRound))).join(' | ');
    print(`| ${journal} | ${speeds} | ${median(ratios).toFixed(2)} | ${spreadOf(ratios)} | ${toExt4.toFixed(2)} |`);
  }
  return rows;
}

const databases = {
  one: ['large.db'],
  paced: ['large.db'],
  apart: Array.from({ length: writers }, (_, at) => `part${at}.db`),
};

/** Of all writers at once. */
async function waitsOf({ directory }, files, rows, pause) {
  const children = Array.from({ length: writers }, (_, at) =>
    python(updates, join(directory, files[at % files.length]), rows, 3 * seconds, pause),
  );
  const took = (await Promise.all(children))
    .flatMap((output) => output.trim().split(' '))
    .map((line) => line.split(':').map(Number));
  const own = took.map(([, ms]) => ms).sort((one, other) => one - other);
  const at = (share) => own[Math.min(own.length - 1, Math.floor(share * own.length))];
  const longLocks = took.filter(([ms]) => ms > longMs).length;
  const long = own.filter((ms) => ms > longMs).length;
  return { commits: own.length, p50: at(0.5), p99: at(0.99), p999: at(0.999), most: at(1), long, longLocks };
}

/** `part`: `one`, `apart` or `paced`. */
async function compareWaits(part, places) {
  const files = databases[part];
  const rows = Math.floor((megabytes * 1e6) / 4096 / files.length);
  for (const { directory, flush } of places) {
    for (const file of files) {
      if (!existsSync(join(directory, file))) await python(fill, join(directory, file), rows);
    }
    flush();
  }
  const heads = ['commits', 'p50 ms', 'p99 ms', 'p99.9 ms', 'longest ms', `above ${longMs} ms`, 'waits for the lock'];
  print(`\n| ${part}, round | place | ${heads.join(' | ')} above ${longMs} ms |`);
  print(`|${'---|'.repeat(9)}`);
  const results = [];
  for (let round = 1; round <= rounds; round++) {
    for (const place of round % 2 === 0 ? places : places.toReversed()) {
      const result = await waitsOf(place, files, rows, part === 'paced' ? 1 / pacePerSecond : 0);
      results.push({ part, round, place: place.name, ...result });
      const shown = [result.p50, result.p99, result.p999, result.most].map((ms) => ms.toFixed(1)).join(' | ');
      print(`| ${round} | ${place.name} | ${result.commits} | ${shown} | ${result.long} | ${result.longLocks} |`);
    }
  }
  return results;
}

const places = [];
try {
  const ramdisk = join(folder, 'tier', 'ramdisk');
  places.push(await mountOf('tier', false, '--ramdisk', ramdisk, '--ram', '*.db'));
  places.push(await mountOf('tmpfs', true, '--ramdisk', 'off'));
  places.push(await mountOf('mount', false, '--ramdisk', 'off'));
  mkdirSync(join(folder, 'plain'));
  places.push({ name: 'ext4', directory: join(folder, 'plain'), close: () => {} });
  const speeds = await compareSpeeds(places);
  const waits = [];
  for (const part of ['one', 'apart', 'paced'].filter((name) => only.includes(name))) {
    waits.push(...(await compareWaits(part, places.slice(0, 2))));
  }
  print(`load ${loadavg()[0]}`);
  writeJson({ machine: machine(), speeds, waits });
} finally {
  for (const { close } of places) await close();
  rmSync(folder, { recursive: true, force: true });
}
