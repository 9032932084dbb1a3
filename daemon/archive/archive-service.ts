// The archive process: started beside the mount and started again when it dies. The daemon serves on without it:
// whatever happens to it, nobody but who asks about the past hears of it.
import { setTimeout as delay } from 'node:timers/promises';
import {
  type ArchiveAnswer,
  type ArchiveQuestion,
  type ArchiveStartOptions,
  type ArchiveStatus,
  archiveProcessPath,
  hurryProcess,
} from '../../fs/index.ts';
import { Backoff } from '../children/backoff.ts';
import { Child } from '../children/child.ts';
import { KeptChild } from '../children/kept-child.ts';
import { answerTimeoutMs } from '../children/liveness.ts';
import { messageOf } from '../errors.ts';
import type { Log } from '../log.ts';
import { patienceMsFor } from './patience.ts';

export interface ArchiveServiceSpec {
  /** As they are now: asked for each new process. */
  readonly options: () => Omit<ArchiveStartOptions, 'hasKeptState'>;
  /** Descriptor of the memory in which the fs process notes commits; undefined while nothing is mounted. */
  readonly memoryFd: () => number | undefined;
  readonly log: Log;
  /** Default: the archive process of this program. */
  readonly programPath?: string;
}

/** It reads the last commits and waits for the disk. */
const stopTimeoutMs = 5_000;
/** A disk that is full, or a folder that cannot be written, stays so for a while. */
const longestDelayMs = 60_000;
/** How long a question waits for a process that is being started. */
const startPatienceMs = 10_000;
const startRetryMs = 20;
/** `hoody-sqlite status` and /metrics would rather show nothing than wait. */
const statusTimeoutMs = 2_000;
/** What it makes is short-lived and small; threads that collect it would take the processor from programs. */
const smallHeap = ['--max-semi-space-size=2', '--single-threaded-gc'];

export class ArchiveService {
  readonly process: KeptChild;
  readonly #spec: ArchiveServiceSpec;

  constructor(spec: ArchiveServiceSpec) {
    this.#spec = spec;
    const backoff = new Backoff(longestDelayMs);
    this.process = new KeptChild({
      role: 'archive',
      spawn: () => this.#spawn(),
      restartDelayMs: ({ livedMs }) => backoff.nextDelayMs(livedMs),
      log: spec.log,
    });
  }

  /** In the background. Nothing where it runs already. */
  start(): void {
    if (!this.process.isWanted) this.process.begin();
  }

  /** A new process of the program as it is on disk now, on the mount as it is now. The old one ends first. */
  restart(): Promise<void> {
    this.#hurry();
    return this.process.restart({ type: 'stop' }, stopTimeoutMs);
  }

  async stop(): Promise<void> {
    this.#hurry();
    await this.process.stop({ type: 'stop' }, stopTimeoutMs);
  }

  /** Databases that were most likely written, by their path below the data directory. */
  committed(databases: readonly string[]): void {
    if (databases.length > 0) this.process.send({ type: 'committed', databases });
  }

  /** A program waits until the write-ahead log of this database was archived. */
  unread(database: string): void {
    this.#hurry();
    this.process.send({ type: 'unread', database });
  }

  /** Resolves with an answer in any case, which may be that there is none. */
  async question(question: ArchiveQuestion): Promise<ArchiveAnswer<unknown>> {
    try {
      const child = await this.#whenReady();
      this.#hurry();
      return (await child.query('archive', question, patienceMsFor(question))) as ArchiveAnswer<unknown>;
    } catch (error) {
      return { ok: false, code: 'timeout', message: `${messageOf(error)}: try again, or see hoody-sqlite status` };
    }
  }

  /** undefined where it does not say at once. */
  async status(): Promise<ArchiveStatus | undefined> {
    const question: ArchiveQuestion = { op: 'status' };
    this.#hurry();
    const asked = this.process.current?.query('archive', question, statusTimeoutMs).catch(() => undefined);
    const answer = (await asked) as ArchiveAnswer<ArchiveStatus> | undefined;
    return answer?.ok ? answer.value : undefined;
  }

  /** Rejects where a process that runs does not answer. One that is down or starts is watched by whoever starts it. */
  async ask(): Promise<void> {
    const { current } = this.process;
    this.#hurry();
    if (current?.isReady) await current.query('alive', undefined, answerTimeoutMs);
  }

  /** On a busy machine it would hear late that somebody waits. */
  #hurry(): void {
    const pid = this.process.current?.pid ?? -1;
    if (pid > 0) hurryProcess(pid);
  }

  async #whenReady(): Promise<Child> {
    const endsAtMs = performance.now() + startPatienceMs;
    for (;;) {
      const { current, lastFailure } = this.process;
      if (current?.isReady) return current;
      if (current === undefined && lastFailure !== undefined) {
        throw new Error(`the archive process does not start: ${lastFailure}`);
      }
      if (performance.now() > endsAtMs) throw new Error('the archive process is being started');
      await delay(startRetryMs);
    }
  }

  #spawn(): Child {
    const { options, memoryFd, log, programPath = archiveProcessPath } = this.#spec;
    const fd = memoryFd();
    return new Child({
      role: 'archive',
      programPath,
      nodeOptions: smallHeap,
      inheritedFds: fd === undefined ? [] : [fd],
      startOptions: { ...options(), hasKeptState: fd !== undefined } satisfies ArchiveStartOptions,
      onMessage: () => {},
      log,
    });
  }
}
