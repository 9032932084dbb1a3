// Writers on a busy machine: 6 processes in rollback mode, 20 commits each, beside 4 processes that only count. The
// time until the last one is done, on the mount and on plain ext4.
//   node test/bench/busy.mjs [ROUNDS]     needs root, /dev/fuse, python3 and `npm run build`
import { spawn } from 'node:child_process';
import { closeSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

const rounds = Number(process.argv[2] ?? 5);
const dist = process.env.DIST ?? join(import.meta.dirname, '../../dist');
const { fsProcessPath, mountFuse, unmountFuse } = await import(pathToFileURL(join(dist, 'fs/index.js')).href);
const [writers, commits, spinning] = [6, 20, 4];
const folder = mkdtempSync(join(tmpdir(), 'hoody-sqlite-bench-'));

const writer = `
import sqlite3, sys
db = sqlite3.connect(sys.argv[1], timeout=60, isolation_level=None)
db.execute('pragma synchronous=full')
db.execute('select 1 from t').fetchone()
print('ready', flush=True); sys.stdin.readline()
for i in range(${commits}): db.execute('insert into t values (?)', (i,))
`;
const prepare = `
import sqlite3, sys
db = sqlite3.connect(sys.argv[1]); db.execute('create table t (x)'); db.execute('insert into t values (0)'); db.commit()
`;
const ended = (child) => new Promise((done) => child.once('exit', done));

async function measure(directory, round) {
  const file = join(directory, `${round}.db`);
  await ended(spawn('python3', ['-c', prepare, file]));
  const children = Array.from({ length: writers }, () =>
    spawn('python3', ['-c', writer, file], { stdio: ['pipe', 'pipe', 'inherit'] }),
  );
  await Promise.all(children.map(({ stdout }) => new Promise((ready) => stdout.once('data', ready))));
  const startMs = performance.now();
  for (const { stdin } of children) stdin.end('\n');
  const codes = await Promise.all(children.map(ended));
  if (codes.some((code) => code !== 0)) throw new Error(`${directory}: a writer failed`);
  return performance.now() - startMs;
}

async function mount() {
  const [dataDir, mountPoint] = ['data', 'mount'].map((name) => join(folder, name));
  for (const path of [dataDir, mountPoint]) mkdirSync(path);
  const device = mountFuse({ mountPoint });
  const child = spawn(process.execPath, [fsProcessPath], { stdio: ['ignore', 'inherit', 'inherit', device, 'ipc'] });
  closeSync(device);
  const options = { dataDir, mountPoint, stateDir: dataDir, passthrough: 'auto', locks: 'coordinated' };
  child.send({ type: 'start', options });
  await new Promise((ready) => child.on('message', ({ type }) => type === 'ready' && ready()));
  const close = async () => {
    unmountFuse(mountPoint, 'lazy');
    const exited = ended(child);
    child.send({ type: 'stop' }, () => {});
    await exited;
  };
  return { directory: mountPoint, close };
}

const median = (values) => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)];

const spinners = Array.from({ length: spinning }, () => spawn('python3', ['-c', 'while True: pass']));
const plain = join(folder, 'plain');
mkdirSync(plain);
const mounted = await mount();
try {
  const times = { ext4: [], mount: [] };
  for (let round = 0; round < rounds; round++) {
    times.ext4.push(await measure(plain, round));
    times.mount.push(await measure(mounted.directory, round));
  }
  const ratio = median(times.mount.map((ms, round) => ms / times.ext4[round]));
  const [ext4, ours] = [times.ext4, times.mount].map((all) => Math.round(median(all)));
  process.stdout.write(
    `${writers} rollback writers beside ${spinning} busy processes, ${writers * commits} commits: ` +
      `ext4 ${ext4} ms, mount ${ours} ms, ${ratio.toFixed(2)} x (median of ${rounds}; load ${loadavg()[0].toFixed(1)})\n`,
  );
} finally {
  for (const spinner of spinners) spinner.kill();
  await mounted.close();
  rmSync(folder, { recursive: true, force: true });
}
