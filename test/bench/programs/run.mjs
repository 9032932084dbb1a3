// Real programs, unmodified and with their default settings, several processes on one database: how many of their
// commits succeed on plain ext4 and how many on the mount. Prints the table of the README.
//   npm run bench:programs     needs root, /dev/fuse, `npm run build`, and the registry of npm (or its cache)
// Packages of npm are installed into a temporary folder. A program that is missing is named and skipped. TMPDIR says
// where the folder is made: on ext4, if the figures are to be compared with those of the README.
import { spawn, spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, realpathSync, rmSync } from 'node:fs';
import { release, tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import Database from 'better-sqlite3';

const packages = ['better-sqlite3@12.11.1', 'knex@3.3.0', 'drizzle-orm@0.45.4', '@libsql/client@0.18.0'];

/** `version` is a command that prints the version, and fails where the program is missing. */
const django = {
  name: 'Django',
  command: ['/usr/bin/python3', 'django_orders.py'],
  version: ['/usr/bin/python3', '-c', 'import django; print(django.__version__)'],
  remedy: 'apt-get install python3-django',
};
const sequel = {
  name: 'Ruby Sequel',
  command: ['ruby', 'sequel.rb'],
  version: ['ruby', '-e', 'require "sequel"; require "sqlite3"; puts Sequel.version'],
  remedy: 'apt-get install ruby-sequel ruby-sqlite3',
};
const fromNpm = (name, script) => ({
  name,
  command: [process.execPath, script],
  version: [process.execPath, 'version.mjs', name],
  remedy: `npm install ${name} better-sqlite3`,
});

/** Each database gets `processes` programs with `commits` each. `databases` of them are used, one after the other. */
const rows = [
  { program: django, journal: 'delete', processes: 4, commits: 60, databases: 1 },
  { program: django, journal: 'wal', processes: 4, commits: 60, databases: 1 },
  { program: fromNpm('knex', 'knex.mjs'), journal: 'delete', processes: 4, commits: 30, databases: 1 },
  { program: fromNpm('drizzle-orm', 'drizzle.mjs'), journal: 'delete', processes: 8, commits: 1, databases: 15 },
  { program: sequel, journal: 'wal', processes: 4, commits: 25, databases: 1 },
  { program: fromNpm('@libsql/client', 'libsql.mjs'), journal: 'delete', processes: 4, commits: 30, databases: 1 },
];

const main = join(import.meta.dirname, '../../../dist/daemon/main.js');
const folder = realpathSync(mkdtempSync(join(tmpdir(), 'hoody-sqlite-bench-')));
const [code, plain, mountPoint, runDir] = ['programs', 'plain', 'mount', 'run'].map((name) => join(folder, name));
const daemonFlags = ['--mount', mountPoint, '--data', join(folder, 'data'), '--run-dir', runDir];
const say = (line) => process.stdout.write(`${line}\n`);

/** Copies the programs to where they find the packages of npm. */
function installPrograms() {
  cpSync(import.meta.dirname, code, { recursive: true });
  const done = spawnSync('npm', ['install', '--no-save', '--no-audit', '--no-fund', ...packages], {
    cwd: code,
    encoding: 'utf8',
  });
  if (done.status !== 0) process.stderr.write(done.stderr);
}

/** Resolves once the mount answers. */
function startDaemon() {
  const flags = [...daemonFlags, '--state-dir', join(folder, 'state'), '--listen', '127.0.0.1:0', '--require-mount'];
  flags.push('--log-level', 'warn');
  const daemon = spawn(process.execPath, [main, 'start', ...flags], { stdio: ['ignore', 'pipe', 'inherit'] });
  return new Promise((resolve, reject) => {
    daemon.once('exit', (status) => reject(new Error(`the daemon ended with ${status}`)));
    createInterface({ input: daemon.stdout }).on('line', (line) => line.includes(' ready ') && resolve());
  });
}

/** One process of a program. It is loaded first, and begins when `begin` is called. */
function startProcess([executable, script], file, commits) {
  const args = [script, 'work', file, `${commits}`];
  const child = spawn(executable, args, { cwd: code, stdio: ['pipe', 'pipe', 'inherit'] });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  return {
    loaded: () => lines.next(),
    begin: () => child.stdin.end('begin\n'),
    result: async () => {
      const { value, done } = await lines.next();
      if (done) throw new Error(`${script}: a process ended without a result`);
      return JSON.parse(value);
    },
  };
}

/** `{tried, errors}` of all processes on one new database. Exactly the commits that were reported are stored. */
async function measureDatabase({ program, journal, processes, commits }, file) {
  const [executable, script] = program.command;
  const created = spawnSync(executable, [script, 'create', file, journal], { cwd: code, encoding: 'utf8' });
  if (created.status !== 0) throw new Error(`${script}: ${created.stderr}`);
  const started = Array.from({ length: processes }, () => startProcess(program.command, file, commits));
  for (const each of started) await each.loaded();
  for (const each of started) each.begin();
  const results = [];
  for (const each of started) results.push(await each.result());
  const tried = results.reduce((sum, result) => sum + result.tried, 0);
  const errors = results.flatMap((result) => result.errors);
  const stored = countEntries(file);
  if (stored !== tried - errors.length) throw new Error(`${file} has ${stored} of ${tried - errors.length} commits`);
  return { tried, errors };
}

function countEntries(file) {
  const database = new Database(file);
  try {
    return database.prepare('SELECT count(*) FROM entries').pluck().get();
  } finally {
    database.close();
  }
}

async function measure(row, directory) {
  const sum = { tried: 0, errors: [] };
  for (let n = 0; n < row.databases; n++) {
    const file = join(directory, `${row.program.command[1]}-${row.journal}-${n}.db`);
    const { tried, errors } = await measureDatabase(row, file);
    sum.tried += tried;
    sum.errors.push(...errors);
  }
  return sum;
}

/** `database is locked (95)` and the like, the most frequent first. Numbers in a message do not tell it apart. */
function reasons(errors) {
  const counts = new Map();
  for (const error of errors.map((text) => text.replaceAll(/\d+/g, 'N')))
    counts.set(error, (counts.get(error) ?? 0) + 1);
  const ordered = [...counts].sort(([, a], [, b]) => b - a);
  return ordered.map(([error, count]) => `${error} (${count})`).join(', ');
}

async function printRow(row) {
  const { name, version, remedy } = row.program;
  const journal = row.journal === 'wal' ? 'WAL' : 'rollback';
  const found = spawnSync(version[0], version.slice(1), { cwd: code, encoding: 'utf8' });
  if (found.status !== 0) return say(`| ${name} | ${journal} | skipped, missing: \`${remedy}\` | |`);
  const [onPlain, onMount] = [await measure(row, plain), await measure(row, mountPoint)];
  const cell = ({ tried, errors }) => `${tried - errors.length} of ${tried}`;
  const what = `${name} ${found.stdout.trim()}, ${row.processes} processes`;
  say(`| ${what} | ${journal} | ${cell(onPlain)} | ${cell(onMount)} |`);
  for (const [place, { errors }] of Object.entries({ plain: onPlain, mount: onMount })) {
    if (errors.length > 0) process.stderr.write(`  ${place}: ${reasons(errors)}\n`);
  }
}

mkdirSync(plain);
const fileSystem = spawnSync('findmnt', ['-no', 'FSTYPE', '-T', plain], { encoding: 'utf8' }).stdout.trim();
installPrograms();
try {
  await startDaemon();
  say(`${new Date().toISOString().slice(0, 10)}, Linux ${release()}, Node ${process.version}\n`);
  say(`| program | journal | plain ${fileSystem} | mount |`);
  say('|---|---|---|---|');
  for (const row of rows) await printRow(row);
} finally {
  spawnSync(process.execPath, [main, 'stop', ...daemonFlags], { stdio: 'inherit' });
  spawnSync('chattr', ['-R', '-f', '-i', mountPoint]);
  rmSync(folder, { recursive: true, force: true });
}
