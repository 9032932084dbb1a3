// Entry of the fs process: the supervisor's messages on the main thread, the kernel's on a thread of its own. Inherits
// /dev/fuse as fd 3. It must never touch a path on the mount that it serves.
import { close } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import { ErrandThreads } from './channel/errand-threads.ts';
import type { FromLoop, LoopData, ToLoop } from './channel/loop-messages.ts';
import { syncAndAnswer } from './channel/slow-sync.ts';
import { FsError } from './errors.ts';
import { deviceInChild } from './inherited.ts';
import { type LockView, nameProcesses } from './lock-binding/view.ts';
import type { DatabaseLocks } from './locks/snapshot.ts';
import type { FromFsProcess, FsStartOptions, ToFsProcess } from './messages.ts';
import type { RamMove } from './nodes/ram-moves.ts';
import { SyncAverage } from './nodes/syncer.ts';
import { checkStateVersion } from './state/kept-state.ts';
import { write, writeAsync } from './system/files.ts';
import { lastError } from './system/libc.ts';
import { growDescriptorTable, makeEventFd, raiseDescriptorLimit } from './system/process.ts';
import { remainsOf } from './system/remains.ts';

const stopDeadlineMs = 3000;
const longHolderCheckMs = 5000;
const predecessorCheckMs = 5;
/**
 * V8's own choice, 48, lets so much pile up that to move what lives of it holds everybody's locks up for 6 ms, while
 * thousands of files are being opened.
 */
const maxYoungGenerationSizeMb = 6;

let telling: Promise<void> = Promise.resolve();
let isSurvivable = false;
let isStopping = false;
/** Parts of answers to the query `locks`, by its id. */
const lockViews = new Map<number, readonly DatabaseLocks[]>();
let loop: { readonly worker: Worker; readonly wakeFd: number } | undefined;

const errands = new ErrandThreads(
  (errand) => toLoop({ type: 'errand-done', errand }),
  (level, event, fields) => toSupervisor({ type: 'log', level, event, fields }),
);

process.umask(0); // clients' own umask was applied by the kernel
process.on('message', (message: ToFsProcess) => {
  switch (message.type) {
    case 'start':
      startAfter(message.options);
      break;
    case 'query':
      query(message.id, message.name, message.args);
      break;
    case 'power-cut':
    case 'ram-chosen':
      toLoop(message);
      break;
    case 'stop':
      stop();
      break;
    default:
      message satisfies never;
  }
});
process.on('disconnect', supervisorDied);
// Ctrl-C reaches the whole process group, but only the supervisor knows when to stop.
process.on('SIGINT', () => {});
process.on('SIGTERM', () => {});
// Somebody opened a file in the moment in which it was asked for a lease: the kernel says so, and would end the
// process.
process.on('SIGIO', () => {});

async function startAfter(options: FsStartOptions): Promise<void> {
  isSurvivable = options.keptState !== undefined;
  const { predecessors = [] } = options;
  growDescriptorTable(deviceInChild, raiseDescriptorLimit());
  const isAwaited = () => predecessors.some((pid) => remainsOf(pid) === 'running');
  try {
    await import('./channel/errand-thread.ts'); // whose thread begins when it is needed first
    if (isAwaited()) await checkAbilities(options);
  } catch (error) {
    const { code, message, hint } =
      error instanceof FsError ? error : { code: 'internal', message: String(error), hint: undefined };
    toSupervisor({ type: 'failed', code, message, ...(hint === undefined ? {} : { hint }) });
    return;
  }
  toSupervisor({ type: 'standby' });
  while (isAwaited()) await delay(predecessorCheckMs);
  start(options);
}

/**
 * Whoever says that it stands by costs a predecessor that serves its life. So first: is the program whole, and can it
 * read what is there?
 */
async function checkAbilities({ keptState }: FsStartOptions): Promise<void> {
  if (keptState !== undefined) checkStateVersion(keptState);
  await import('./channel/parts.ts');
}

function start(options: FsStartOptions): void {
  if (loop !== undefined) return;
  const wakeFd = makeEventFd();
  const syncAverage = new SyncAverage();
  const workerData: LoopData = { deviceFd: deviceInChild, wakeFd, options, syncAverage: syncAverage.memory };
  const resourceLimits = { maxYoungGenerationSizeMb };
  const worker = new Worker(new URL('./channel/loop.js', import.meta.url), { workerData, resourceLimits });
  loop = { worker, wakeFd };
  let exitCode = 0;
  worker.on('message', (message: FromLoop) => {
    if (message.type === 'failed') exitCode = 1;
    if (message.type === 'tell-kernel') tellKernel(message.messages);
    else if (message.type === 'make-room') {
      tellKernel(message.messages).then(() => toLoop({ type: 'room-made' }));
    } else if (message.type === 'sync') syncAndAnswer(message.job, deviceInChild, syncAverage);
    else if (message.type === 'errand') errands.do(message.errand);
    else if (message.type === 'close') {
      for (const fd of message.fds) close(fd, () => {}); // by a thread of Node's pool
    } else if (message.type === 'locks') {
      collectLocks(message);
    } else if (message.type === 'long-holders') logLongHolders(nameProcesses(message.databases));
    else toSupervisor(message);
  });
  if (options.locks === 'coordinated') {
    setInterval(() => toLoop({ type: 'long-holders' }), longHolderCheckMs).unref();
  }
  worker.on('error', (error) => {
    exitCode = 1;
    toSupervisor({ type: 'failed', code: 'internal', message: error.stack ?? String(error) });
  });
  worker.on('exit', () => {
    process.exitCode = exitCode;
    if (process.connected) process.disconnect();
    process.exit();
  });
}

function query(id: number, name: string, args: unknown): void {
  if (loop === undefined) toSupervisor({ type: 'answer', id, error: 'the fs process has not been started' });
  else if (name === 'status') toLoop({ type: 'status', id });
  else if (name === 'locks') toLoop({ type: 'locks', id });
  else if (name === 'writers') toLoop({ type: 'writers', id, database: String(args) });
  else if (name === 'ram-move') toLoop({ type: 'ram-move', id, move: args as RamMove });
  else toSupervisor({ type: 'answer', id, error: `the fs process knows no query "${name}"` });
}

function collectLocks({ id, databases, isLast }: Extract<FromLoop, { type: 'locks' }>): void {
  const all = [...(lockViews.get(id) ?? []), ...databases];
  if (!isLast) {
    lockViews.set(id, all);
    return;
  }
  lockViews.delete(id);
  toSupervisor({ type: 'answer', id, value: nameProcesses(all) });
}

/** Once for each of them: who it is, for an operator to act on. */
function logLongHolders({ databases }: LockView): void {
  for (const { db, holders, waiters } of databases) {
    for (const holder of holders) {
      const fields = { db, ...holder, waiting: waiters.length };
      toSupervisor({ type: 'log', level: 'warn', event: 'lock-held-long', fields });
    }
  }
}

/**
 * Programs go on working: the mount is served, without a log, until a new supervisor takes it over or somebody unmounts
 * it.
 */
function supervisorDied(): void {
  if (!isSurvivable) stop();
}

function stop(): void {
  if (loop === undefined) process.exit(0);
  // What is being told to the kernel may wait for a client that waits for the loop.
  isStopping = true;
  telling.then(() => toLoop({ type: 'stop' }));
  // A loop that is stuck in a system call cannot hear that; process.exit would wait for it.
  setTimeout(() => process.kill(process.pid, 'SIGKILL'), stopDeadlineMs).unref();
}

function toLoop(message: ToLoop): void {
  if (loop === undefined) return;
  loop.worker.postMessage(message);
  const one = Buffer.alloc(8);
  one.writeBigUInt64LE(1n);
  if (write(loop.wakeFd, one, 8) < 0) throw lastError('write', 'eventfd');
}

/**
 * One after the other, and never on this thread: to forget a name the kernel takes the directory's lock, which a client
 * may hold while it waits for a sync that this thread has to start. The kernel answers ENOENT where it has forgotten
 * already.
 */
function tellKernel(messages: readonly Uint8Array[]): Promise<void> {
  telling = telling.then(async () => {
    for (const message of messages) {
      if (isStopping) return;
      await writeAsync(deviceInChild, Buffer.from(message), message.length);
    }
  });
  return telling;
}

/**
 * A supervisor that has died a moment ago still looks connected: without the callback the failed write would end this
 * process.
 */
function toSupervisor(message: FromFsProcess): void {
  if (process.connected) process.send?.(message, undefined, undefined, () => {});
}
