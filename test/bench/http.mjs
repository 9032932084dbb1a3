// Compares key-value requests with a bare Koa JSON route on the same machine in one run, 64 connections each:
//   npm run build && node test/bench/http.mjs [SECONDS_A_ROUND] [FLAGS OF start, for example --no-mount]
import { execFile, fork, spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

const [seconds = '1', ...flags] = process.argv.slice(2);
const roundCount = 7;
const connections = '64';
const here = import.meta.dirname;
const folder = mkdtempSync(join(tmpdir(), 'hoody-bench-'));

const bare = await startBareKoa();
const daemon = await startDaemon();
try {
  const kv = '/api/v1/sqlite/kv/counter';
  await fetch(`http://127.0.0.1:${daemon.port}${kv}?db=bench`, { method: 'PUT', body: '1' });
  const targets = [
    ['bare Koa route', bare.port, 'GET', '/'],
    ['KV get', daemon.port, 'GET', `${kv}?db=bench`],
    ['KV incr, durable', daemon.port, 'POST', `${kv}/incr?db=bench`],
    ['KV incr, history=false', daemon.port, 'POST', `${kv}/incr?db=bench&history=false`],
  ];
  for (const [, port, method, path] of targets) await load(port, method, path);
  // In turns, so that what else the machine does falls on all of them: the median of the rounds' ratios counts.
  const rounds = [];
  for (let round = 0; round < roundCount; round += 1) {
    const results = [];
    for (const [, port, method, path] of targets) results.push(await load(port, method, path));
    rounds.push(results);
  }
  process.stdout.write(`load average before: ${readFileSync('/proc/loadavg', 'utf8')}`);
  targets.forEach(([name], row) => {
    const of = (pick) => median(rounds.map(pick));
    const perSecond = of((results) => results[row].perSecond);
    const ratio = of((results) => results[row].perSecond / results[0].perSecond);
    const errors = rounds.reduce((sum, results) => sum + results[row].errors, 0);
    const times = `p50 ${of((results) => results[row].p50Ms)} ms  p99 ${of((results) => results[row].p99Ms)} ms`;
    process.stdout.write(
      `${name.padEnd(24)} ${String(perSecond).padStart(7)}/s  x${ratio.toFixed(2)}  ${times}  errors ${errors}\n`,
    );
  });
} finally {
  bare.child.disconnect();
  daemon.child.kill('SIGTERM');
  await daemon.exited;
  spawnSync('chattr', ['-R', '-f', '-i', join(folder, 'mount')]); // the daemon leaves it sealed
  rmSync(folder, { recursive: true, force: true });
}

async function startBareKoa() {
  const socket = createServer();
  await new Promise((resolve) => socket.listen(0, '127.0.0.1', resolve));
  const { port } = socket.address();
  const stdio = ['ignore', 'inherit', 'inherit', socket._handle.fd, 'ipc'];
  const child = fork(join(here, 'bare-koa.mjs'), { stdio });
  socket.close();
  await new Promise((resolve) => child.once('message', resolve));
  return { port, child };
}

async function startDaemon() {
  const places = ['mount', 'data', 'state-dir', 'run-dir'].flatMap((name) => [`--${name}`, join(folder, name)]);
  const given = ['--listen', '127.0.0.1:0', '--create-on-write', '--log-level', 'warn', ...flags];
  const own = flags.includes('--no-mount') ? places.slice(2) : places;
  const child = spawn(process.execPath, [join(here, '../../dist/daemon/main.js'), 'start', ...own, ...given], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const exited = new Promise((resolve) => child.once('exit', resolve));
  const port = await new Promise((resolve, reject) => {
    child.stdout.on('data', (line) => resolve(Number(/:(\d+)\s*$/.exec(String(line))?.[1])));
    exited.then((code) => reject(new Error(`the daemon ended with ${code}`)));
  });
  return { port, child, exited };
}

async function load(port, method, path) {
  const args = [join(here, 'load.mjs'), port, connections, seconds, method, path];
  const { stdout } = await promisify(execFile)(process.execPath, args);
  const result = JSON.parse(stdout);
  return { ...result, perSecond: Math.round(result.requests / Number(seconds)) };
}

function median(values) {
  return [...values].sort((one, other) => one - other)[Math.floor(values.length / 2)];
}
