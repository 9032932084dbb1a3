// Redis behind webdis, its HTTP server, where Debian's packages `webdis` and `redis-server` are installed: what a store
// in memory does over HTTP on this machine. It syncs its log at each write (appendfsync always), as a commit does.
//   node test/bench/webdis.mjs [SECONDS_A_ROUND] [ROUNDS] [--json FILE]
import { execFile, spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { jsonReport, machine, median } from './report.mjs';

const args = process.argv.slice(2);
const writeJson = jsonReport(args);
const [seconds = '1', rounds = '5'] = args;
const cells = ['GET', 'SET', 'INCR'].flatMap((command) => [1, 64].map((connections) => ({ command, connections })));
const paths = { GET: '/GET/key', SET: `/SET/key/${'x'.repeat(60)}`, INCR: '/INCR/counter' };

if (['redis-server', 'webdis'].some((program) => spawnSync('which', [program]).status !== 0)) {
  process.stdout.write('without webdis: apt-get install webdis redis-server\n');
  writeJson({ machine: machine(), rows: [] });
} else await compare();

async function compare() {
  const folder = mkdtempSync('/var/tmp/hoody-bench-webdis-');
  const children = [];
  try {
    const socket = join(folder, 'redis.sock');
    const redis = ['--port', '0', '--unixsocket', socket, '--dir', folder, '--save', ''];
    children.push(start('redis-server', [...redis, '--appendonly', 'yes', '--appendfsync', 'always']));
    const port = await freePort();
    const config = join(folder, 'webdis.json');
    const acl = [{ enabled: ['*'] }];
    const place = { http_host: '127.0.0.1', http_port: port, redis_host: socket, redis_port: 0 };
    writeFileSync(config, JSON.stringify({ ...place, threads: 2, daemonize: false, verbosity: 0, acl }));
    children.push(start('webdis', [config], folder));
    await answers(`http://127.0.0.1:${port}${paths.SET}`);
    const rows = [];
    for (const { command, connections } of cells) {
      const seen = [];
      for (let round = 0; round < Number(rounds); round += 1) seen.push(await load(port, connections, paths[command]));
      const perSecond = median(seen.map((one) => one.perSecond));
      const errors = seen.reduce((sum, one) => sum + one.errors, 0);
      rows.push({ command, connections, perSecond, errors });
      process.stdout.write(`webdis ${command}, ${connections}: ${Math.round(perSecond)}/s, errors ${errors}\n`);
    }
    writeJson({ machine: machine(), rows });
  } finally {
    for (const { child, exited } of children.reverse()) {
      child.kill('SIGTERM');
      await exited;
    }
    rmSync(folder, { recursive: true, force: true });
  }
}

function start(program, given, cwd) {
  const child = spawn(program, given, { stdio: ['ignore', 'ignore', 'inherit'], cwd });
  return { child, exited: new Promise((resolve) => child.once('exit', resolve)) };
}

async function freePort() {
  const server = createServer();
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address();
  await new Promise((resolve) => server.close(resolve));
  return port;
}

async function answers(url) {
  const endMs = performance.now() + 10_000;
  while (performance.now() < endMs) {
    const answer = await fetch(url).catch(() => null);
    if (answer?.ok) return;
    await sleep(50);
  }
  throw new Error('webdis does not answer');
}

async function load(port, connections, path) {
  const given = [join(import.meta.dirname, 'load.mjs'), port, connections, seconds, 'GET', path];
  return JSON.parse((await promisify(execFile)(process.execPath, given)).stdout);
}
