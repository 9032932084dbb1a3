// Saves every database to a folder, below the names that they have on the mount. One that cannot be saved stops no
// other.
import { existsSync, statSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import type { CommandInput } from '../cli/command.ts';
import { printResult, wantsJson } from '../cli/output.ts';
import { bytesText } from '../cli/status-text.ts';
import { type DaemonPlaces, placesOfDaemon } from '../control/client.ts';
import { findDatabases } from '../databases/list.ts';
import { takeAccessOf } from '../databases/unfinished-file.ts';
import { CommandError, type ExitCode, exitCodes, messageOf, sentenceOf } from '../errors.ts';
import { canonicalPath, createDirectory, isInside } from '../instance/paths.ts';
import { saveToFile } from './backup-file.ts';

interface Saved {
  readonly database: string;
  readonly file: string;
  readonly bytes: number;
}

interface Failed {
  readonly database: string;
  readonly error: string;
}

export async function backupAll(input: CommandInput): Promise<ExitCode> {
  const places = await placesOfDaemon(input);
  const folder = createBackupFolder(canonicalPath(resolve(input.positionals[0] ?? '')), places);
  const { databases: found, others, unreadable } = findDatabases(places.root);
  const databases: Saved[] = [];
  const failed: Failed[] = [];
  const fail = (database: string, error: string) => {
    failed.push({ database, error });
    if (!wantsJson(input)) process.stderr.write(`hoody-sqlite: ${database}: ${error}\n`);
  };
  for (const { path, reason } of unreadable) fail(path, reason);
  for (const database of found) {
    const file = join(folder, relative(places.root, database));
    try {
      createFoldersLike(dirname(database), dirname(file), folder);
      const mayReplace = input.switches.has('force');
      databases.push({ database, file, bytes: await saveToFile({ database, target: file, mayReplace }, places) });
    } catch (error) {
      if (!existsSync(database)) continue; // its last name was removed while the others were saved
      fail(database, sentenceOf(error));
    }
  }
  const bytes = databases.reduce((sum, saved) => sum + saved.bytes, 0);
  printResult(
    input,
    { folder, databases, failed, leftOut: others, bytes },
    `${counted(databases.length)} saved to ${folder}, ${bytesText(bytes)}\n${leftOutText(others)}`,
  );
  if (failed.length === 0) return exitCodes.ok;
  throw new CommandError(exitCodes.failed, `${counted(failed.length)} not saved`, {
    hint: `the others are; ${wantsJson(input) ? '"failed" says' : 'the lines above say'} why`,
  });
}

function counted(count: number): string {
  return count === 1 ? '1 database is' : `${count} databases are`;
}

function leftOutText(others: readonly string[]): string {
  return others.length === 0 ? '' : `left out, since they do not begin as a database does: ${others.join(', ')}\n`;
}

/** For its owner only when it is made. @throws CommandError */
function createBackupFolder(folder: string, { root, data }: DaemonPlaces): string {
  if (isInside(folder, root) || isInside(folder, data)) {
    throw new CommandError(exitCodes.failed, `${folder} lies among the databases`, { hint: 'save them elsewhere' });
  }
  try {
    return createDirectory(folder, 0o700);
  } catch (cause) {
    throw new CommandError(exitCodes.failed, `cannot save to ${folder}: ${messageOf(cause)}`, { cause });
  }
}

/** The folders from `top` down to `to`, each with the owner and the mode of its original. */
function createFoldersLike(from: string, to: string, top: string): void {
  if (to === top || existsSync(to)) return;
  createFoldersLike(dirname(from), dirname(to), top);
  createDirectory(to, 0o700);
  takeAccessOf(to, statSync(from));
}
