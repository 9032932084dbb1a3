// Entry of the ship process: messages of the supervisor on Node's IPC channel. It reads the commit logs beside the
// archive process and writes to the store. It may be killed at any time: the store says where it goes on.
import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { endAfter, fail, listen, log, takeAlone, tell } from '../../child/child.ts';
import { raiseDescriptorLimit } from '../../system/process.ts';
import type { ShipStartOptions, ToShip } from './messages.ts';
import { openStore } from './open-store.ts';
import { ShipError } from './ship-error.ts';
import { Shipper } from './shipper.ts';
import { tellWarnings } from './tell-warnings.ts';

/** A file that is being written may be finished. */
const stopTimeoutMs = 3_000;

let shipper: Shipper | undefined;

process.umask(0o077);
listen((message: ToShip) => {
  switch (message.type) {
    case 'start':
      start(message.options).catch(failed);
      break;
    case 'query':
      tell({ type: 'answer', id: message.id, value: message.name === 'alive' ? true : shipper?.status });
      break;
    case 'stop':
      stop();
      break;
    default:
      message satisfies never;
  }
}, stop);

async function start({ archiveDir, workDir, url, keepSeconds }: ShipStartOptions): Promise<void> {
  if (shipper !== undefined) return;
  const store = openStore(url);
  raiseDescriptorLimit();
  await takeWork(workDir);
  mkdirSync(archiveDir, { recursive: true, mode: 0o700 });
  shipper = new Shipper({
    archiveDir,
    workDir: join(workDir, 'files'),
    store,
    keepMs: keepSeconds * 1000,
    log,
  });
  tell({ type: 'ready' });
  shipper.start();
  await tellWarnings(store, log);
}

async function takeWork(workDir: string): Promise<void> {
  mkdirSync(workDir, { recursive: true, mode: 0o700 });
  await takeAlone(workDir, 'ship');
  const files = join(workDir, 'files');
  rmSync(files, { recursive: true, force: true });
  mkdirSync(files, { mode: 0o700 });
}

function failed(error: NodeJS.ErrnoException): void {
  const isOfStore = error instanceof ShipError;
  fail(error, isOfStore ? 'see --ship' : 'the state directory needs room, and this program the right to write');
}

function stop(): void {
  endAfter(shipper?.stop(stopTimeoutMs));
}
