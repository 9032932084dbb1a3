// Puts a saved database back. An existing database is replaced in one transaction under SQLite's own locks: clients
// that have it open wait, then see the restored content; a crash in between leaves the old one.
import { type Stats, statSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import type { CommandInput } from '../cli/command.ts';
import { printResult } from '../cli/output.ts';
import { bytesText } from '../cli/status-text.ts';
import { type DaemonPlaces, placesOfDaemon } from '../control/client.ts';
import { databasePath } from '../databases/name.ts';
import { withSavedFile } from '../databases/saved-file.ts';
import { CommandError, type ExitCode, exitCodes, messageOf, usageError } from '../errors.ts';
import { canonicalPath, isInside } from '../instance/paths.ts';
import { createFrom, replaceContent } from './put-database.ts';
import { restoreShipped } from './restore-shipped.ts';

export async function run(input: CommandInput): Promise<ExitCode> {
  const from = input.values.get('from');
  if (from !== undefined) return await restoreShipped(input, from);
  for (const flag of ['at', 'all']) {
    if (input.values.has(flag) || input.switches.has(flag)) throw usageError(`--${flag} needs --from URL`);
  }
  const [file = '', name = ''] = input.positionals;
  const saved = canonicalPath(resolve(file));
  const places = await placesOfDaemon(input);
  const database = databasePath(name, places.root);
  const found = statSync(database, { throwIfNoEntry: false });
  checkPaths(saved, database, places);
  if (found && !input.switches.has('force')) {
    throw new CommandError(exitCodes.failed, `${database} exists`, { hint: '--force replaces what it holds' });
  }
  const sizeBytes = await restore(saved, database, found);
  printResult(
    input,
    { database, file: saved, bytes: sizeBytes },
    `${database} holds what was saved in ${saved}, ${bytesText(sizeBytes)}\n`,
  );
  return exitCodes.ok;
}

function checkPaths(saved: string, database: string, { root, data }: DaemonPlaces): void {
  if ((isInside(saved, data) ? join(root, relative(data, saved)) : saved) === database) {
    throw new CommandError(exitCodes.failed, `${saved} is the database itself`, {
      hint: 'give the name of a saved file',
    });
  }
  const folder = dirname(database);
  if (!statSync(folder, { throwIfNoEntry: false })?.isDirectory()) {
    throw new CommandError(exitCodes.failed, `the folder ${folder} does not exist`, { hint: `mkdir -p ${folder}` });
  }
}

async function restore(saved: string, database: string, found: Stats | undefined): Promise<number> {
  try {
    return await withSavedFile(saved, dirname(database), (readable, folder) =>
      found?.size
        ? replaceContent(readable, database, folder)
        : createFrom(readable, statSync(saved), database, found !== undefined),
    );
  } catch (cause) {
    if (cause instanceof CommandError) throw cause;
    throw new CommandError(exitCodes.failed, `cannot restore ${database}: ${messageOf(cause)}`, { cause });
  }
}
