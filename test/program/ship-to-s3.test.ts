// Commits of native writers on the mount, shipped to a bucket: the service goes away and comes back, everything is
// killed, and what was shipped is restored elsewhere.
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import {
  type Daemon,
  type DaemonPaths,
  killProcess,
  processesOf,
  runProgram,
  withDaemon,
  withPaths,
} from '../helpers/daemon.ts';
import { eventually } from '../helpers/eventually.ts';
import { killEach, type Started, start } from '../helpers/process.ts';
import { type S3Service, startS3Service } from '../helpers/s3-service.ts';

const secret = 'hush/hush+hush=hush';
const accessKey = 'AKIDHUSHHUSH';
const timeoutMs = 60_000;

let root: string;
let service: S3Service;
beforeAll(async () => {
  root = mkdtempSync(join(tmpdir(), 'ship-to-s3-'));
  service = await startS3Service(join(root, 'objects'), { accessKeyId: accessKey, secretAccessKey: secret });
});
afterAll(async () => {
  await service.stop();
  rmSync(root, { recursive: true });
});

/** Inserts numbered rows, one in each transaction, and says which were committed. `pause` and `go` are answered. */
const writer = `
import select, sqlite3, sys
db = sqlite3.connect(sys.argv[1], timeout=30, isolation_level=None)
db.execute('PRAGMA journal_mode=WAL')
db.execute('CREATE TABLE IF NOT EXISTS row(writer TEXT, number INTEGER, content BLOB)')
number, goes = 0, True
while True:
    if not goes or select.select([sys.stdin], [], [], 0.002)[0]:
        line = sys.stdin.readline()
        if line == '': break
        goes = line == 'go\\n'
        print(line.strip(), flush=True)
        continue
    db.execute('INSERT INTO row VALUES (?, ?, randomblob(100))', (sys.argv[2], number))
    print('ok', number, flush=True)
    number += 1
`;

class Writer {
  readonly process: Started;

  constructor(database: string, name: string) {
    this.process = start('python3', ['-c', writer, database, name]);
  }

  /** How many rows were committed. */
  get rows(): number {
    return this.process.stdout().match(/^ok \d+$/gm)?.length ?? 0;
  }

  async tell(word: 'pause' | 'go'): Promise<void> {
    const before = this.#said(word);
    this.process.process.stdin?.write(`${word}\n`);
    await eventually(() => expect(this.#said(word), this.process.stderr()).toBe(before + 1));
  }

  #said(word: string): number {
    return this.process.stdout().match(new RegExp(`^${word}$`, 'gm'))?.length ?? 0;
  }
}

async function withWriters(database: string, test: (writers: readonly Writer[]) => Promise<void>): Promise<void> {
  const writers = ['a', 'b'].map((name) => new Writer(database, name));
  try {
    await test(writers);
  } finally {
    for (const { process } of writers) process.process.kill('SIGKILL');
    await Promise.all(writers.map(({ process }) => process.finished));
  }
}

let restored = 0;

/** @returns how many rows of each writer there are, which must be its first ones */
async function restore(prefix = 'backup'): Promise<Readonly<Record<string, number>>> {
  const path = join(root, `restored ${++restored}.db`);
  const { code, stderr } = await runProgram(
    ['restore', '--from', service.url(prefix), 'app.db', path],
    service.environment,
  );
  expect(code, stderr).toBe(0);
  const script = `
import json, sqlite3, sys
db = sqlite3.connect(sys.argv[1])
assert db.execute('PRAGMA integrity_check').fetchall() == [('ok',)]
rows = db.execute('SELECT writer, count(*), min(number), max(number) FROM row GROUP BY writer').fetchall()
assert all((count, 0) == (most + 1, least) for _, count, least, most in rows), rows
print(json.dumps({writer: count for writer, count, _, _ in rows}))`;
  const judge = start('python3', ['-c', script, path]);
  const { stdout, stderr: reason } = await judge.finished;
  expect(reason).toBe('');
  return JSON.parse(stdout) as Record<string, number>;
}

const metrics = async ({ url }: Daemon) => (await fetch(`${url}/metrics`)).text();
const figure = async (daemon: Daemon, name: string) =>
  Number(new RegExp(`^hoody_sqlite_ship_${name} (.*)$`, 'm').exec(await metrics(daemon))?.[1] ?? Number.NaN);
const events = ({ stderr }: Daemon, event: string) =>
  stderr()
    .split('\n')
    .filter((line) => line.includes(event));

async function expectNoSecrets(daemon: Daemon, paths: DaemonPaths): Promise<void> {
  const texts = [daemon.stdout(), daemon.stderr(), JSON.stringify(await daemon.status()), await metrics(daemon)];
  for (const pid of await processesOf(paths)) texts.push(readFileSync(`/proc/${pid}/cmdline`, 'latin1'));
  const { stdout, stderr } = await daemon.command('config', 'show');
  for (const text of [...texts, stdout, stderr]) {
    expect(text).not.toContain(secret);
    expect(text).not.toContain(accessKey);
  }
  for (const { role, pid } of (await daemon.status()).processes) {
    const mayKnow = role === 'ship' || role === 'supervisor';
    expect([role, readFileSync(`/proc/${pid}/environ`, 'latin1').includes(secret)]).toEqual([role, mayKnow]);
  }
}

test('what was committed is in the bucket, whatever was away or killed, and no credentials are shown', async () => {
  await withPaths(async (paths) => {
    const flags = ['--archive', 'wal', '--ship', service.url('backup')];
    const run = async (daemon: Daemon) => {
      await withWriters(join(daemon.root, 'app.db'), async (writers) => {
        const rows = () => writers.map((one) => one.rows);
        const goOn = async () => {
          const before = rows();
          await eventually(() =>
            expect(writers.every((one, index) => one.rows > (before[index] ?? 0) + 20)).toBe(true),
          );
        };
        await eventually(async () => expect(await figure(daemon, 'files_total')).toBeGreaterThan(2), { timeoutMs });
        expect(await figure(daemon, 'failing')).toBe(0);
        expect((await daemon.status()).degraded).toEqual([]);

        // It goes away: the writers go on, and that it lags is told once.
        await service.setUp(false);
        await eventually(async () => expect(await figure(daemon, 'failing')).toBe(1), { timeoutMs });
        await goOn();
        const { degraded, ship } = await daemon.status();
        expect(degraded).toEqual([expect.stringMatching(/^commits are not shipped since .*nobody listens there/)]);
        expect(ship).toMatchObject({ url: 's3://shipped/backup', databases: 1 });
        expect(ship?.lagMs).toBeGreaterThan(0);
        expect(ship?.lagBytes).toBeGreaterThan(0);
        expect(await figure(daemon, 'lag_seconds')).toBeGreaterThan(0);
        await eventually(async () => expect(await figure(daemon, 'errors_total')).toBeGreaterThan(1), { timeoutMs });
        expect(events(daemon, 'ship-failing'), daemon.stderr()).toHaveLength(1);

        // It is back.
        await service.setUp(true);
        await eventually(async () => expect(await figure(daemon, 'failing')).toBe(0), { timeoutMs });
        await eventually(() => expect(events(daemon, 'ship-goes-on')).toHaveLength(1));
        expect(events(daemon, 'ship-failing'), daemon.stderr()).toHaveLength(1);
        await goOn();

        // Its process dies, and all that was committed before a pause comes to be there.
        await killProcess(daemon, 'ship');
        await goOn();
        for (const one of writers) await one.tell('pause');
        const [a, b] = rows();
        await eventually(async () => expect(await restore()).toEqual({ a, b }), { timeoutMs, intervalMs: 200 });
        await expectNoSecrets(daemon, paths);
        const names: readonly string[] = (await metrics(daemon)).match(/^hoody_sqlite_ship_\w+/gm) ?? [];
        const rules = readFileSync('docs/alerts.yaml', 'utf8').match(/hoody_sqlite_ship_\w+/g) ?? [];
        expect(rules.length).toBeGreaterThan(0);
        expect(rules.filter((name) => !names.includes(name))).toEqual([]);

        for (const one of writers) await one.tell('go');
        await goOn();
        killEach(await processesOf(paths));
        const found = await restore();
        expect(found.a).toBeGreaterThanOrEqual(a ?? 0);
        expect(found.b).toBeGreaterThanOrEqual(b ?? 0);
      });
    };
    await withDaemon(flags, run, { paths, env: service.environment });
  });
});

test('a daemon that is stopped ships what was committed until then', async () => {
  await withPaths(async (paths) => {
    const run = async (daemon: Daemon) => {
      await withWriters(join(daemon.root, 'app.db'), async (writers) => {
        await eventually(async () => expect(await figure(daemon, 'files_total')).toBeGreaterThan(0), { timeoutMs });
        for (const one of writers) await one.tell('pause');
        const [a, b] = writers.map((one) => one.rows);
        for (const { process } of writers) process.process.stdin?.end();
        await Promise.all(writers.map(({ process }) => process.finished));
        expect(await daemon.stop()).toMatchObject({ code: 0 });
        expect(await restore('stopped')).toEqual({ a, b });
      });
    };
    const flags = ['--archive', 'wal', '--ship', service.url('stopped')];
    await withDaemon(flags, run, { paths, env: service.environment });
  });
});

test('check tries the place, and says what is wrong with it', async () => {
  const check = async (url: string, env: Record<string, string>) => {
    const { stdout } = await runProgram(['check', '--json', '--ship', url], env);
    const { checks } = JSON.parse(stdout) as { readonly checks: readonly { name: string; text: string }[] };
    return checks.find(({ name }) => name === 'ship');
  };
  const { environment } = service;
  expect(await check(service.url('checked'), environment)).toEqual({
    name: 'ship',
    result: 'ok',
    text: 's3://shipped/checked can be shipped to',
  });
  expect(await check(service.url('checked'), { ...environment, AWS_SECRET_ACCESS_KEY: 'hush' })).toMatchObject({
    result: 'warning',
    text: expect.stringMatching(/cannot be shipped to from here: .*the secret key does not fit the access key/),
  });
  service.honoursIfNew = false;
  expect(await check(service.url('checked'), environment)).toMatchObject({
    result: 'warning',
    text: expect.stringMatching(/this service ignores If-None-Match/),
  });
  service.honoursIfNew = true;
});

test('a place that holds a password is refused, and not repeated', async () => {
  for (const url of [
    's3://KEY:hushhush@bucket',
    's3://bucket?secret=hushhush',
    's3://bucket?endpoint=http://k:hushhush@h',
  ]) {
    for (const args of [
      ['start', '--ship', url],
      ['config', 'validate', '--ship', url],
      ['restore', '--from', url],
    ]) {
      const { code, stdout, stderr } = await runProgram(args);
      expect([args[0], code === 0]).toEqual([args[0], false]);
      expect(stdout + stderr).toMatch(/password|secret/);
      expect(stdout + stderr).not.toContain('hushhush');
    }
  }
});
