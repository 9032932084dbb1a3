// Prints who holds and who waits on the mount, blocking chain by blocking chain: the one who holds everybody up on top.
import { setTimeout as delay } from 'node:timers/promises';
import type { LockView } from '../../fs/index.ts';
import type { CommandInput } from '../cli/command-table.ts';
import { type ExitCode, exitCodes } from '../cli/errors.ts';
import { locksText } from '../cli/locks-text.ts';
import { connectToDaemon } from '../control/client.ts';

const watchMs = 1000;

export async function run(input: CommandInput): Promise<ExitCode> {
  const [db] = input.positionals;
  const daemon = await connectToDaemon(input);
  try {
    do {
      const view = onlyAbout(db, (await daemon.ask('locks')) as LockView);
      const text = input.switches.has('json') ? `${JSON.stringify(view)}\n` : locksText(view);
      process.stdout.write(input.switches.has('watch') && process.stdout.isTTY ? `\x1b[H\x1b[2J${text}` : text);
      if (input.switches.has('watch')) await delay(watchMs);
    } while (input.switches.has('watch'));
  } finally {
    daemon.close();
  }
  return exitCodes.ok;
}

/** `db`: the path below the data directory, or any absolute path that ends with it. */
function onlyAbout(db: string | undefined, { databases }: LockView): LockView {
  return { databases: databases.filter((one) => db === undefined || one.db === db || db.endsWith(`/${one.db}`)) };
}
