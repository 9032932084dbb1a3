// Entry of the tier process: keeps durable copies of the databases that work in RAM. Messages of the supervisor come on
// Node's IPC channel. It never opens a database through SQLite, and never touches a path on the mount. It may be killed
// at any time: what it has noted lies beside the files in RAM.
import { mkdirSync, openSync } from 'node:fs';
import { setPriority } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { Log } from '../log.ts';
import { F_WRLCK, setFileLock } from '../system/file-locks.ts';
import { raiseDescriptorLimit } from '../system/process.ts';
import type { FromTier, TierStartOptions, ToTier } from './messages.ts';
import { Tier } from './tier.ts';

/** Programs that write come first. */
const niceness = 5;
const takeTries = 300;
const takePauseMs = 100;

let tier: Tier | undefined;

process.umask(0); // files get the mode of what they are copies of
process.on('message', (message: ToTier) => {
  switch (message.type) {
    case 'start':
      start(message.options).catch(failed);
      break;
    case 'query':
      query(message);
      break;
    case 'unread':
      tier?.keepLogOf(message.database);
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
// Somebody opened a file in the moment in which it was asked for a lease.
process.on('SIGIO', () => {});

async function start(options: TierStartOptions): Promise<void> {
  if (tier !== undefined) return;
  raiseDescriptorLimit();
  setPriority(niceness);
  mkdirSync(options.root, { recursive: true, mode: 0o700 });
  await takeTier(options.root);
  const log: Log = (level, event, fields) => toSupervisor({ type: 'log', level, event, fields });
  const made = new Tier(options, log);
  await made.prepare();
  tier = made;
  tier.run();
  toSupervisor({ type: 'ready' });
}

/** A process that is ending may still write durable copies. The lock ends with the process that has it. */
async function takeTier(root: string): Promise<void> {
  const fd = openSync(join(root, 'lock'), 'a', 0o600);
  for (let tries = 0; !setFileLock(fd, F_WRLCK, 0, 0); tries++) {
    if (tries >= takeTries) throw new Error(`another process copies the databases in ${root}`);
    await delay(takePauseMs);
  }
}

function failed(error: NodeJS.ErrnoException): void {
  const { code = 'internal', message } = error;
  const answer: FromTier = { type: 'failed', code, message };
  process.send?.(answer, undefined, undefined, () => process.exit(1));
}

function query({ id, name, args }: Extract<ToTier, { type: 'query' }>): void {
  if (name === 'alive' || tier === undefined) {
    toSupervisor({ type: 'answer', id, value: true });
    return;
  }
  tier.answer(args).then(
    (value) => toSupervisor({ type: 'answer', id, value }),
    (error) => toSupervisor({ type: 'answer', id, error: error instanceof Error ? error.message : `${error}` }),
  );
}

async function stop(): Promise<void> {
  try {
    await tier?.stop();
  } finally {
    process.exit();
  }
}

/** A supervisor that has died a moment ago still looks connected: without the callback the write would end this. */
function toSupervisor(message: FromTier): void {
  if (process.connected) process.send?.(message, undefined, undefined, () => {});
}
