// The tier process, which keeps the durable copies of databases in RAM: started before the mount, since it brings the
// databases into RAM, and ended after it, since programs commit until then.
import {
  type FlushAnswer,
  type PreparedMove,
  type TierQuestion,
  type TierStartOptions,
  type TierStatus,
  tierProcessPath,
} from '../../fs/index.ts';
import { Child } from '../children/child.ts';
import { KeptChild } from '../children/kept-child.ts';
import { answerTimeoutMs } from '../children/liveness.ts';
import type { Log } from '../log.ts';

/** Everything is copied to the disk, however slow that is. */
const stopTimeoutMs = 60_000;
const statusTimeoutMs = 2_000;
/** Copying a large database takes its time. */
const questionTimeoutMs = 120_000;

export interface TierServiceSpec {
  /** As they are now: asked for each new process. */
  readonly options: () => Omit<TierStartOptions, 'mayLoad'>;
  readonly log: Log;
}

export class TierService {
  readonly process: KeptChild;
  readonly #spec: TierServiceSpec;
  /** Only the first process of a daemon loads: later the mount serves. */
  #mayLoad = false;

  constructor(spec: TierServiceSpec) {
    this.#spec = spec;
    this.process = new KeptChild({ role: 'tier', spawn: () => this.#spawn(), log: spec.log });
  }

  /** `mayLoad`: nobody serves the mount. Resolves when the databases are in RAM. */
  async start(mayLoad: boolean): Promise<void> {
    this.#mayLoad = mayLoad;
    await this.process.start();
    this.#mayLoad = false;
  }

  restart(): Promise<void> {
    return this.process.restart({ type: 'stop' }, stopTimeoutMs);
  }

  async stop(): Promise<void> {
    await this.process.stop({ type: 'stop' }, stopTimeoutMs);
  }

  /** A program waits until the log of that database was read. */
  unread(database: string): void {
    this.process.send({ type: 'unread', database });
  }

  async flush(path?: string): Promise<FlushAnswer> {
    return (await this.#question({ op: 'flush', ...(path !== undefined && { path }) })) as FlushAnswer;
  }

  async prepare(path: string, to: 'ram' | 'disk'): Promise<PreparedMove> {
    return (await this.#question({ op: 'prepare', path, to })) as PreparedMove;
  }

  async keep(path: string, copy: 'ram' | 'disk'): Promise<PreparedMove> {
    return (await this.#question({ op: 'keep', path, copy })) as PreparedMove;
  }

  /** undefined where it does not say at once. */
  async status(): Promise<TierStatus | undefined> {
    const question: TierQuestion = { op: 'status' };
    const asked = this.process.current?.query('tier', question, statusTimeoutMs).catch(() => undefined);
    return (await asked) as TierStatus | undefined;
  }

  /** Rejects where a process that runs does not answer. */
  async ask(): Promise<void> {
    const { current } = this.process;
    if (current?.isReady) await current.query('alive', undefined, answerTimeoutMs);
  }

  async #question(question: TierQuestion): Promise<unknown> {
    const { current } = this.process;
    if (current === undefined) throw new Error('the tier process is being started: try again');
    return await current.query('tier', question, questionTimeoutMs);
  }

  #spawn(): Child {
    const { options, log } = this.#spec;
    return new Child({
      role: 'tier',
      programPath: tierProcessPath,
      inheritedFds: [],
      startOptions: { ...options(), mayLoad: this.#mayLoad } satisfies TierStartOptions,
      onMessage: () => {},
      log,
    });
  }
}
