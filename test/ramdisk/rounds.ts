// Ends a daemon with databases in RAM under load, with and without a reboot of the host, and looks at what is there
// afterwards. A reboot: all processes end at once, the tmpfs and the run-time folder are gone.

import { spawnSync } from 'node:child_process';
import { cpSync, rmSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { expect } from 'vitest';
import { type Daemon, type DaemonPaths, processesOf, startDaemon, whenReady, withPaths } from '../helpers/daemon.ts';
import { eventually } from '../helpers/eventually.ts';
import { killEach } from '../helpers/process.ts';
import { checkLoad, type LoadClient, query, startLoad, startProgram } from '../survival/load.ts';

/** What `--ramdisk-lag` says, and ten times that for a busy machine. */
const lagMs = 250;
const patienceMs = 10 * lagMs;
const busyTimeoutSeconds = 2;

/** A stop waits for 1 s at most for programs that have files open. */
export function ramFlags(paths: DaemonPaths): string[] {
  return ['--ramdisk', join(paths.folder, 'ramdisk'), '--ram', '*.db', '--ramdisk-lag', `${lagMs}ms`, '--drain', '1'];
}

/** Starts a daemon whose tmpfs lies beside its other directories; `test` may end it. */
export async function withRamDaemon(
  paths: DaemonPaths,
  test: (daemon: Daemon) => Promise<void>,
  more: readonly string[] = [],
): Promise<void> {
  const started = startDaemon(paths, [...ramFlags(paths), ...more]);
  try {
    await test(await whenReady(started, paths));
  } finally {
    started.process.kill('SIGTERM');
    const timer = setTimeout(() => started.process.kill('SIGKILL'), 60_000);
    await started.exited;
    clearTimeout(timer);
  }
}

export async function killAll(paths: DaemonPaths): Promise<void> {
  killEach(await processesOf(paths));
  await eventually(async () => expect(await processesOf(paths)).toEqual([]), { timeoutMs: 60_000 });
}

/** Nothing of the host's memory is left. */
export function forgetMemory(paths: DaemonPaths): void {
  spawnSync('umount', ['-l', paths.mount]);
  expect(spawnSync('umount', ['-l', join(paths.folder, 'ramdisk')]).status).toBe(0);
  rmSync(paths.runDir, { recursive: true, force: true });
}

/** It begins the log of its database anew all the time. */
function restartingClient(daemon: Daemon): LoadClient {
  const script = resolve(import.meta.dirname, 'restarts.py');
  return startProgram('restarts', 'restarts.db', 'python3', [script, join(daemon.root, 'restarts.db'), 'restarts']);
}

/** Acknowledged by a client until a time, which is kept as it goes on. */
class Acknowledged {
  readonly #client: LoadClient;
  readonly #seen: { readonly atMs: number; readonly count: number }[] = [];

  constructor(client: LoadClient) {
    this.#client = client;
  }

  note(): void {
    this.#seen.push({ atMs: performance.now(), count: this.#client.acknowledged().length });
  }

  until(atMs: number): number {
    return this.#seen.filter((seen) => seen.atMs <= atMs).at(-1)?.count ?? 0;
  }
}

/**
 * One round: load, the end of all processes, a reboot. The durable copy is a state that was, and not too old. Resolves
 * with the figures.
 */
export async function rebootUnderLoad(commits: number): Promise<string> {
  return await withPaths(async (paths) => {
    const left = join(paths.folder, 'left');
    let clients: readonly LoadClient[] = [];
    let kept: ReadonlyMap<string, number> = new Map();
    await withRamDaemon(paths, async (daemon) => {
      clients = [...(await startLoad(daemon, busyTimeoutSeconds)), restartingClient(daemon)];
      const noted = new Map(clients.map((client) => [client.name, new Acknowledged(client)]));
      const sinceMs = performance.now();
      await eventually(
        () => {
          for (const one of noted.values()) one.note();
          expect(performance.now() - sinceMs).toBeGreaterThan(patienceMs * (1 + Math.random() / 5));
          for (const client of clients) expect(client.acknowledged().length, client.name).toBeGreaterThan(commits);
        },
        { timeoutMs: 60_000 },
      );
      await killAll(paths);
      const endedMs = performance.now();
      cpSync(paths.data, left, { recursive: true });
      kept = new Map([...noted].map(([name, one]) => [name, one.until(endedMs - patienceMs)]));
    });
    await Promise.all(clients.map((client) => client.kill()));
    forgetMemory(paths);
    rmSync(paths.data, { recursive: true });
    cpSync(left, paths.data, { recursive: true });
    checkDurable(left, clients, kept);
    await withRamDaemon(paths, async (daemon) => checkDurable(daemon.root, clients, kept));
    return figuresOf(clients);
  });
}

/** The rows of each client are its first ones, all of them up to `kept`. */
function checkDurable(folder: string, clients: readonly LoadClient[], kept: ReadonlyMap<string, number>): void {
  for (const { name, database } of clients) {
    const path = join(folder, database);
    expect(query(path, 'pragma integrity_check'), `${path} ${name}`).toBe('ok');
    const least = kept.get(name) ?? 0;
    if (name === 'http-incr') {
      const counter = Number(query(path, "select value from kv_store where key = 'counter'"));
      expect(counter, name).toBeGreaterThanOrEqual(least);
      continue;
    }
    const [count, newest, distinct] = query(
      path,
      `select count(*), coalesce(max(n), 0), count(distinct n) from t where client = '${name}'`,
    ).split('|');
    expect({ name, newest, distinct }).toEqual({ name, newest: count, distinct: count });
    expect(Number(count), name).toBeGreaterThanOrEqual(least);
  }
}

/**
 * One round: load, the end of all processes, the next daemon. Nothing that was acknowledged is lost. Resolves with the
 * figures.
 */
export async function endUnderLoad(commits: number): Promise<string> {
  return await withPaths(async (paths) => {
    let clients: readonly LoadClient[] = [];
    await withRamDaemon(paths, async (daemon) => {
      clients = [...(await startLoad(daemon, busyTimeoutSeconds)), restartingClient(daemon)];
      await eventually(
        () => {
          for (const client of clients) expect(client.acknowledged().length, client.name).toBeGreaterThan(commits);
        },
        { timeoutMs: 60_000 },
      );
      await killAll(paths);
    });
    await Promise.all(clients.map((client) => client.kill()));
    await withRamDaemon(paths, async (daemon) => {
      await checkLoad(daemon.root, clients);
      const flushed = await daemon.command('tier', 'flush');
      expect(flushed.stderr).toBe('');
    });
    await checkLoad(paths.data, clients);
    return figuresOf(clients);
  });
}

function figuresOf(clients: readonly LoadClient[]): string {
  return clients.map((client) => `${client.name} ${client.acknowledged().length}`).join(', ');
}
