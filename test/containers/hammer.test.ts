// Eight containers write one database at once, one that was made over HTTP, by every kind of client, through a restart
// of the daemon.
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { describe, expect, test } from 'vitest';
import { type Container, startContainer, withSharedPaths } from '../helpers/containers.ts';
import { withDaemon } from '../helpers/daemon.ts';
import { canRunContainers, prepareDebianRoot } from '../helpers/debian-root.ts';
import { eventually } from '../helpers/eventually.ts';
import { freePort } from '../helpers/free-port.ts';

const loops = process.env.HOODY_SQLITE_SOAK ? 300 : 15;

// Every client prints `ok N`, or `failed N T MESSAGE` with the time T at which it began to connect, in seconds since
// 1970.

/** A new process and connection each time; the shell's busy timeout is 0 unless told otherwise. */
const shell = (name: string) => `i=0
while :; do
  i=$((i + 1))
  since=$(date +%s.%N)
  if sqlite3 -bail /hoody/databases/app.db "INSERT INTO log VALUES ('${name}', $i)" 2>/tmp/error; then echo "ok $i"
  else echo "failed $i $since $(cat /tmp/error)"; fi
done`;

/** Keeps its connection until a call fails, as a program that means to live through a restart must. */
const python = (name: string) => `exec python3 -u -c '
import sqlite3, time
i, connection = 0, None
while True:
    i += 1
    try:
        if connection is None:
            since = time.time()
            connection = sqlite3.connect("/hoody/databases/app.db", timeout=0, isolation_level=None)
        connection.execute("INSERT INTO log VALUES (?, ?)", ("${name}", i))
        print("ok", i)
    except sqlite3.Error as error:
        print("failed", i, since, error)
        if connection is not None: connection.close()
        connection = None
'`;

const http = (name: string, url: string) => `exec python3 -u -c '
import json, time, urllib.request
i = 0
while True:
    i += 1
    since = time.time()
    body = {"transaction": [{"statement": "INSERT INTO log VALUES (?, ?)", "values": ["${name}", i]}]}
    try:
        answer = urllib.request.urlopen(urllib.request.Request(
            "${url}/api/v1/sqlite/db?db=app.db", json.dumps(body).encode()))
        print("ok" if answer.status == 200 else f"failed {i} {since} {answer.status}", i)
    except OSError as error:
        print("failed", i, since, error)
'`;

/** What it was told is stored. */
const numbersOf = (container: Container) =>
  [...container.stdout().matchAll(/^ok (\d+)/gm)].map((match) => Number(match[1]));

/** Nobody who began to connect since then has failed. */
function expectNoFailure(containers: readonly Container[], sinceMs: number): void {
  for (const container of containers) {
    const failures = [...container.stdout().matchAll(/^failed \d+ (\S+) .*$/gm)];
    const told = failures.filter((match) => Number(match[1]) * 1000 >= sinceMs).map(([line]) => line);
    expect(told, container.id).toEqual([]);
  }
}

describe.skipIf(!canRunContainers)('eight containers on one database', () => {
  prepareDebianRoot();

  test.each(['wal', 'delete'])(
    'in mode %s fail at nothing before and after a restart, lose nothing, and are known by name',
    async (mode) => {
      await withSharedPaths(async (paths) => {
        const containers: Container[] = [];
        const port = await freePort();
        const flags = ['--listen', `127.0.0.1:${port}`, '--drain', '1'];
        const allGet = (count: number, from: readonly number[]) =>
          eventually(
            () => {
              const done = containers.map((container, index) => numbersOf(container).length - (from[index] ?? 0));
              expect(Math.min(...done), containers.map((one) => one.stdout().slice(-200)).join('\n')).toBeGreaterThan(
                count,
              );
            },
            { timeoutMs: 60_000 + loops * 1000 },
          );
        try {
          await withDaemon(
            flags,
            async (daemon) => {
              // The server gives a database its name by link and unlink.
              const made = await fetch(`${daemon.url}/api/v1/sqlite/db/create?path=app.db`, { method: 'POST' });
              expect(made.status).toBe(201);
              await eventually(() => {
                const setup = new Database(join(paths.mount, 'app.db'));
                expect(setup.pragma(`journal_mode = ${mode}`, { simple: true })).toBe(mode);
                setup.exec('CREATE TABLE IF NOT EXISTS log (container TEXT, n INTEGER)');
                setup.close();
              });
              for (let index = 1; index <= 4; index++)
                containers.push(await startContainer(paths, `shell${index}`, { script: shell(`shell${index}`) }));
              for (let index = 1; index <= 3; index++)
                containers.push(await startContainer(paths, `python${index}`, { script: python(`python${index}`) }));
              containers.push(await startContainer(paths, 'http1', { script: http('http1', daemon.url) }));
              await allGet(loops, []);
              expectNoFailure(containers, 0);
              await eventually(async () => {
                const { stdout } = await daemon.command('locks');
                expect(stdout).toMatch(/hoody-test-\d+-(shell|python)\d/);
              });
            },
            { paths },
          );
          await withDaemon(
            flags,
            async () => {
              const readyMs = Date.now();
              const before = containers.map((container) => numbersOf(container).length);
              await allGet(loops, before);
              expectNoFailure(containers, readyMs);
              for (const container of containers) await container.remove();
              const db = new Database(join(paths.mount, 'app.db'), { readonly: true });
              for (const container of containers) {
                const name = container.id.split('-').at(-1);
                const rows = db
                  .prepare('SELECT n FROM log WHERE container = ? ORDER BY n')
                  .pluck()
                  .all(name) as number[];
                expect(new Set(rows).size, `${name} wrote a row twice`).toBe(rows.length);
                expect(numbersOf(container).filter((n) => !rows.includes(n))).toEqual([]);
              }
              expect(db.pragma('integrity_check', { simple: true })).toBe('ok');
              db.close();
            },
            { paths },
          );
        } finally {
          for (const container of containers) await container.remove();
        }
      });
    },
    60_000 + loops * 4000,
  );
});
