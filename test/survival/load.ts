// The clients of the survival loops: they write without a pause and say what was acknowledged, so that afterwards every
// acknowledged commit can be looked for: it has to be there, once.
import { spawnSync } from 'node:child_process';
import { join, resolve } from 'node:path';
import { expect } from 'vitest';
import type { Daemon } from '../helpers/daemon.ts';
import { eventually } from '../helpers/eventually.ts';
import { request } from '../helpers/http.ts';
import { start } from '../helpers/process.ts';

export interface LoadClient {
  readonly name: string;
  /** Below the mount. */
  readonly database: string;
  acknowledged(): readonly number[];
  errors(): readonly string[];
  stop(): Promise<void>;
  /** At once. What it was told is acknowledged all the same. It may cling to a mount that has died for some seconds. */
  kill(): Promise<void>;
}

export const clientScript = resolve(import.meta.dirname, 'client.py');
// `read -t 0` only looks: with another time limit bash may take the line and forget it when the time is over just then.
const shellScript =
  'n=0; echo ready; while ! read -t 0; do n=$((n+1)); ' +
  'if out=$(sqlite3 -cmd ".timeout $3" "$1" "pragma synchronous=full; insert into t values (\'$2\', $n)" 2>&1); then echo ack $n; else echo "ERR $n $out"; fi; ' +
  '[ -e /dev/stdin ] || break; done';

/**
 * One python client for each journal mode, a loop of sqlite3 shells, HTTP increments and HTTP transactions. The busy
 * timeout is also how long a client of a WAL database clings to a mount that has died: SQLite takes every error of a
 * lock on the -shm for a lock of somebody else.
 */
export async function startLoad(daemon: Daemon, busyTimeoutSeconds: number): Promise<readonly LoadClient[]> {
  const wal = join(daemon.root, 'wal.db');
  const rollback = join(daemon.root, 'rollback.db');
  for (const [path, mode] of [
    [wal, 'wal'],
    [rollback, 'delete'],
  ] as const) {
    const sql = `pragma journal_mode=${mode}; create table if not exists t (client text, n integer)`;
    expect(spawnSync('sqlite3', [path, sql]).status).toBe(0);
  }
  await api(daemon, 'POST', '/db?db=http.db&create_db_if_missing=true', {
    transaction: [{ statement: 'create table if not exists t (client text, n integer)' }],
  });
  const milliseconds = `${busyTimeoutSeconds * 1000}`;
  const clients = [
    startProgram('python-wal', 'wal.db', 'python3', [clientScript, wal, 'python-wal', `${busyTimeoutSeconds}`]),
    startProgram('python-rollback', 'rollback.db', 'python3', [
      clientScript,
      rollback,
      'python-rollback',
      `${busyTimeoutSeconds}`,
    ]),
    startProgram('shell-wal', 'wal.db', 'bash', ['-c', shellScript, 'bash', wal, 'shell-wal', milliseconds]),
    startProgram('shell-rollback', 'rollback.db', 'bash', [
      '-c',
      shellScript,
      'bash',
      rollback,
      'shell-rollback',
      milliseconds,
    ]),
    http('http-transactions', 'http.db', async (n) => {
      const transaction = [{ statement: 'insert into t values (?, ?)', values: ['http-transactions', n] }];
      await api(daemon, 'POST', '/db?db=http.db&timeout=60', { transaction });
    }),
    http('http-incr', 'http.db', async () => {
      await api(daemon, 'POST', '/kv/counter/incr?db=http.db&timeout=60', undefined);
    }),
  ];
  try {
    await eventually(() => allHaveWritten(clients));
  } catch (error) {
    await Promise.all(clients.map((client) => client.stop()));
    throw error;
  }
  return clients;
}

function allHaveWritten(clients: readonly LoadClient[]): void {
  for (const client of clients)
    expect(client.acknowledged().length, `${client.name}: ${client.errors()}`).toBeGreaterThan(0);
}

/**
 * Every acknowledged row is there once, no row is there twice, the counter has counted each increment, and no database
 * is damaged.
 */
export async function checkLoad(folder: string, clients: readonly LoadClient[]): Promise<void> {
  for (const database of new Set(clients.map((client) => client.database))) {
    expect(query(join(folder, database), 'pragma integrity_check')).toBe('ok');
    expect(
      query(join(folder, database), 'select count(*) from (select 1 from t group by client, n having count(*) > 1)'),
    ).toBe('0');
  }
  for (const { name, database, acknowledged } of clients) {
    const path = join(folder, database);
    if (name === 'http-incr') {
      const counter = Number(query(path, "select value from kv_store where key = 'counter'"));
      expect(counter, name).toBeGreaterThanOrEqual(acknowledged().length);
      continue;
    }
    const found = new Set(query(path, `select n from t where client = '${name}'`).split('\n').map(Number));
    expect(
      acknowledged().filter((n) => !found.has(n)),
      `${name}: acknowledged and lost`,
    ).toEqual([]);
  }
}

/** Resolves when the client has got further than it is now. */
export async function moreFrom(client: LoadClient): Promise<void> {
  const before = client.acknowledged().length;
  await eventually(() => expect(client.acknowledged().length, client.errors().join('\n')).toBeGreaterThan(before + 1), {
    timeoutMs: 30_000,
  });
}

export function query(path: string, sql: string): string {
  const args = ['-cmd', '.timeout 20000', path, sql];
  // A long loop has hundreds of thousands of rows.
  const { stdout, stderr, status } = spawnSync('sqlite3', args, { encoding: 'utf8', maxBuffer: 2 ** 28 });
  expect(status, `${path}: ${stderr}`).toBe(0);
  return stdout.trim();
}

export function startProgram(name: string, database: string, command: string, args: readonly string[]): LoadClient {
  const started = start(command, args);
  const acknowledged: number[] = [];
  const errors: string[] = [];
  let rest = '';
  // Line by line as they come: a loop that asks again and again has hundreds of thousands of them.
  started.process.stdout?.on('data', (chunk: Buffer) => {
    const lines = `${rest}${chunk}`.split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) {
      if (line.startsWith('ack ')) acknowledged.push(Number(line.slice(4)));
      if (line.startsWith('ERR ')) errors.push(line);
    }
  });
  return {
    name,
    database,
    acknowledged: () => acknowledged,
    errors: () => [...errors, ...(started.stderr() === '' ? [] : [started.stderr()])],
    stop: async () => {
      started.process.stdin?.end('\n');
      const timer = setTimeout(() => started.process.kill('SIGKILL'), 90_000);
      await started.finished;
      clearTimeout(timer);
    },
    kill: async () => {
      started.process.kill('SIGKILL');
      await started.finished;
    },
  };
}

function http(name: string, database: string, write: (n: number) => Promise<void>): LoadClient {
  const acknowledged: number[] = [];
  const errors: string[] = [];
  let isStopped = false;
  const work = async () => {
    for (let n = 1; !isStopped; n++) {
      try {
        await write(n);
        acknowledged.push(n);
      } catch (error) {
        errors.push(`${n} ${error}`);
        await new Promise((resolve) => setTimeout(resolve, 50));
      }
    }
  };
  const done = work();
  const stop = async () => {
    isStopped = true;
    await done;
  };
  return {
    name,
    database,
    acknowledged: () => acknowledged,
    errors: () => errors,
    stop,
    kill: stop,
  };
}

async function api(daemon: Daemon, method: string, path: string, body: object | undefined): Promise<void> {
  const { status, text } = await request(
    `${daemon.url}/api/v1/sqlite${path}`,
    method,
    body === undefined ? {} : { body },
  );
  if (status !== 200) throw new Error(`${method} ${path}: ${status} ${text}`);
}
