// The loops that end processes under load; the soak tests run the same with bigger counts.
import { setTimeout as delay } from 'node:timers/promises';
import { expect } from 'vitest';
import type { DaemonStatus } from '../../daemon/status.ts';
import type { Daemon } from '../helpers/daemon.ts';
import { eventually } from '../helpers/eventually.ts';
import { checkLoad, startLoad } from './load.ts';

type Role = DaemonStatus['processes'][number]['role'];

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
  const clients = await startLoad(daemon);
  let worstPauseMs = 0;
  try {
    for (let round = 0; round < rounds; round++) {
      await delay(Math.random() * 300);
      const before = clients.map((client) => client.acknowledged().length);
      const startedMs = performance.now();
      await harm(round);
      await eventually(
        () => {
          for (const [index, client] of clients.entries())
            expect(client.acknowledged().length, client.name).toBeGreaterThan((before[index] ?? 0) + 1);
        },
        { timeoutMs: 60_000 },
      );
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

export async function kill(daemon: Daemon, role: Role): Promise<void> {
  process.kill(await pidOf(daemon, role), 'SIGKILL');
}

export async function pidOf(daemon: Daemon, role: Role): Promise<number> {
  return await eventually(async () => {
    const found = (await daemon.status()).processes.find((process) => process.role === role);
    if (!found) throw new Error(`no ${role} process`);
    return found.pid;
  });
}
