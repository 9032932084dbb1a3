// Starts the built program on fresh directories, waits for its ready line, and leaves nothing behind: no process, no
// mount, no file, whatever the test did to it.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import type { CommandInput } from '../../daemon/cli/command.ts';
import { connectToAll } from '../../daemon/control/client.ts';
import type { DaemonStatus } from '../../daemon/supervisor/status.ts';
import type { LockView } from '../../fs/index.ts';
import { eventually } from './eventually.ts';
import { type Finished, isAlive, killEach, run, type Started, start } from './process.ts';

export const programPath = resolve(import.meta.dirname, '../../dist/daemon/main.js');

/** Inherited by every process of a daemon under test, so that none can hide. */
const folderVariable = 'TEST_DAEMON_FOLDER';

/** Directories of one daemon, all below one fresh folder. */
export interface DaemonPaths {
  readonly folder: string;
  readonly mount: string;
  readonly data: string;
  readonly stateDir: string;
  readonly runDir: string;
}

export interface Daemon extends DaemonPaths {
  readonly pid: number;
  /** As printed in the ready line: without a slash at the end, or unix:/path. */
  readonly url: string;
  /** What the ready line says: false when the daemon serves HTTP only. */
  readonly mounted: boolean;
  /** Where clients open databases: the mount, or the data directory. */
  readonly root: string;
  stdout(): string;
  stderr(): string;
  /** As `status --json` prints it. */
  status(): Promise<DaemonStatus>;
  /** As `locks --json` prints them. */
  locks(): Promise<LockView>;
  /** Runs another command of the program for this daemon. */
  command(name: string, ...args: string[]): Promise<Finished>;
  /** Sends SIGTERM and waits for the end. */
  stop(): Promise<Finished>;
  readonly finished: Promise<Finished>;
}

export interface DaemonOptions {
  /** Directories of an earlier daemon, to start again on them; they are then the caller's to remove. */
  readonly paths?: DaemonPaths;
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** Another copy of the program than this checkout's. */
  readonly program?: string;
}

/** Runs `test` against a daemon with these further flags of `start`, on a free port. */
export async function withDaemon<T>(
  flags: readonly string[],
  test: (daemon: Daemon) => Promise<T>,
  options: DaemonOptions = {},
): Promise<T> {
  const run = (paths: DaemonPaths) => withStarted(startDaemon(paths, flags, options), paths, test);
  return options.paths ? run(options.paths) : withPaths(run);
}

/** Fresh directories, removed in the end together with every mount and process that was left in them. */
export async function withPaths<T>(test: (paths: DaemonPaths) => Promise<T>): Promise<T> {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), 'hoody-sqlite-')));
  const paths = {
    folder,
    mount: join(folder, 'mount'),
    data: join(folder, 'data'),
    stateDir: join(folder, 'state'),
    runDir: join(folder, 'run'),
  };
  try {
    return await test(paths);
  } finally {
    killEach(await processesOf(paths));
    clearMounts(folder);
    removeFolder(folder, paths.mount);
  }
}

/** A daemon leaves the directory below its mount sealed (chattr +i). */
function removeFolder(folder: string, mount: string): void {
  const remove = () => rmSync(folder, { recursive: true, force: true });
  spawnSync('chattr', ['-R', '-f', '-i', mount]);
  try {
    remove();
  } catch {
    spawnSync('chattr', ['-R', '-f', '-i', folder]); // the test had other mount points too
    remove();
  }
}

/** Only starts the program; for tests of starts that fail. */
export function startDaemon(paths: DaemonPaths, flags: readonly string[], options: DaemonOptions = {}): Started {
  return start(process.execPath, [options.program ?? programPath, 'start', ...flagsFor(paths, flags), ...flags], {
    cwd: paths.folder,
    env: { ...cleanEnvironment(options.env), [folderVariable]: paths.folder },
  });
}

/** Runs a command of the program with nothing of the caller's own settings. */
export function runProgram(args: readonly string[], env: DaemonOptions['env'] = {}): Promise<Finished> {
  return run(process.execPath, [programPath, ...args], { env: cleanEnvironment(env) });
}

/** Resolves with the daemon once it has printed its ready line. */
export async function whenReady(started: Started, paths: DaemonPaths): Promise<Daemon> {
  const ended = started.finished.then((finished) => {
    throw new Error(`the daemon ended with ${finished.code ?? finished.signal}: ${finished.stderr}`);
  });
  const line = await Promise.race([
    ended,
    eventually(
      () => {
        const match = /^hoody-sqlite ready mount=(.*) url=(\S+)\n/.exec(started.stdout());
        if (!match) throw new Error(`the daemon is not ready: ${started.stderr()}`);
        return match;
      },
      { timeoutMs: 60_000 },
    ),
  ]);
  const mounted = line[1] !== 'none';
  const command = (name: string, ...args: string[]) =>
    runProgram([name, '--run-dir', paths.runDir, '--data', paths.data, ...args]);
  return {
    ...paths,
    pid: started.pid,
    url: line[2] ?? '',
    mounted,
    root: mounted ? paths.mount : paths.data,
    stdout: started.stdout,
    stderr: started.stderr,
    finished: started.finished,
    command,
    status: () => ask<DaemonStatus>(paths.runDir, started.pid, 'status'),
    locks: () => ask<LockView>(paths.runDir, started.pid, 'locks'),
    stop: () => {
      started.process.kill('SIGTERM');
      return started.finished;
    },
  };
}

/** Asks as the commands of the program do, without a process for each question. */
async function ask<Answer>(runDir: string, pid: number, question: string): Promise<Answer> {
  const settings = { runDir } as CommandInput['settings'];
  const [connection] = await connectToAll({ settings, named: new Set() }, pid);
  if (connection === undefined) throw new Error(`no daemon with pid ${pid} runs`);
  try {
    return (await connection.ask(question)) as Answer;
  } finally {
    connection.close();
  }
}

export type Role = DaemonStatus['processes'][number]['role'];

/** A process that has been killed again and again is started again after up to 10 s. */
const pidTimeoutMs = 60_000;

/** Of one of its processes, as soon as there is one in that role. */
export async function pidOf(daemon: Daemon, role: Role): Promise<number> {
  return await eventually(
    async () => {
      const found = (await daemon.status()).processes.find((process) => process.role === role);
      if (!found) throw new Error(`no ${role} process`);
      return found.pid;
    },
    { timeoutMs: pidTimeoutMs },
  );
}

/** Kills one of its processes, which may also have ended by itself a moment ago. */
export async function killProcess(daemon: Daemon, role: Role): Promise<void> {
  killEach([await pidOf(daemon, role)]);
}

/** Every process of the daemon that is alive, children of a killed supervisor included. */
export async function processesOf(paths: DaemonPaths): Promise<number[]> {
  const all = readdirSync('/proc').filter((name) => /^\d+$/.test(name));
  const ours = all.map(Number).filter((pid) => pid !== process.pid && namesFolder(pid, paths.folder));
  const alive = await Promise.all(ours.map(isAlive));
  return ours.filter((_, index) => alive[index]);
}

async function withStarted<T>(started: Started, paths: DaemonPaths, test: (daemon: Daemon) => Promise<T>): Promise<T> {
  try {
    return await test(await whenReady(started, paths));
  } finally {
    started.process.kill('SIGTERM');
    const timer = setTimeout(() => started.process.kill('SIGKILL'), 30_000);
    await started.exited;
    clearTimeout(timer);
  }
}

function flagsFor(paths: DaemonPaths, flags: readonly string[]): string[] {
  const defaults: [string, string][] = [
    ['--mount', paths.mount],
    ['--data', paths.data],
    ['--state-dir', paths.stateDir],
    ['--run-dir', paths.runDir],
    ['--listen', '127.0.0.1:0'],
    ['--ramdisk', 'off'], // never the machine's own /ramdisk
  ];
  return defaults.filter(([flag]) => !flags.includes(flag)).flat();
}

/** The caller's HOODY_SQLITE_* variables must not reach the program under test. */
function cleanEnvironment(env: DaemonOptions['env'] = {}): Record<string, string | undefined> {
  const inherited = Object.keys(process.env).filter((name) => name.startsWith('HOODY_SQLITE_'));
  return { ...Object.fromEntries(inherited.map((name) => [name, undefined])), ...env };
}

function namesFolder(pid: number, folder: string): boolean {
  try {
    return readFileSync(`/proc/${pid}/environ`, 'latin1').includes(`${folderVariable}=${folder}\0`);
  } catch {
    return false;
  }
}

/** Aborts before it unmounts, so that no process hangs on a mount whose daemon is gone. */
function clearMounts(folder: string): void {
  for (const line of readFileSync('/proc/self/mountinfo', 'utf8').split('\n').reverse()) {
    const [, , device = '', , mountPoint = ''] = line.split(' ');
    if (!mountPoint.startsWith(`${folder}/`)) continue;
    const abort = `/sys/fs/fuse/connections/${device.split(':')[1]}/abort`;
    if (line.includes(' fuse.') && existsSync(abort)) writeFileSync(abort, '1');
    spawnSync('umount', ['-l', mountPoint]);
  }
}
