// A child that is meant to run: starts it, and when it dies starts the next one after the back-off, until it is
// stopped.
import { setTimeout as delay } from 'node:timers/promises';
import { sentenceOf } from '../errors.ts';
import type { Log } from '../log.ts';
import { Backoff } from './backoff.ts';
import { type Child, type ChildExit, type Message, type Role, StartRefused } from './child.ts';

export interface Death {
  /** How long it lived, or tried to start. */
  readonly livedMs: number;
  readonly exit: ChildExit | undefined;
  /** It said that it cannot do its work. */
  readonly refused: boolean;
}

export interface KeptChildSpec {
  readonly role: Role;
  readonly spawn: () => Child;
  /** Milliseconds between a death and the next start. Default: the back-off of backoff.ts. */
  readonly restartDelayMs?: (death: Death) => number;
  /** Runs after that delay; the signal ends it early because of a stop. A rejection means: try again later. */
  readonly beforeRestart?: (signal: AbortSignal) => Promise<void>;
  readonly afterRestart?: () => void;
  readonly log: Log;
}

export class KeptChild {
  readonly #spec: KeptChildSpec;
  readonly #backoff = new Backoff();
  #child: Child | undefined;
  /** During a succession: it will take the place of `#child`. */
  #next: Child | undefined;
  /** Its end is wanted, and no death. */
  #toRestart: Child | undefined;
  /** Present from start to stop. */
  #life: { readonly end: AbortController; watch: Promise<void> } | undefined;
  #restarts = 0;
  #lastExit: ChildExit | undefined;
  #lastFailure: string | undefined;

  constructor(spec: KeptChildSpec) {
    this.#spec = spec;
  }

  get role(): Role {
    return this.#spec.role;
  }

  /** The running process, undefined while there is none. */
  get current(): Child | undefined {
    return this.#child;
  }

  /** From a start to the stop, while the process runs or is about to. */
  get isWanted(): boolean {
    return this.#life !== undefined;
  }

  get restarts(): number {
    return this.#restarts;
  }

  get lastExit(): ChildExit | undefined {
    return this.#lastExit;
  }

  /** Why the newest start has failed; undefined after one that has not. */
  get lastFailure(): string | undefined {
    return this.#lastFailure;
  }

  /** To the running process, and to the one that is about to follow it: its start options were made before. */
  send(message: Message): void {
    this.#child?.send(message);
    this.#next?.send(message);
  }

  /** Starts it in the background, and again where that fails: for a child without which the daemon serves too. */
  begin(): void {
    const end = new AbortController();
    this.#life = { end, watch: this.#startAgain(undefined, end.signal).then(() => this.#watch(end.signal)) };
  }

  /** Resolves with the child's `ready` message. A first start that fails is not tried again. */
  async start(): Promise<Message> {
    const ready = await this.#startOne();
    const end = new AbortController();
    this.#life = { end, watch: Promise.resolve() };
    this.#life.watch = this.#watch(end.signal);
    return ready;
  }

  async stop(message: Message, timeoutMs: number): Promise<void> {
    const life = this.#life;
    this.#life = undefined;
    life?.end.abort();
    await this.#child?.stop(message, timeoutMs);
    this.#child = undefined;
    await life?.watch;
  }

  /**
   * A new process in place of the running one, for whose end the new one waits before it starts its work, even if this
   * process dies meanwhile. Only a new one that stands by costs the old one its life: where it ends or is silent
   * before, the old one serves on and this rejects. One that fails later is treated like one that dies.
   */
  async replace(message: Message, timeoutMs: number): Promise<void> {
    const old = this.#running();
    const next = this.#spec.spawn();
    // At once, so that the new one is known should the old one die now.
    this.#child = next;
    const stopOld = async () => {
      if (await next.standsBy) await old.stop(message, timeoutMs);
      else if (this.#child === next && !old.hasExited) this.#child = old;
    };
    const [began] = await Promise.allSettled([this.#begin(next), stopOld()]);
    if (began.status === 'rejected') throw this.#notReplaced(began.reason, old);
  }

  /** As replace, but the old process goes on until the new one is ready, and then has `timeoutMs` to end. */
  async succeed(message: Message, timeoutMs: number): Promise<void> {
    const old = this.#running();
    const next = this.#spec.spawn();
    this.#next = next;
    try {
      await this.#begin(next);
    } catch (error) {
      throw this.#notReplaced(error, old);
    } finally {
      this.#next = undefined;
    }
    if (this.#child === old) this.#child = next;
    else await next.stop(message, timeoutMs); // the old one has died meanwhile, and has a successor
    await old.stop(message, timeoutMs);
  }

  /**
   * Ends the running process and then starts the next, for a child of which only one may run. Resolves when the old one
   * has ended. A next one that does not start is treated like one that dies.
   */
  async restart(message: Message, timeoutMs: number): Promise<void> {
    const old = this.#child;
    if (old === undefined) return; // the next one is about to be started
    this.#toRestart = old;
    await old.stop(message, timeoutMs);
  }

  #running(): Child {
    if (!this.#child) throw new Error(`the ${this.role} process is being started`);
    return this.#child;
  }

  #notReplaced(cause: unknown, old: Child): Error {
    const effect = this.#child === old ? 'the old one serves on' : 'another one is being started';
    return new Error(`the new ${this.role} process does not start: ${sentenceOf(cause)}; ${effect}`, { cause });
  }

  async #begin(child: Child): Promise<Message> {
    try {
      return await child.whenReady();
    } catch (error) {
      child.kill();
      this.#lastExit = await child.exited;
      throw error;
    }
  }

  async #startOne(): Promise<Message> {
    const child = this.#spec.spawn();
    this.#child = child;
    try {
      const ready = await this.#begin(child);
      this.#lastFailure = undefined;
      return ready;
    } catch (error) {
      this.#child = undefined;
      this.#lastFailure = sentenceOf(error);
      throw error;
    }
  }

  async #watch(signal: AbortSignal): Promise<void> {
    const { role, log } = this.#spec;
    while (!signal.aborted) {
      const child = this.#child;
      if (!child) return;
      const exit = await child.exited;
      if (signal.aborted) return;
      if (this.#child !== child) continue; // it was replaced
      this.#child = undefined;
      if (this.#toRestart === child) {
        await this.#startAgain(undefined, signal);
        continue;
      }
      this.#lastExit = exit;
      log.error('child-died', { role, pid: child.pid, ...exit });
      await this.#startAgain({ livedMs: performance.now() - child.startedAtMs, exit, refused: false }, signal);
    }
  }

  /** `death`: of the one before, which this one is to replace after a while; undefined where there was none. */
  async #startAgain(death: Death | undefined, signal: AbortSignal): Promise<void> {
    const { role, log, beforeRestart, afterRestart } = this.#spec;
    const delayMs = this.#spec.restartDelayMs ?? (({ livedMs }) => this.#backoff.nextDelayMs(livedMs));
    let last = death;
    while (!signal.aborted) {
      const startedAtMs = performance.now();
      try {
        if (last) await delay(delayMs(last), undefined, { signal });
        if (last) await beforeRestart?.(signal);
        signal.throwIfAborted();
        await this.#startOne();
        if (!last) return;
        this.#restarts += 1;
        log.info('child-restarted', { role, pid: this.#child?.pid, restarts: this.#restarts });
        afterRestart?.();
        return;
      } catch (error) {
        if (!signal.aborted) log.error('child-not-restarted', { role, reason: sentenceOf(error) });
        last = {
          livedMs: performance.now() - startedAtMs,
          exit: this.#lastExit,
          refused: error instanceof StartRefused,
        };
      }
    }
  }
}
