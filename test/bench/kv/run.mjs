// Key-value requests over HTTP, with a mount and without, against a bare server with better-sqlite3 and a bare Koa
// route in the same run; and what history costs a write, as CPU time of one process.
//   npm run build && node test/bench/kv/run.mjs [--quick] [--json FILE] [-- FLAGS OF start]
// Places take turns in every round, and the median of the rounds' ratios counts: the machine's noise hits all of them.
import { execFile, fork, spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { jsonReport, median, machine as thisMachine } from '../report.mjs';
import { historyCost } from './history-cost.mjs';
import { busyShare, othersShare } from './others.mjs';

const cells = [
  ['get', 1],
  ['get', 64],
  ['put', 1],
  ['put', 64],
  ['incr', 1],
  ['incr', 64],
  ['batch', 1],
];
const own = process.argv.slice(2);
const end = own.indexOf('--');
const flags = end < 0 ? [] : own.splice(end).slice(1);
const isQuick = own.includes('--quick');
const [seconds, rounds] = isQuick ? [0.4, 3] : [1.5, 7];
const folder = mkdtempSync(join(tmpdir(), 'hoody-bench-'));
const writeJson = jsonReport(own);

const places = [];
try {
  places.push(await startBare('koa'), await startBare('sqlite', join(folder, 'bare.db')));
  places.push(await startDaemon('no mount', ['--no-mount']), await startDaemon('mount', []));
  for (const { port, name } of places) if (name !== 'koa') await fill(port);
  const results = Object.fromEntries(places.map(({ name }) => [name, cells.map(() => [])]));
  const others = [];
  for (let round = -1; round < rounds; round += 1) {
    others.push(await othersShare(200));
    for (const [index, [what, connections]] of cells.entries()) {
      for (const { name, port } of places) {
        const result = await load(port, connections, what);
        if (round >= 0) results[name][index].push(result); // the first round warms up
      }
    }
  }
  print(results, others, historyCost(isQuick ? 3 : 9));
} finally {
  for (const { close } of places) await close();
  rmSync(folder, { recursive: true, force: true });
}

function print(results, others, history) {
  const rows = cells.map(([what, connections], index) => {
    const of = (name) => results[name][index];
    const perSecond = Object.fromEntries(
      places.map(({ name }) => [name, median(of(name).map((one) => one.perSecond))]),
    );
    const ratio = (name, to) => median(of(name).map((one, round) => one.perSecond / of(to)[round].perSecond));
    const errors = places.reduce((sum, { name }) => sum + of(name).reduce((all, one) => all + one.errors, 0), 0);
    const mounted = of('mount').map((one) => one.perSecond);
    const spread = (Math.max(...mounted) - Math.min(...mounted)) / median(mounted);
    const toSqlite = { 'no mount': ratio('no mount', 'sqlite'), mount: ratio('mount', 'sqlite') };
    return { what, connections, perSecond, toSqlite, toKoa: ratio('mount', 'koa'), spread, errors };
  });
  const single = results.mount[cells.findIndex(([what, connections]) => what === 'put' && connections === 1)];
  const batches = results.mount[cells.findIndex(([what]) => what === 'batch')];
  const batchGain = median(batches.map((one, round) => (100 * one.perSecond) / single[round].perSecond));
  const machine = thisMachine();
  const report = {
    date: new Date().toISOString(),
    machine,
    others: median(others),
    rows,
    batchGain,
    history,
  };
  const say = (line) => process.stdout.write(`${line}\n`);
  say(`${report.date}, ${machine.cpus} x ${machine.model}, Linux ${machine.kernel}, Node ${machine.node}`);
  say(`load ${machine.load.map((value) => value.toFixed(2)).join(' ')}, others had ${percent(report.others)} of it`);
  if (report.others > busyShare) say('THE MACHINE WAS BUSY: these figures are for nobody else to see.');
  say('| KV, connections | Koa /s | bare SQLite /s | no mount /s | mount /s | no mount : bare | mount : bare |');
  say('|---|---|---|---|---|---|---|');
  for (const { what, connections, perSecond, toSqlite, toKoa, spread, errors } of rows) {
    const figures = ['koa', 'sqlite', 'no mount', 'mount'].map((name) => Math.round(perSecond[name]));
    const [bare, mounted] = [toSqlite['no mount'].toFixed(2), toSqlite.mount.toFixed(2)];
    const notes = `(+-${percent(spread / 2)}, ${toKoa.toFixed(2)} of Koa${errors > 0 ? `, ${errors} ERRORS` : ''})`;
    say(`| ${what}, ${connections} | ${figures.join(' | ')} | ${bare} | ${mounted} ${notes} |`);
  }
  say(`a batch of 100 on the mount writes ${batchGain.toFixed(0)} x the keys of single requests one after the other`);
  const { plainUs, historyUs } = history;
  say(`an UPDATE of one row: ${plainUs.toFixed(1)} us of CPU without history, ${historyUs.toFixed(1)} us more with it`);
  writeJson(report);
}

async function startBare(kind, ...args) {
  const socket = createServer();
  await new Promise((resolve) => socket.listen(0, '127.0.0.1', resolve));
  const { port } = socket.address();
  const stdio = ['ignore', 'inherit', 'inherit', socket._handle.fd, 'ipc'];
  const child = fork(join(import.meta.dirname, 'bare.mjs'), [kind, ...args], { stdio });
  socket.close();
  await new Promise((resolve) => child.once('message', resolve));
  return { name: kind, port, close: () => child.disconnect() };
}

async function startDaemon(name, more) {
  const place = join(folder, name.replace(' ', '-'));
  const names = more.includes('--no-mount')
    ? ['data', 'state-dir', 'run-dir']
    : ['mount', 'data', 'state-dir', 'run-dir'];
  const paths = names.flatMap((kind) => [`--${kind}`, join(place, kind)]);
  const given = ['--listen', '127.0.0.1:0', '--create-on-write', '--log-level', 'warn', ...more, ...flags];
  const program = join(import.meta.dirname, '../../../dist/daemon/main.js');
  const child = spawn(process.execPath, [program, 'start', ...paths, ...given], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const exited = new Promise((resolve) => child.once('exit', resolve));
  const port = await new Promise((resolve, reject) => {
    child.stdout.on('data', (line) => resolve(Number(/:(\d+)\s*$/.exec(String(line))?.[1])));
    exited.then((code) => reject(new Error(`the daemon ended with ${code}`)));
  });
  const close = async () => {
    child.kill('SIGTERM');
    await exited;
    spawnSync('chattr', ['-R', '-f', '-i', place]); // the daemon leaves its mount point sealed
  };
  return { name, port, close };
}

/** The keys that are read and counted. */
async function fill(port) {
  const send = async (what, method, body) => {
    const target = `http://127.0.0.1:${port}/api/v1/sqlite/kv/${what}?db=bench`;
    const answer = await fetch(target, { method, body, headers: { 'content-type': 'application/json' } });
    if (!answer.ok) throw new Error(`${target}: ${await answer.text()}`);
  };
  for (let from = 0; from < 1000; from += 100) {
    const batch = Array.from({ length: 100 }, (_, index) => ({
      key: `user:${from + index}`,
      value: { name: 'first' },
    }));
    await send('batch/set', 'POST', JSON.stringify({ batch }));
  }
}

async function load(port, connections, what) {
  const args = [join(import.meta.dirname, 'load.mjs'), port, connections, seconds, what];
  const { stdout } = await promisify(execFile)(process.execPath, args);
  return JSON.parse(stdout);
}

function percent(share) {
  return `${Math.round(share * 100)} %`;
}
