// Answers about the daemon as it runs: to the server process, and to whoever asks whether everything serves.
import type { ArchiveAnswer, ArchiveQuestion, FsStatus, LockView, WriterRecord } from '../../fs/index.ts';
import type { ServerAnswer, ServerRequest } from '../../server/index.ts';
import { filesLinkedFor, filesMadeFor, handOver, mayBeMadeAt } from '../archive/made-files.ts';
import type { Probe } from '../children/liveness.ts';
import { answerOfTier, type TierRequest } from '../ramdisk/requests.ts';
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
    isVital: service !== running.archive && service !== running.ship,
  }));
}

/** Rejects where a process that serves does not. */
export async function probeAll(running: Running): Promise<void> {
  await Promise.all(probesOf(running).map((probe) => (probe.isVital ? probe.ask() : undefined)));
}

export async function locksOf({ mounted }: Running): Promise<LockView> {
  return ((await mounted?.service.process.current?.query('locks')) as LockView | undefined) ?? { databases: [] };
}

const noArchive: ArchiveAnswer<never> = {
  ok: false,
  code: 'not-archived',
  message: 'commits are not kept: the daemon runs with --archive off',
};

/** Of the archive process; in any case an answer, which may be that there is none. */
export async function answerOfArchive(running: Running, question: ArchiveQuestion): Promise<ArchiveAnswer<unknown>> {
  const { archive, stateDir, user, log } = running;
  if (archive === undefined) return noArchive;
  const files = filesMadeFor(question);
  const refuse = (path: string): ArchiveAnswer<never> => {
    log.error('archive-file-refused', { path });
    return { ok: false, code: 'damaged', message: `no file is made at ${path}` };
  };
  for (const file of [...files, ...filesLinkedFor(question)]) {
    if (!(await mayBeMadeAt(file, stateDir))) return refuse(file);
  }
  const answer = await archive.question(question);
  if (!answer.ok) return await explained(running, question, answer);
  for (const file of files) {
    try {
      await handOver(file, user);
    } catch {
      return refuse(file);
    }
  }
  return answer;
}

type Refusal = Extract<ArchiveAnswer<unknown>, { ok: false }>;

/** What comes of it that a database is seen from afar. */
const codesOfFar: readonly Refusal['code'][] = ['not-archived', 'too-old', 'gap', 'timeout'];

/** With what the archive process does not know: that the database works in RAM. */
async function explained({ ramdisk }: Running, question: ArchiveQuestion, refusal: Refusal): Promise<Refusal> {
  if (!('database' in question) || !codesOfFar.includes(refusal.code)) return refusal;
  const { database } = question;
  const status = await ramdisk?.status().catch(() => undefined);
  if (!status?.databases.some(({ path }) => path === database)) return refusal;
  const reason =
    `${database} works in RAM: the time machine sees only its durable copy, and keeps few of its states and no ` +
    `writers. Where its past counts it belongs on the disk: hoody-sqlite tier set ${database} disk`;
  return { ...refusal, message: `${refusal.message}. ${reason}` };
}

/** An HTTP request of the user who started the daemon, without HTTP. */
export async function requestOfServer(
  { httpService }: Running,
  request: ServerRequest,
  gone: AbortSignal,
): Promise<ServerAnswer> {
  if (httpService === undefined) throw new Error('the server process is being started');
  return await httpService.request(request, gone);
}

/** What the server process asks its supervisor: the names are those of `SupervisorQuestion` in server/index.ts. */
export async function answerServer(running: Running, name: string, args: unknown): Promise<unknown> {
  const fs = running.mounted?.service.process.current;
  if (name === 'daemon-state') return daemonState(running, args as readonly string[]);
  if (name === 'locks') return toLockSnapshot((await fs?.query('locks')) as LockView | undefined);
  if (name === 'tier') return await answerOfTier(running, args as TierRequest);
  if (name === 'archive') return await answerOfArchive(running, args as ArchiveQuestion);
  if (name === 'writers') return toWriteRecord((await fs?.query('writers', args)) as WriterRecord | undefined);
  return toFsCounters((await fs?.query('status')) as FsStatus | undefined);
}
