// Compares key-value requests with a bare Koa JSON route on the same machine in one run, 64 connections each:
//   node test/bench/http.mjs [SECONDS] [DIRECTORY]
// DIRECTORY: where the database lies; give a directory of the mount to measure through it. Needs `npm run build`.
import { execFile, fork } from 'node:child_process';
import { mkdtempSync, realpathSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

const seconds = process.argv[2] ?? '5';
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
  const rows = [
    ['bare Koa route', await load(bare.port, 'GET', '/')],
    ['KV get', await load(served.port, 'GET', `${kv}?db=bench`)],
    ['KV incr, durable', await load(served.port, 'POST', `${kv}/incr?db=bench`)],
    ['KV incr, history=false', await load(served.port, 'POST', `${kv}/incr?db=bench&history=false`)],
  ];
  const base = rows[0][1].perSecond;
  for (const [name, { perSecond, errors, p50Ms, p99Ms }] of rows) {
    const ratio = (perSecond / base).toFixed(2);
    process.stdout.write(
      `${name.padEnd(24)} ${String(perSecond).padStart(7)}/s  x${ratio}  p50 ${p50Ms} ms  p99 ${p99Ms} ms  errors ${errors}\n`,
    );
  }
} finally {
  bare.child.disconnect();
  served.child.send({ type: 'stop', drainMs: 500 });
  if (process.argv[3] === undefined) process.on('exit', () => rmSync(root, { recursive: true, force: true }));
}
