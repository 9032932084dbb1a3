// What history costs a client: PUT over HTTP by 64 connections with history on and with history=false in turns, values
// of 100 B and 4 KB. CPU is the time of all the daemon's threads for one request: on a busy machine it says more than
// the clock. Usage: npm run build && node test/bench/kv-history-http.mjs [FLAGS OF start, for example --no-mount]
import { spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import http from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const rounds = 6;
const requests = 2000;
const keys = 500;
const connections = 64;

const flags = process.argv.slice(2);
const folder = mkdtempSync(join(tmpdir(), 'hoody-bench-'));
const places = ['mount', 'data', 'state-dir', 'run-dir'].flatMap((name) => [`--${name}`, join(folder, name)]);
const given = ['--listen', '127.0.0.1:0', '--create-on-write', '--log-level', 'warn', ...flags];
const own = flags.includes('--no-mount') ? places.slice(2) : places;
const program = join(import.meta.dirname, '../../dist/daemon/main.js');
const daemon = spawn(process.execPath, [program, 'start', ...own, ...given], { stdio: ['ignore', 'pipe', 'inherit'] });
const exited = new Promise((resolve) => daemon.once('exit', resolve));
const agent = new http.Agent({ keepAlive: true, maxSockets: connections });
try {
  const url = await new Promise((resolve, reject) => {
    daemon.stdout.on('data', (line) => resolve(/url=(\S+)/.exec(String(line))?.[1]));
    exited.then((code) => reject(new Error(`the daemon ended with ${code}`)));
  });
  let writes = 0;
  for (const valueBytes of [100, 4096]) {
    const put = (query) => () => putOne(`${url}/api/v1/sqlite/kv/user:${writes % keys}?db=app${query}`, valueBytes);
    const [on, off] = [put(''), put('&history=false')];
    for (const warmUp of [on, off]) await measure(warmUp);
    const pairs = [];
    for (let round = 0; round < rounds; round += 1) pairs.push({ on: await measure(on), off: await measure(off) });
    const of = (pick) => median(pairs.map(pick));
    process.stdout.write(
      `${valueBytes} B values: CPU x ${of(({ on, off }) => on.cpuUs / off.cpuUs).toFixed(2)} ` +
        `(${of(({ on }) => on.cpuUs).toFixed(0)} us a request), ` +
        `time x ${of(({ on, off }) => on.us / off.us).toFixed(2)} (${of(({ on }) => on.us).toFixed(0)} us)\n`,
    );
  }

  function putOne(target, valueBytes) {
    // Values that differ each time: an equal one would not be stored at all.
    const body = Buffer.alloc(valueBytes, String(writes++).padStart(10, '0'));
    const headers = { 'content-type': 'application/octet-stream', 'content-length': body.length };
    return new Promise((resolve, reject) => {
      const request = http.request(target, { method: 'PUT', agent, headers }, (answer) => {
        answer.resume();
        answer.once('end', () => (answer.statusCode === 200 ? resolve() : reject(new Error(`${answer.statusCode}`))));
      });
      request.once('error', reject);
      request.end(body);
    });
  }
} finally {
  agent.destroy();
  daemon.kill('SIGTERM');
  await exited;
  spawnSync('chattr', ['-R', '-f', '-i', join(folder, 'mount')]); // the daemon leaves it sealed
  rmSync(folder, { recursive: true, force: true });
}

async function measure(send) {
  const [cpuBefore, startedMs] = [cpuUs(daemon.pid), performance.now()];
  let left = requests;
  const connection = async () => {
    while (left > 0) {
      left -= 1;
      await send();
    }
  };
  await Promise.all(Array.from({ length: connections }, connection));
  return {
    us: ((performance.now() - startedMs) / requests) * 1000,
    cpuUs: (cpuUs(daemon.pid) - cpuBefore) / requests,
  };
}

/** Of a process and its descendants, as far as they run. */
function cpuUs(pid) {
  try {
    const threads = readdirSync(`/proc/${pid}/task`);
    const own = threads.map(
      (tid) => Number(readFileSync(`/proc/${pid}/task/${tid}/schedstat`, 'latin1').split(' ')[0]) / 1000,
    );
    const children = threads.flatMap((tid) => readFileSync(`/proc/${pid}/task/${tid}/children`, 'latin1').split(' '));
    return [...own, ...children.filter(Boolean).map(cpuUs)].reduce((sum, us) => sum + us, 0);
  } catch {
    return 0; // it has ended meanwhile
  }
}

function median(values) {
  return [...values].sort((one, other) => one - other)[Math.floor(values.length / 2)];
}
