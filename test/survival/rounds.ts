// The loops that end processes under load; the soak tests run the same with bigger counts.
import { readdirSync, readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { expect } from 'vitest';
import type { DaemonStatus } from '../../daemon/supervisor/status.ts';
import { type Daemon, type DaemonPaths, startDaemon, whenReady } from '../helpers/daemon.ts';
import { eventually } from '../helpers/eventually.ts';
import { killEach } from '../helpers/process.ts';
import { checkLoad, type LoadClient, startLoad } from './load.ts';

const patientSeconds = 60;
const impatientSeconds = 2;

export interface RoundsResult {
  readonly errors: readonly string[];
  readonly acknowledged: number;
  /** Longest time between a kill and the next acknowledged write of every client. */
  readonly worstPauseMs: number;
}

/** Does `harm` once a round, at a random moment, while all clients write; then checks what they were told. */
export async function underLoad(
  daemon: Daemon,
  rounds: number,
  harm: (round: number) => Promise<void>,
): Promise<RoundsResult> {
  const clients = await startLoad(daemon, patientSeconds);
  let worstPauseMs = 0;
  try {
    for (let round = 0; round < rounds; round++) {
      await delay(Math.random() * 300);
      const startedMs = performance.now();
      await harm(round);
      const before = clients.map((client) => client.acknowledged().length);
      await goOn(clients, before);
      worstPauseMs = Math.max(worstPauseMs, performance.now() - startedMs);
    }
  } finally {
    await Promise.all(clients.map((client) => client.stop()));
  }
  await checkLoad(daemon.root, clients);
  const errors = clients.flatMap((client) => client.errors().map((error) => `${client.name}: ${error}`));
  const acknowledged = clients.reduce((sum, client) => sum + client.acknowledged().length, 0);
  return { errors, acknowledged, worstPauseMs };
}

/**
 * Resolves when each has had two more writes acknowledged; where one does not get on, the error holds what it was told.
 */
async function goOn(clients: readonly LoadClient[], before: readonly number[]): Promise<void> {
  await eventually(
    () => {
      for (const [index, client] of clients.entries()) {
        const told = `${client.name}: ${client.errors().slice(-3).join('; ')}`;
        expect(client.acknowledged().length, told).toBeGreaterThan((before[index] ?? 0) + 1);
      }
    },
    { timeoutMs: 60_000 },
  );
}

export interface DeathsResult {
  readonly acknowledged: number;
  /** Longest time from the start of a new daemon to its ready line. */
  readonly worstStartMs: number;
}

/**
 * Kills what `victims` names, once a round, and starts a new daemon; clients may get errors and go on. Then looks for
 * every acknowledged commit.
 */
export async function deaths(
  paths: DaemonPaths,
  rounds: number,
  victims: (status: DaemonStatus) => readonly number[],
): Promise<DeathsResult> {
  let started = startDaemon(paths, []);
  let daemon = await whenReady(started, paths);
  const listen = ['--listen', new URL(daemon.url).host];
  const clients = await startLoad(daemon, impatientSeconds);
  let worstStartMs = 0;
  try {
    for (let round = 0; round < rounds; round++) {
      await delay(Math.random() * 300);
      killEach(victims(await daemon.status()));
      await started.exited;
      const before = clients.map((client) => client.acknowledged().length);
      const startedMs = performance.now();
      started = startDaemon(paths, listen);
      daemon = await whenReady(started, paths);
      worstStartMs = Math.max(worstStartMs, performance.now() - startedMs);
      if (round % 10 === 9) process.stderr.write(`round ${round + 1}, worst start ${Math.round(worstStartMs)} ms\n`);
      await goOn(clients, before);
    }
    await Promise.all(clients.map((client) => client.stop()));
    await checkLoad(daemon.root, clients);
    const acknowledged = clients.reduce((sum, client) => sum + client.acknowledged().length, 0);
    return { acknowledged, worstStartMs };
  } finally {
    await Promise.all(clients.map((client) => client.stop()));
    started.process.kill('SIGTERM');
    await started.exited;
  }
}

/** A thread of the process waits for the answer of a FUSE file system. */
export function isStuckInFuse(pid: number): boolean {
  const folder = `/proc/${pid}/task`;
  return readdirSync(folder).some((tid) =>
    /fuse_get_req|request_wait/.test(readFileSync(`${folder}/${tid}/wchan`, 'latin1')),
  );
}
