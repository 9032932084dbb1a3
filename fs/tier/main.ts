// Entry of the tier process: keeps durable copies of the databases that work in RAM. Messages of the supervisor come on
// Node's IPC channel. It never opens a database through SQLite, and never touches a path on the mount. It may be killed
// at any time: what it has noted lies beside the files in RAM.
import { mkdirSync } from 'node:fs';
import { setPriority } from 'node:os';
import { answerWith, endAfter, fail, listen, log, takeAlone, tell } from '../child/child.ts';
import { raiseDescriptorLimit } from '../system/process.ts';
import type { TierStartOptions, ToTier } from './messages.ts';
import { Tier } from './tier.ts';

/** Programs that write come first. */
const niceness = 5;
/** It finishes its durable copies when it ends. */
const takeTries = 300;

let tier: Tier | undefined;

process.umask(0); // files get the mode of what they are copies of
listen((message: ToTier) => {
  switch (message.type) {
    case 'start':
      start(message.options).catch(fail);
      break;
    case 'query':
      query(message);
      break;
    case 'unread':
      tier?.copySoon(message.database);
      break;
    case 'stop':
      stop();
      break;
    default:
      message satisfies never;
  }
}, stop);
// Somebody opened a file in the moment in which it was asked for a lease.
process.on('SIGIO', () => {});

async function start(options: TierStartOptions): Promise<void> {
  if (tier !== undefined) return;
  raiseDescriptorLimit();
  setPriority(niceness);
  mkdirSync(options.root, { recursive: true, mode: 0o700 });
  await takeAlone(options.root, 'tier', takeTries);
  const made = new Tier(options, log);
  await made.prepare();
  tier = made;
  tier.run();
  tell({ type: 'ready' });
}

function query({ id, name, args }: Extract<ToTier, { type: 'query' }>): void {
  if (name === 'alive' || tier === undefined) tell({ type: 'answer', id, value: true });
  else answerWith(id, tier.answer(args));
}

function stop(): void {
  endAfter(tier?.stop());
}
