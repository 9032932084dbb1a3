// Prints who holds and who waits on the mount, blocking chain by blocking chain: the one who holds everybody up on top.
import { isAbsolute, relative } from 'node:path';
import type { LockView } from '../../fs/index.ts';
import type { CommandInput } from '../cli/command.ts';
import { locksText } from '../cli/locks-text.ts';
import { wantsJson } from '../cli/output.ts';
import { showAgain } from '../cli/watch.ts';
import { connectToDaemon } from '../control/client.ts';
import { withExtension } from '../databases/name.ts';
import { type ExitCode, exitCodes } from '../errors.ts';

export async function run(input: CommandInput): Promise<ExitCode> {
  const [db] = input.positionals;
  const daemon = await connectToDaemon(input);
  try {
    await showAgain(input, async () => {
      const view = onlyAbout(db, (await daemon.ask('locks')) as LockView, daemon.roots);
      return wantsJson(input) ? `${JSON.stringify(view)}\n` : locksText(view);
    });
  } finally {
    daemon.close();
  }
  return exitCodes.ok;
}

/**
 * `name`: the path below the data directory, with or without .db, or an absolute path: below one of `roots`, or in a
 * container that sees the mount elsewhere, where it ends with the database's.
 */
export function onlyAbout(name: string | undefined, { databases }: LockView, roots: readonly string[]): LockView {
  if (name === undefined) return { databases };
  const root = roots.find((one) => name.startsWith(`${one}/`));
  const path = root === undefined ? name : relative(root, name);
  const names = [path, withExtension(path)];
  const isMeant = (db: string) => names.some((one) => one === db || (isAbsolute(one) && one.endsWith(`/${db}`)));
  return { databases: databases.filter(({ db }) => isMeant(db)) };
}
