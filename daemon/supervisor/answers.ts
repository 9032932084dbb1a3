// Answers about the daemon as it runs: to the server process, and to whoever asks whether everything serves.
import type { FsStatus, LockView, WriterRecord } from '../../fs/index.ts';
import type { Probe } from '../children/liveness.ts';
import { daemonState } from './daemon-state.ts';
import { toFsCounters, toLockSnapshot, toWriteRecord } from './fs-to-server.ts';
import type { Running } from './running.ts';

/** Questions that a process answers only while it really serves. */
export function probesOf(running: Running): Probe[] {
  return running.services.map((service) => ({
    name: service.process.role,
    ask: () => service.ask(),
    isStarting: () => service.process.current?.isReady !== true,
    end: () => service.process.current?.kill(),
  }));
}

/** Rejects where a process that serves does not. */
export async function probeAll(running: Running): Promise<void> {
  await Promise.all(probesOf(running).map(({ ask }) => ask()));
}

export async function locksOf({ mounted }: Running): Promise<LockView> {
  return ((await mounted?.service.process.current?.query('locks')) as LockView | undefined) ?? { databases: [] };
}

/** What the server process asks its supervisor: the names are those of `SupervisorQuestion` in server/index.ts. */
export async function answerServer(running: Running, name: string, args: unknown): Promise<unknown> {
  const fs = running.mounted?.service.process.current;
  if (name === 'daemon-state') return daemonState(running, args as readonly string[]);
  if (name === 'locks') return toLockSnapshot((await fs?.query('locks')) as LockView | undefined);
  if (name === 'writers') return toWriteRecord((await fs?.query('writers', args)) as WriterRecord | undefined);
  return toFsCounters((await fs?.query('status')) as FsStatus | undefined);
}
