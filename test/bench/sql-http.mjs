// Compares SQL and key-value requests with a naive server (node:http and better-sqlite3 in one process) and with a
// bare Koa route, on the same machine in one run, in turns:
//   npm run build && node test/bench/sql-http.mjs [SECONDS_A_ROUND] [ROUNDS] [--json FILE] [FLAGS OF start]
// HOODY_BENCH_OTHER names another build's dist/daemon/main.js, which runs in the same turns.
import { execFile, fork, spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { jsonReport, machine, median } from './report.mjs';

const args = process.argv.slice(2);
const writeJson = jsonReport(args);
const [seconds = '1', rounds = '5', ...flags] = args;
const here = import.meta.dirname;
const folder = mkdtempSync('/var/tmp/hoody-bench-');
const programs = { here: join(here, '../../dist/daemon/main.js'), other: process.env.HOODY_BENCH_OTHER };

const insert = '{"transaction":[{"statement":"INSERT INTO rows(text) VALUES (?)","values":["some text"]}]}';
const select = '{"transaction":[{"query":"SELECT * FROM rows WHERE id = ?","values":[1]}]}';
const db = '/api/v1/sqlite/db?db=bench';
const kv = '/api/v1/sqlite/kv/counter?db=bench';
const kinds = [
  ['SQL insert', 'POST', db, insert, 'sqlite'],
  ['SQL select', 'POST', db, select, 'sqlite'],
  ['KV get', 'GET', kv, '', 'koa'],
];

const bare = {
  koa: await startBare('bare-koa.mjs'),
  sqlite: await startBare('bare-sqlite.mjs', join(folder, 'bare.db')),
};
const daemons = [];
const rows = [];
for (const [name, program] of Object.entries(programs)) if (program) daemons.push(await startDaemon(name, program));
try {
  for (const { port } of daemons) {
    const create = '{"transaction":[{"statement":"CREATE TABLE rows(id INTEGER PRIMARY KEY, text TEXT)"}]}';
    await fetch(`http://127.0.0.1:${port}${db}`, { method: 'POST', body: create });
    await fetch(`http://127.0.0.1:${port}${kv}`, { method: 'PUT', body: '1' });
  }
  process.stdout.write(`load average before: ${readFileSync('/proc/loadavg', 'utf8')}`);
  for (const connections of (process.env.HOODY_BENCH_CONNECTIONS ?? '1,64').split(',')) {
    for (const kind of kinds) await compare(kind, connections);
  }
  writeJson({ machine: machine(), rows });
} finally {
  for (const { child } of Object.values(bare)) child.disconnect();
  for (const { child, exited } of daemons) {
    child.kill('SIGTERM');
    await exited;
  }
  spawnSync('find', [folder, '-type', 'd', '-exec', 'chattr', '-f', '-i', '{}', '+']); // the daemon leaves it sealed
  rmSync(folder, { recursive: true, force: true });
}

async function compare([name, method, path, body, against], connections) {
  const targets = [['bare', bare[against].port], ...daemons.map((daemon) => [daemon.name, daemon.port])];
  const results = targets.map(() => []);
  for (const [, port] of targets) await load(port, connections, method, path, body);
  for (let round = 0; round < Number(rounds); round += 1) {
    for (const [at, [, port]] of targets.entries()) results[at].push(await load(port, connections, method, path, body));
  }
  targets.forEach(([target], at) => {
    const perSecond = results[at].map(({ requests }) => requests / Number(seconds));
    const ratio = median(perSecond.map((one, round) => one / (results[0][round].requests / Number(seconds))));
    const errors = results[at].reduce((sum, one) => sum + one.errors, 0);
    const p50 = median(results[at].map(({ p50Ms }) => p50Ms));
    const barePerSecond = median(results[0].map(({ requests }) => requests / Number(seconds)));
    const figures = { perSecond: median(perSecond), bare: barePerSecond, ratio, p50Ms: p50, errors };
    rows.push({ what: name, connections: Number(connections), target, against, ...figures });
    const spread = `${Math.round(Math.min(...perSecond))}-${Math.round(Math.max(...perSecond))}`;
    process.stdout.write(
      `${name.padEnd(11)} ${connections.padStart(3)} ${target.padEnd(6)} ${String(Math.round(median(perSecond))).padStart(6)}/s` +
        ` (${spread})  x${ratio.toFixed(2)}  p50 ${p50} ms  errors ${errors}\n`,
    );
  });
}

async function startBare(program, ...args) {
  const socket = createServer();
  await new Promise((resolve) => socket.listen(0, '127.0.0.1', resolve));
  const { port } = socket.address();
  const stdio = ['ignore', 'inherit', 'inherit', socket._handle.fd, 'ipc'];
  const child = fork(join(here, program), args, { stdio });
  socket.close();
  await new Promise((resolve) => child.once('message', resolve));
  return { port, child };
}

async function startDaemon(name, program) {
  const places = ['mount', 'data', 'state-dir', 'run-dir'].flatMap((one) => [`--${one}`, join(folder, name, one)]);
  const given = ['--listen', '127.0.0.1:0', '--create-on-write', '--log-level', 'warn', ...flags];
  const own = flags.includes('--no-mount') ? places.slice(2) : places;
  spawnSync('mkdir', ['-p', join(folder, name)]);
  const child = spawn(process.execPath, [program, 'start', ...own, ...given], { stdio: ['ignore', 'pipe', 'inherit'] });
  const exited = new Promise((resolve) => child.once('exit', resolve));
  const port = await new Promise((resolve, reject) => {
    child.stdout.on('data', (line) => resolve(Number(/:(\d+)\s*$/.exec(String(line))?.[1])));
    exited.then((code) => reject(new Error(`the daemon ended with ${code}`)));
  });
  return { name, port, child, exited };
}

async function load(port, connections, method, path, body) {
  const given = [join(here, 'load.mjs'), port, connections, seconds, method, path, body];
  return JSON.parse((await promisify(execFile)(process.execPath, given)).stdout);
}
