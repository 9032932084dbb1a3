// The server process: started on the socket that the supervisor keeps, started again when it dies.
import { randomUUID } from 'node:crypto';
import {
  type FromServer,
  type ServerAnswer,
  type ServerOptions,
  type ServerRequest,
  type ServerStatus,
  serverProcessPath,
  type ToServer,
} from '../../server/index.ts';
import { Child } from '../children/child.ts';
import type { Drain } from '../children/drain.ts';
import { KeptChild } from '../children/kept-child.ts';
import type { ListenAddress } from '../config/listen-address.ts';
import { messageOf } from '../errors.ts';
import type { Log } from '../log.ts';
import { askHealth } from './health.ts';

export interface HttpServiceSpec {
  readonly socketFd: number;
  /** Where that socket listens. */
  readonly address: ListenAddress;
  /** As they are now: asked for each new process. */
  readonly options: () => ServerOptions;
  /** Answers what the server asks its supervisor. */
  readonly answer: (name: string, args: unknown) => Promise<unknown>;
  /** Without a mount: databases that were written for requests, by their path below the data directory. */
  readonly onCommitted: (databases: readonly string[]) => void;
  readonly log: Log;
}

/** Beyond the drain time: closing databases, ending executors. */
const stopSlackMs = 3_000;
/** The server itself ends a request that takes too long, and says so. */
const answerSlackMs = 5_000;

export class HttpService {
  readonly process: KeptChild;
  readonly #spec: HttpServiceSpec;

  constructor(spec: HttpServiceSpec) {
    this.#spec = spec;
    this.process = new KeptChild({ role: 'server', spawn: () => this.#spawn(), log: spec.log });
  }

  async start(): Promise<void> {
    await this.process.start();
  }

  /** A new server process listens before the old one ends, which it does after its requests or the drain time. */
  reload({ leftMs: drainMs }: Drain): Promise<void> {
    return this.process.succeed({ type: 'stop', drainMs, isHandover: true }, drainMs + stopSlackMs);
  }

  /** Ends the server after the requests that it is working on, or when the drain time is over. */
  async stop(drain: Drain): Promise<void> {
    drain.hurried.then(() => this.process.current?.kill());
    const { leftMs: drainMs } = drain;
    await this.process.stop({ type: 'stop', drainMs, isHandover: false }, drainMs + stopSlackMs);
  }

  send(message: ToServer): void {
    this.process.send(message);
  }

  async status(): Promise<ServerStatus | undefined> {
    return (await this.process.current?.query('status').catch(() => undefined)) as ServerStatus | undefined;
  }

  /**
   * As an HTTP request of its own user, without a token. `gone`: nobody waits for it any more.
   * @throws Error where no server answers
   */
  async request(args: ServerRequest, gone: AbortSignal): Promise<ServerAnswer> {
    const { current } = this.process;
    if (current === undefined) throw new Error('the server process is being started');
    const name = randomUUID();
    const giveUp = () => current.send({ type: 'give-up', request: name } satisfies ToServer);
    gone.addEventListener('abort', giveUp, { once: true });
    try {
      return (await current.query('request', { ...args, name }, args.timeoutMs + answerSlackMs)) as ServerAnswer;
    } finally {
      gone.removeEventListener('abort', giveUp);
    }
  }

  /** Resolves when an HTTP request on the real address is answered, whatever the answer is. */
  ask(): Promise<void> {
    return askHealth(this.#spec.address);
  }

  #spawn(): Child {
    const child: Child = new Child({
      role: 'server',
      programPath: serverProcessPath,
      inheritedFds: [this.#spec.socketFd],
      startOptions: this.#spec.options(),
      onMessage: (message) => this.#onMessage(child, message as unknown as FromServer),
      log: this.#spec.log,
    });
    return child;
  }

  async #onMessage(child: Child, message: FromServer): Promise<void> {
    if (message.type === 'committed') this.#spec.onCommitted(message.databases);
    if (message.type !== 'query') return;
    try {
      child.send({ type: 'answer', id: message.id, value: await this.#spec.answer(message.name, message.args) });
    } catch (error) {
      child.send({ type: 'answer', id: message.id, error: messageOf(error) });
    }
  }
}
