// Runs programs in tests: to their end with a deadline, or in the background until the test kills them.
import { type ChildProcess, spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';

export interface Finished {
  /** null when a signal ended it. */
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface RunOptions {
  readonly cwd?: string;
  /** Added to this process's environment; undefined removes a variable. */
  readonly env?: Readonly<Record<string, string | undefined>>;
  readonly stdin?: string;
  readonly timeoutMs?: number;
}

/** Runs a program to its end. A program that outlives the deadline is killed, which shows as signal SIGKILL. */
export async function run(command: string, args: readonly string[], options: RunOptions = {}): Promise<Finished> {
  const child = start(command, args, options);
  const timer = setTimeout(() => child.process.kill('SIGKILL'), options.timeoutMs ?? 60_000);
  child.process.stdin?.end(options.stdin ?? '');
  try {
    return await child.finished;
  } finally {
    clearTimeout(timer);
  }
}

export interface Started {
  readonly process: ChildProcess;
  readonly pid: number;
  stdout(): string;
  stderr(): string;
  /** When the process has ended and everything that it and its own children wrote has arrived. */
  readonly finished: Promise<Finished>;
  /** When the process has ended, even if a child of it that has outlived it keeps the output open. */
  readonly exited: Promise<void>;
}

/** Starts a program and collects what it prints. The caller ends it. */
export function start(command: string, args: readonly string[], options: RunOptions = {}): Started {
  const child = spawn(command, args, {
    cwd: options.cwd,
    env: { ...process.env, ...options.env },
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  // A program that ends without reading its input is no failure of the test.
  child.stdin.on('error', () => {});
  const out: Buffer[] = [];
  const err: Buffer[] = [];
  child.stdout.on('data', (chunk: Buffer) => out.push(chunk));
  child.stderr.on('data', (chunk: Buffer) => err.push(chunk));
  const text = (chunks: Buffer[]) => Buffer.concat(chunks).toString();
  const finished = new Promise<Finished>((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code, signal) => resolve({ code, signal, stdout: text(out), stderr: text(err) }));
  });
  const exited = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  return {
    process: child,
    pid: child.pid ?? Number.NaN,
    stdout: () => text(out),
    stderr: () => text(err),
    finished,
    exited,
  };
}

/** True while a process exists that is not a zombie waiting for its parent. */
export async function isAlive(pid: number): Promise<boolean> {
  try {
    const stat = await readFile(`/proc/${pid}/stat`, 'latin1');
    return stat.slice(stat.lastIndexOf(')') + 2, stat.lastIndexOf(')') + 3) !== 'Z';
  } catch {
    return false;
  }
}

/** The user that a process runs as. */
export function uidOf(pid: number): number {
  return Number(/^Uid:\t(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'latin1'))?.[1]);
}

/** Some may have ended already: children of a process that was killed a moment ago, say. */
export function killEach(pids: Iterable<number>): void {
  for (const pid of pids) signalIfThere(pid, 'SIGKILL');
}

export function signalIfThere(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}
