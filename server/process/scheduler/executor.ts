// The server's side of one executor process: one piece of work outstanding, its phase, and its end.
import { type ChildProcess, fork } from 'node:child_process';
import { endianness } from 'node:os';
import type { Writable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { type FromExecutor, interruptFd, type ToExecutor } from '../../messages/jobs.ts';
import type { OpenMode } from '../../messages/operation.ts';
import type { PathRules } from '../../messages/paths.ts';
import type { Group } from './group.ts';

/** Compiled beside this file; tests run the compiled server. */
const programPath = fileURLToPath(new URL('../../executor/main.js', import.meta.url));
/** Enough for a 32 MiB answer and its rows; a query that needs more ends its executor, not the server. */
const heapMaxMiB = 512;
/** How V8 ends the process where it gets no memory. */
const outOfMemorySignals: readonly (NodeJS.Signals | null)[] = ['SIGABRT', 'SIGTRAP', 'SIGILL'];

export interface ExecutorStart {
  readonly rules: PathRules;
  /** RLIMIT_DATA of the process. */
  readonly memoryBytes: number;
}

export interface ExecutorEvents {
  readonly onMessage: (executor: Executor, message: FromExecutor) => void;
  readonly onExit: (executor: Executor) => void;
}

export class Executor {
  readonly #child: ChildProcess;
  /** Databases that this executor may have open, and how. */
  readonly open = new Map<string, OpenMode>();
  readonly exited: Promise<void>;
  /** What it is at work on. */
  group: Group | null = null;
  isReady = false;
  /** Its guard listens for the numbers of groups to interrupt. */
  canInterrupt = false;
  /** It ended because it got no more memory. */
  isOutOfMemory = false;
  idleSinceMs = performance.now();
  readonly startedAtMs = performance.now();

  constructor({ rules, memoryBytes }: ExecutorStart, events: ExecutorEvents) {
    const heapMiB = Math.min(heapMaxMiB, Math.floor(memoryBytes / 2 ** 21));
    this.#child = fork(programPath, [], {
      serialization: 'advanced',
      execArgv: [`--max-old-space-size=${heapMiB}`, '--max-semi-space-size=2'],
      stdio: ['ignore', 'ignore', 'inherit', 'ipc', 'pipe'],
    });
    this.#child.on('message', (message) => events.onMessage(this, message as FromExecutor));
    this.exited = new Promise((resolve) => {
      this.#child.once('exit', (_code, signal) => {
        this.isOutOfMemory = outOfMemorySignals.includes(signal);
        resolve();
      });
      // A process that could not be started has no exit.
      this.#child.once('error', () => resolve());
    });
    // A pipe that is gone shows as an exit.
    this.#interrupts?.on('error', () => {});
    void this.exited.then(() => events.onExit(this));
    this.send({ type: 'start', rules, memoryBytes });
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  /** A channel that is gone shows as an exit: nothing to do here. */
  send(message: ToExecutor): void {
    if (this.#child.connected) this.#child.send(message, () => {});
  }

  /** Ends an executor that does nothing: it closes its databases first. */
  end(): void {
    if (this.#child.connected) this.#child.disconnect();
  }

  /** Makes every statement of the group fail until it ends. False when this executor can only be killed. */
  interrupt(groupId: number): boolean {
    const pipe = this.#interrupts;
    if (!this.canInterrupt || pipe === undefined) return false;
    const number = Buffer.alloc(8);
    if (endianness() === 'LE') number.writeBigUInt64LE(BigInt(groupId));
    else number.writeBigUInt64BE(BigInt(groupId));
    pipe.write(number);
    return true;
  }

  /** undefined where there were no descriptors left to start the process with: its error follows. */
  get #interrupts(): Writable | undefined {
    return (this.#child.stdio as ChildProcess['stdio'] | undefined)?.[interruptFd] as Writable | undefined;
  }

  kill(): void {
    this.#child.kill('SIGKILL');
  }
}
