// Saves one database to a file: what it held at one moment, complete and consistent. Goes through the mount like any
// client.
import { existsSync, rmSync, statSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { createProgressBar } from '../cli/progress-bar.ts';
import type { DaemonPlaces } from '../control/client.ts';
import { copyDatabase } from '../databases/copy.ts';
import { filesOf, isSidecarName } from '../databases/name.ts';
import { createUnfinishedFile, finishFile, removeUnfinishedFile, takeAccessOf } from '../databases/unfinished-file.ts';
import { CommandError, exitCodes, messageOf } from '../errors.ts';
import { isInside } from '../instance/paths.ts';

export interface BackupFile {
  /** Absolute, as clients open it. */
  readonly database: string;
  /** Canonical. */
  readonly target: string;
  readonly mayReplace: boolean;
}

/** @returns the size of the copy @throws CommandError */
export async function saveToFile({ database, target, mayReplace }: BackupFile, places: DaemonPlaces): Promise<number> {
  checkTarget(target, database, places);
  if (existsSync(target) && !mayReplace) {
    throw new CommandError(exitCodes.failed, `${target} exists`, { hint: '--force replaces it' });
  }
  return await copyToFile(database, target, mayReplace);
}

/** @throws CommandError for a file that cannot be written, or that programs may have open as a database */
function checkTarget(target: string, database: string, { root, data }: DaemonPlaces): void {
  const folder = dirname(target);
  if (!statSync(folder, { throwIfNoEntry: false })?.isDirectory()) {
    throw new CommandError(exitCodes.failed, `the folder ${folder} does not exist`, { hint: `mkdir -p ${folder}` });
  }
  if (existsSync(target) && !statSync(target).isFile()) {
    throw new CommandError(exitCodes.failed, `${target} is not a regular file`, {
      hint: 'give the name of a new file',
    });
  }
  const onMount = isInside(target, data) ? join(root, relative(data, target)) : target;
  if (filesOf(database).includes(onMount)) {
    throw new CommandError(exitCodes.failed, `${target} belongs to the database itself`, { hint: 'save it elsewhere' });
  }
  if (!isInside(onMount, root)) return;
  if (isSidecarName(target)) {
    throw new CommandError(exitCodes.failed, `${target} has the name of a file that SQLite keeps beside a database`);
  }
  if (existsSync(target)) {
    throw new CommandError(exitCodes.failed, `${target} is a database that programs may have open`, {
      hint: 'save to another file; hoody-sqlite restore FILE NAME --force replaces what a database holds',
    });
  }
}

async function copyToFile(database: string, target: string, mayReplace: boolean): Promise<number> {
  const bar = createProgressBar(process.stderr);
  let unfinished: string | undefined;
  try {
    unfinished = createUnfinishedFile(target);
    const sizeBytes = await copyDatabase({ from: database, isSaved: false, to: unfinished, onProgress: bar.show });
    takeAccessOf(unfinished, statSync(database));
    // A WAL or journal of the file that is replaced would be taken for one of the new file.
    if (mayReplace) for (const file of filesOf(target).slice(1)) rmSync(file, { force: true });
    finishFile(unfinished, target, mayReplace);
    return sizeBytes;
  } catch (cause) {
    if (cause instanceof CommandError) throw cause;
    throw new CommandError(exitCodes.failed, `cannot save to ${target}: ${messageOf(cause)}`, { cause });
  } finally {
    bar.end();
    if (unfinished !== undefined) removeUnfinishedFile(unfinished);
  }
}
