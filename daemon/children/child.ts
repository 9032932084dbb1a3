// One life of one child process: spawned with inherited descriptors from fd 3 on and an IPC channel, told its start
// options, asked questions, stopped. Whether a new one follows is for the supervisor to decide.
import { type ChildProcess, spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import type { Log, LogLevel } from '../log.ts';
import { installedVersion } from '../version.ts';

export type Role = 'fs' | 'server' | 'archive' | 'ship' | 'tier';

export interface Message {
  readonly type: string;
  readonly [field: string]: unknown;
}

export interface ChildSpec {
  readonly role: Role;
  /** Compiled entry file. */
  readonly programPath: string;
  /** Of Node, default none. */
  readonly nodeOptions?: readonly string[];
  /** Inherited as fd 3 and on; the caller keeps its own copies open. */
  readonly inheritedFds: readonly number[];
  /** Sent as `{type: 'start', options}`. */
  readonly startOptions: object;
  /** Asked every second; true for a process that counts as killed although it cannot end: see remains.ts. */
  readonly isStuck?: (pid: number) => boolean;
  /** Messages other than standby, ready, failed, answer and log. */
  readonly onMessage: (message: Message) => void;
  readonly log: Log;
}

/** How a child ended; both null when it could not be started. */
export interface ChildExit {
  readonly code: number | null;
  readonly signal: string | null;
}

/** The child has said itself that it cannot do its work. */
export class StartRefused extends Error {
  /** What an operator can do about it, if the child knows. */
  readonly hint: string | undefined;

  constructor(message: string, hint: string | undefined) {
    super(message);
    this.hint = hint;
  }
}

const startTimeoutMs = 60_000;
const queryTimeoutMs = 5_000;
const stuckCheckMs = 1_000;
/** What /proc counts in, on x86-64 and on the arm64 kernels of the common distributions. */
const pageBytes = 4096;

export class Child {
  readonly role: Role;
  readonly startedAtMs = performance.now();
  /** Of the program that was installed when it was started. */
  readonly version = installedVersion();
  /** Resolves when the process has ended, or is stuck at its end; never rejects. */
  readonly exited: Promise<ChildExit>;
  /**
   * True when it has said that it goes on without its predecessor and this process if need be; false when it has ended
   * without.
   */
  readonly standsBy: Promise<boolean>;
  readonly #process: ChildProcess;
  readonly #spec: ChildSpec;
  readonly #answers = new Map<number, { resolve: (value: unknown) => void; reject: (error: Error) => void }>();
  #nextId = 1;
  #stuckTimer: NodeJS.Timeout | undefined;
  #onStandby = (_: boolean) => {};
  #hasExited = false;
  #isReady = false;
  #ready: { resolve: (message: Message) => void; reject: (error: Error) => void } | undefined;

  constructor(spec: ChildSpec) {
    this.#spec = spec;
    this.role = spec.role;
    // A session of its own: Ctrl-C on the terminal must reach the supervisor only, which then stops in order.
    this.#process = spawn(process.execPath, [...(spec.nodeOptions ?? []), spec.programPath], {
      stdio: ['ignore', 2, 2, ...spec.inheritedFds, 'ipc'],
      detached: true,
      env: environmentOf(spec.role),
    });
    this.exited = new Promise((resolve) => {
      this.#process.once('exit', (code, signal) => resolve({ code, signal }));
      this.#process.once('error', () => {
        // With a pid it is a message that could not be sent: the end is still to come.
        if (this.#process.pid === undefined) resolve({ code: null, signal: null });
      });
      const { isStuck } = spec;
      if (!isStuck) return;
      this.#stuckTimer = setInterval(() => {
        if (!isStuck(this.pid)) return;
        spec.log.warn('child-stuck', {
          role: this.role,
          pid: this.pid,
          effect: 'its successor does not wait for its end',
        });
        resolve({ code: null, signal: 'SIGKILL' });
      }, stuckCheckMs);
    });
    this.standsBy = new Promise((resolve) => {
      this.#onStandby = resolve;
    });
    this.exited.then((exit) => this.#onExit(exit));
    this.#process.on('message', (message) => this.#onMessage(message as Message));
    // A message to a child that has just died fails here; its exit is what is acted upon.
    this.#process.on('error', (error) => spec.log.debug('child-channel', { role: this.role, reason: error.message }));
  }

  get pid(): number {
    return this.#process.pid ?? -1;
  }

  get hasExited(): boolean {
    return this.#hasExited;
  }

  get isReady(): boolean {
    return this.#isReady;
  }

  /** Resolves with the child's `ready` message. Rejects when it fails or ends first, or is silent for a minute. */
  async whenReady(): Promise<Message> {
    const timer = setTimeout(() => this.#ready?.reject(new Error('it does not get ready')), startTimeoutMs);
    try {
      return await new Promise((resolve, reject) => {
        this.#ready = { resolve, reject };
        this.send({ type: 'start', options: this.#spec.startOptions });
      });
    } finally {
      clearTimeout(timer);
      this.#ready = undefined;
    }
  }

  send(message: Message): void {
    if (this.#process.connected) this.#process.send(message);
  }

  async query(name: string, args?: unknown, timeoutMs = queryTimeoutMs): Promise<unknown> {
    if (!this.#isReady) throw new Error(`the ${this.role} process is starting`);
    const id = this.#nextId++;
    const timer = setTimeout(() => {
      this.#answers.get(id)?.reject(new Error(`the ${this.role} process does not answer`));
    }, timeoutMs);
    try {
      return await new Promise((resolve, reject) => {
        if (!this.#process.connected) reject(new Error(`the ${this.role} process has ended`));
        this.#answers.set(id, { resolve, reject });
        this.send({ type: 'query', id, name, args });
      });
    } finally {
      clearTimeout(timer);
      this.#answers.delete(id);
    }
  }

  /** Asks the child to end in order; kills it when it has not done so in time. */
  async stop(message: Message, timeoutMs: number): Promise<void> {
    this.send(message);
    const timer = setTimeout(() => {
      this.#spec.log.warn('child-killed', { role: this.role, pid: this.pid, reason: `no end within ${timeoutMs} ms` });
      this.kill();
    }, timeoutMs);
    await this.exited;
    clearTimeout(timer);
  }

  kill(): void {
    this.#process.kill('SIGKILL');
  }

  /** Resident memory, or 0 when the process has ended. */
  memoryBytes(): number {
    try {
      const residentPages = Number(readFileSync(`/proc/${this.pid}/statm`, 'latin1').split(' ')[1]);
      return residentPages * pageBytes;
    } catch {
      return 0;
    }
  }

  #onMessage(message: Message): void {
    switch (message.type) {
      case 'standby':
        this.#onStandby(true);
        break;
      case 'ready':
        this.#isReady = true;
        this.#ready?.resolve(message);
        break;
      case 'failed':
        // While it starts, whoever waits for it says why it failed.
        if (this.#ready === undefined)
          this.#spec.log.error('child-failed', { role: this.role, reason: message.message });
        this.#ready?.reject(new StartRefused(String(message.message), message.hint as string | undefined));
        break;
      case 'answer': {
        const waiting = this.#answers.get(Number(message.id));
        if (message.error === undefined) waiting?.resolve(message.value);
        else waiting?.reject(new Error(String(message.error)));
        break;
      }
      case 'log':
        this.#spec.log.write(message.level as LogLevel, String(message.event), {
          process: this.role,
          ...(message.fields as object),
        });
        break;
      default:
        this.#spec.onMessage(message);
    }
  }

  #onExit(exit: ChildExit): void {
    clearInterval(this.#stuckTimer);
    this.#hasExited = true;
    this.#onStandby(false);
    const error = new Error(`the ${this.role} process has ended (${exit.signal ?? `exit code ${exit.code}`})`);
    this.#ready?.reject(error);
    for (const waiting of this.#answers.values()) waiting.reject(error);
  }
}

/** Credentials of a store are for the process that ships to it: the others run what clients ask for. */
function environmentOf(role: Role): NodeJS.ProcessEnv {
  if (role === 'ship') return process.env;
  const isForShip = (name: string) => name.startsWith('AWS_') || name === 'CREDENTIALS_DIRECTORY';
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !isForShip(name)));
}
