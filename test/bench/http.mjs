// Compares key-value requests with a bare Koa JSON route on the same machine in one run, 64 connections each:
//   node test/bench/http.mjs [SECONDS_A_ROUND] [DIRECTORY]
// DIRECTORY: where the database lies; give a directory of the mount to measure through it. Needs `npm run build`.
import { execFile, fork } from 'node:child_process';
import { mkdtempSync, realpathSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

const seconds = process.argv[2] ?? '1';
const roundCount = 7;
const connections = '64';
const here = import.meta.dirname;
const root = realpathSync(process.argv[3] ?? mkdtempSync(join(tmpdir(), 'hoody-bench-')));

async function withSocket(start) {
  const socket = createServer();
  await new Promise((resolve) => socket.listen(0, '127.0.0.1', resolve));
  const { port } = socket.address();
  const child = start(socket._handle.fd);
  socket.close();
  await new Promise((resolve) => child.once('message', resolve));
  return { port, child };
}

const bare = await withSocket((fd) =>
  fork(join(here, 'bare-koa.mjs'), { stdio: ['ignore', 'inherit', 'inherit', fd, 'ipc'] }),
);
const served = await withSocket((fd) => {
  const child = fork(join(here, '../../dist/server/main.js'), { stdio: ['ignore', 'inherit', 'inherit', fd, 'ipc'] });
  child.send({
    type: 'start',
    options: {
      root,
      dataDir: root,
      mounted: false,
      stateDir: root,
      version: 'bench',
      allowAnyAbsoluteDbPath: false,
      createOnWrite: true,
      corsOrigins: [],
      allowHosts: [],
      authTokenFile: null,
      maxBodyBytes: 16 * 1024 * 1024,
      trustProxy: false,
      historyMaxAgeMs: 30 * 24 * 3600 * 1000,
      historyMaxOps: 100_000,
      logLevel: 'warn',
    },
  });
  return child;
});

async function load(port, method, path) {
  const { stdout } = await promisify(execFile)(process.execPath, [
    join(here, 'load.mjs'),
    port,
    connections,
    seconds,
    method,
    path,
  ]);
  const result = JSON.parse(stdout);
  return { ...result, perSecond: Math.round(result.requests / Number(seconds)) };
}

try {
  const kv = '/api/v1/sqlite/kv/counter';
  await fetch(`http://127.0.0.1:${served.port}${kv}?db=bench`, { method: 'PUT', body: '1' });
  const targets = [
    ['bare Koa route', bare.port, 'GET', '/'],
    ['KV get', served.port, 'GET', `${kv}?db=bench`],
    ['KV incr, durable', served.port, 'POST', `${kv}/incr?db=bench`],
    ['KV incr, history=false', served.port, 'POST', `${kv}/incr?db=bench&history=false`],
  ];
  // In turns, so that what else the machine does falls on all of them: the median of the rounds' ratios counts.
  const rounds = [];
  for (let round = 0; round < roundCount; round += 1) {
    const results = [];
    for (const [, port, method, path] of targets) results.push(await load(port, method, path));
    rounds.push(results);
  }
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
  served.child.send({ type: 'stop', drainMs: 500 });
  if (process.argv[3] === undefined) process.on('exit', () => rmSync(root, { recursive: true, force: true }));
}

function median(values) {
  return [...values].sort((one, other) => one - other)[Math.floor(values.length / 2)];
}
