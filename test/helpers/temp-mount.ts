// A fresh data directory under the system's temp folder, mounted and served by a real fs process without the rest of
// the daemon.
import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import type { FromFsProcess, FsStartOptions, FsStatus, LockView, PassthroughState } from '../../fs/index.ts';
import { abortConnection, inspectMount, mountFuse, unmountFuse } from '../../fs/index.ts';

const fsProcess = resolve(import.meta.dirname, '../../dist/fs/main.js');
const startTimeoutMs = 20_000;

export type LogLine = Extract<FromFsProcess, { type: 'log' }>;

export interface TempMount {
  readonly mountPoint: string;
  readonly dataDir: string;
  readonly passthrough: PassthroughState;
  readonly process: ChildProcess;
  /** All that the fs process has logged so far. */
  readonly log: readonly LogLine[];
  status(): Promise<FsStatus>;
  /** Who holds and who waits. */
  locks(): Promise<LockView>;
  /** Unmounts, ends the process and removes everything. */
  close(): Promise<void>;
}

/** `descriptorLimit`: of the fs process; otherwise what this process may have. */
export async function tempMount({
  descriptorLimit,
  ...options
}: Partial<FsStartOptions> & { readonly descriptorLimit?: number } = {}): Promise<TempMount> {
  const folder = mkdtempSync(join(tmpdir(), 'hoody-sqlite-mount-'));
  const [dataDir, mountPoint, stateDir] = ['data', 'mount', 'state'].map((name) => join(folder, name)) as [
    string,
    string,
    string,
  ];
  for (const path of [dataDir, mountPoint, stateDir]) mkdirSync(path);
  const device = mountFuse({ mountPoint });
  const limited = descriptorLimit === undefined ? [] : ['prlimit', `--nofile=${descriptorLimit}:${descriptorLimit}`];
  const [command = '', ...args] = [...limited, process.execPath, fsProcess];
  const child = spawn(command, args, { stdio: ['ignore', 'inherit', 'inherit', device, 'ipc'] });
  closeSync(device); // the mount dies with the process: a crash must not leave the test hanging
  const log: LogLine[] = [];
  const answers = new Map<number, (value: unknown) => void>();
  const exited = new Promise<void>((done) => child.once('exit', () => done()));
  let nextId = 1;

  const close = async () => {
    const mount = inspectMount(mountPoint);
    if (mount !== undefined) {
      unmountFuse(mountPoint, 'lazy');
      const timer = setTimeout(() => child.kill('SIGKILL'), 5000);
      child.send({ type: 'stop' }, () => {}); // the process may have ended with the unmount
      await exited;
      clearTimeout(timer);
      try {
        abortConnection(mount.connection);
      } catch {
        // already gone, as it should be
      }
    }
    child.kill('SIGKILL');
    rmSync(folder, { recursive: true, force: true });
  };

  try {
    const passthrough = await new Promise<PassthroughState>((ready, failed) => {
      const timer = setTimeout(() => failed(new Error('the fs process did not start in time')), startTimeoutMs);
      child.once('exit', (code) => failed(new Error(`the fs process ended with ${code}`)));
      child.on('message', (message: FromFsProcess) => {
        if (message.type === 'log') log.push(message);
        if (message.type === 'answer') answers.get(message.id)?.('value' in message ? message.value : undefined);
        if (message.type === 'failed') failed(new Error(`${message.code}: ${message.message}`));
        if (message.type !== 'ready') return;
        clearTimeout(timer);
        ready(message.passthrough);
      });
      child.send({
        type: 'start',
        options: { dataDir, mountPoint, stateDir, passthrough: 'auto', locks: 'coordinated', ...options },
      });
    });
    const query = <T>(name: string) =>
      new Promise<T>((done) => {
        const id = nextId++;
        answers.set(id, (value) => done(value as T));
        child.send({ type: 'query', id, name });
      });
    const status = () => query<FsStatus>('status');
    const locks = () => query<LockView>('locks');
    return { mountPoint, dataDir, passthrough, process: child, log, status, locks, close };
  } catch (error) {
    await close();
    throw error;
  }
}
