// What a rewind of a large database takes: its dry run, the rewind, a fork and a plain copy of the same size, all over
// HTTP, behind so many commits of three random pages each. Usage, after `npm run build`, as root:
//   node test/bench/rewind.mjs [MEBIBYTES=1024] [COMMITS=10000] [COPIES AND FORKS=3]
import { spawn, spawnSync } from 'node:child_process';
import { copyFileSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

const [mebibytes = 1024, commits = 10_000, rounds = 3] = process.argv.slice(2).map(Number);
const say = (what, value) => process.stdout.write(`${what.padEnd(40)} ${value}\n`);
const folder = mkdtempSync(join(tmpdir(), 'hoody-bench-'));
const at = (name) => join(folder, name);
const places = ['mount', 'data', 'state-dir', 'run-dir'].flatMap((name) => [`--${name}`, at(name)]);
const program = join(import.meta.dirname, '../../dist/daemon/main.js');

/** Rows of a page each. */
const fill = `
import os, sqlite3, sys
db = sqlite3.connect(sys.argv[1], isolation_level=None)
db.execute('pragma journal_mode=wal'); db.execute('pragma synchronous=off')
db.execute('create table t (k integer primary key, v blob)')
db.execute('begin')
db.executemany('insert into t (v) values (?)', ((os.urandom(3500),) for _ in range(int(sys.argv[2]))))
db.execute('commit'); db.execute('pragma wal_checkpoint(truncate)')
`;
const change = `
import os, random, sqlite3, sys
db = sqlite3.connect(sys.argv[1], timeout=60, isolation_level=None)
db.execute('pragma synchronous=off')
rows, chance = int(sys.argv[2]), random.Random(1)
for _ in range(int(sys.argv[3])):
    db.execute('begin immediate')
    for _ in range(3): db.execute('update t set v = ? where k = ?', (os.urandom(3500), chance.randrange(rows // 100) + 1))
    db.execute('commit')
`;

function python(script, ...args) {
  const { status } = spawnSync('python3', ['-c', script, ...args.map(String)], { stdio: 'inherit' });
  if (status !== 0) throw new Error('the program failed');
}

async function timed(what, work) {
  const startedMs = performance.now();
  const result = await work();
  say(what, `${((performance.now() - startedMs) / 1000).toFixed(2)} s, load ${loadavg()[0].toFixed(1)}`);
  return result;
}

const rows = mebibytes * 256;
mkdirSync(at('data'));
python(fill, at('data/app.db'), rows);
const given = ['--listen', '127.0.0.1:0', '--log-level', 'warn', '--archive-budget', '8GiB'];
const daemon = spawn(process.execPath, [program, 'start', ...places, ...given], {
  stdio: ['ignore', 'pipe', 'inherit'],
});
const exited = new Promise((resolve) => daemon.once('exit', resolve));
try {
  const url = await new Promise((resolve, reject) => {
    daemon.stdout.on('data', (line) => resolve(/url=(\S+)/.exec(String(line))?.[1]));
    exited.then((code) => reject(new Error(`the daemon ended with ${code}`)));
  });
  const call = async (method, path) => {
    const answer = await fetch(`${url}/api/v1/sqlite${path}`, { method });
    const body = await answer.json();
    if (!answer.ok) throw new Error(`${path}: ${JSON.stringify(body)}`);
    return body;
  };
  const newest = async () => (await call('GET', '/db/history?db=app&limit=1')).commits[0];
  const states = async () => (await call('GET', '/db/archive')).databases.map(({ state }) => state);
  const state = async () => (await states())[0];
  await timed('the first copy', async () => {
    while ((await state().catch(() => undefined)) !== 'current') await sleep(50);
  });
  const { bookmark } = await newest();
  await timed(`${commits} commits`, () => python(change, at('mount/app.db'), rows, commits));
  const moment = `at=${bookmark}&timeout=300`;
  const rewind = `/db/rewind?db=app&${moment}`;
  await timed('dry run, tables only', () => call('POST', `${rewind}&rows=false`));
  const planned = await timed('dry run', () => call('POST', rewind));
  say('rows that it would change', JSON.stringify(planned.tables));
  const done = await timed('rewind', () => call('POST', `${rewind}&confirm=yes`));
  say('of it under the write lock', `${(done.held_ms / 1000).toFixed(2)} s, ${done.pages} pages`);
  await timed('undo', () => call('POST', '/db/undo?db=app&confirm=yes&timeout=300'));
  // In turns: how long a file of that size takes depends much on what was written right before.
  for (let round = 1; round <= rounds; round++) {
    await timed('copy', () => copyFileSync(at('data/app.db'), at('copy.db')));
    await timed('fork', () => call('POST', `/db/fork?db=app&to=forked${round}&${moment}`));
    rmSync(at('copy.db'));
    while (!(await states()).every((state) => state === 'current')) await sleep(50);
  }
  const check = spawnSync('sqlite3', [at('mount/app.db'), 'pragma quick_check(1)'], { encoding: 'utf8' });
  say('quick_check', check.stdout.trim());
} finally {
  daemon.kill();
  await exited;
  spawnSync('chattr', ['-R', '-f', '-i', at('mount')]); // the daemon leaves it sealed
  rmSync(folder, { recursive: true, force: true });
}
