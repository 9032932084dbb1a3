// Watches that the daemon serves and does not merely run: asks the fs loop and the HTTP server a question every few
// seconds. A process that stays silent is killed, so that its successor takes over; whoever restarts the service is
// told of each round in which all have answered, and steps in when these stop.
import { setTimeout as delay } from 'node:timers/promises';
import { messageOf } from '../errors.ts';
import type { Log } from '../log.ts';

export interface Probe {
  readonly name: string;
  /** Rejects when there is no answer in time. */
  readonly ask: () => Promise<unknown>;
  /** Its process is not there yet: how long that may take is the business of whoever starts it. */
  readonly isStarting: () => boolean;
  /** False for a process without which everything is served: its silence is no reason to restart the service. */
  readonly isVital: boolean;
  /** Ends the silent process; it is started again by whoever keeps it. */
  readonly end: () => void;
}

export interface LivenessSpec {
  readonly probes: readonly Probe[];
  readonly intervalMs: number;
  readonly onAllAlive: () => void;
  readonly log: Log;
}

// A process is ended 11 s after the first question that it does not answer, and at most 5 s more after it fell silent.
// A disk or a machine that only stalls should be back by then: a new process would stall there as well. It is well
// before systemd would kill the whole service (WatchdogSec=30).
const patienceRounds = 3;
const retryMs = 1_000;
/** For probes: an answer that takes longer is none. */
export const answerTimeoutMs = 3_000;

/** Runs until the signal, and returns at the latest when the questions then open have timed out. */
export async function watchLiveness(spec: LivenessSpec, signal: AbortSignal): Promise<void> {
  const silentRounds = new Map<Probe, number>();
  while (!signal.aborted) {
    const answers = await Promise.all(spec.probes.map((probe) => answerOf(probe, spec.log, signal)));
    if (signal.aborted) return;
    if (spec.probes.every(({ isVital }, index) => answers[index] || !isVital)) spec.onAllAlive();
    spec.probes.forEach((probe, index) => {
      const rounds = answers[index] || probe.isStarting() ? 0 : (silentRounds.get(probe) ?? 0) + 1;
      silentRounds.set(probe, rounds % patienceRounds);
      if (rounds < patienceRounds) return;
      spec.log.error('silent-process-ended', { process: probe.name, rounds });
      probe.end();
    });
    const pauseMs = answers.includes(false) ? Math.min(retryMs, spec.intervalMs) : spec.intervalMs;
    await delay(pauseMs, undefined, { signal }).catch(() => {});
  }
}

async function answerOf(probe: Probe, log: Log, signal: AbortSignal): Promise<boolean> {
  try {
    await probe.ask();
    return true;
  } catch (error) {
    if (!signal.aborted) log.warn('no-sign-of-life', { process: probe.name, reason: messageOf(error) });
    return false;
  }
}
