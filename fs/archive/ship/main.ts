// Entry of the ship process: messages of the supervisor on Node's IPC channel. It reads the commit logs beside the
// archive process and writes to the store. It may be killed at any time: the store says where it goes on.
import { mkdirSync, openSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { Log } from '../../log.ts';
import { F_WRLCK, setFileLock } from '../../system/file-locks.ts';
import { raiseDescriptorLimit } from '../../system/process.ts';
import type { FromShip, ShipStartOptions, ToShip } from './messages.ts';
import { openStore } from './open-store.ts';
import { ShipError } from './ship-error.ts';
import { Shipper } from './shipper.ts';
import { tellWarnings } from './tell-warnings.ts';

const takeTries = 100;
const takePauseMs = 100;
/** A file that is being written may be finished. */
const stopTimeoutMs = 3_000;

let shipper: Shipper | undefined;

process.umask(0o077);
process.on('message', (message: ToShip) => {
  switch (message.type) {
    case 'start':
      start(message.options).catch(failed);
      break;
    case 'query':
      toSupervisor({ type: 'answer', id: message.id, value: message.name === 'alive' ? true : shipper?.status });
      break;
    case 'stop':
      stop();
      break;
    default:
      message satisfies never;
  }
});
process.on('disconnect', stop);
// Ctrl-C reaches the whole process group, but only the supervisor knows when to stop.
process.on('SIGINT', () => {});
process.on('SIGTERM', () => {});

async function start({ archiveDir, workDir, url, keepSeconds }: ShipStartOptions): Promise<void> {
  if (shipper !== undefined) return;
  const store = openStore(url);
  raiseDescriptorLimit();
  await takeWork(workDir);
  mkdirSync(archiveDir, { recursive: true, mode: 0o700 });
  const log: Log = (level, event, fields) => toSupervisor({ type: 'log', level, event, fields });
  shipper = new Shipper({
    archiveDir,
    workDir: join(workDir, 'files'),
    store,
    keepMs: keepSeconds * 1000,
    log,
  });
  toSupervisor({ type: 'ready' });
  shipper.start();
  await tellWarnings(store, log);
}

/** A process that is ending may still ship. The lock ends with the process that has it. */
async function takeWork(workDir: string): Promise<void> {
  mkdirSync(workDir, { recursive: true, mode: 0o700 });
  const fd = openSync(join(workDir, 'lock'), 'a', 0o600);
  for (let tries = 0; !setFileLock(fd, F_WRLCK, 0, 0); tries++) {
    if (tries >= takeTries) throw new Error(`another ship process has ${workDir}`);
    await delay(takePauseMs);
  }
  const files = join(workDir, 'files');
  rmSync(files, { recursive: true, force: true });
  mkdirSync(files, { mode: 0o700 });
}

function failed(error: NodeJS.ErrnoException): void {
  const { code = 'internal', message } = error;
  const hint =
    error instanceof ShipError ? 'see --ship' : 'the state directory needs room, and this program the right to write';
  const answer: FromShip = { type: 'failed', code, message, hint };
  process.send?.(answer, undefined, undefined, () => process.exit(1));
}

async function stop(): Promise<void> {
  try {
    await shipper?.stop(stopTimeoutMs);
  } finally {
    process.exit();
  }
}

/** A supervisor that has died a moment ago still looks connected: without the callback the write would end this. */
function toSupervisor(message: FromShip): void {
  if (process.connected) process.send?.(message, undefined, undefined, () => {});
}
