// Puts a saved database back. An existing database is replaced in one transaction under SQLite's own locks: clients
// that have it open wait, then see the restored content; a crash in between leaves the old one.
import { rmSync, type Stats, statSync } from 'node:fs';
import { basename, dirname, join, relative, resolve } from 'node:path';
import type { CommandInput } from '../cli/command.ts';
import { printResult } from '../cli/output.ts';
import { createProgressBar } from '../cli/progress-bar.ts';
import { bytesText } from '../cli/status-text.ts';
import { type DaemonPlaces, placesOfDaemon } from '../control/client.ts';
import { copyDatabase, copyWithPageSize, pageBytesOf } from '../databases/copy.ts';
import { setLeftoversAside } from '../databases/leftovers.ts';
import { databasePath } from '../databases/name.ts';
import { withSavedFile } from '../databases/saved-file.ts';
import { createUnfinishedFile, finishFile, removeUnfinishedFile, takeAccessOf } from '../databases/unfinished-file.ts';
import { CommandError, type ExitCode, exitCodes, messageOf } from '../errors.ts';
import { canonicalPath, isInside } from '../instance/paths.ts';

export async function run(input: CommandInput): Promise<ExitCode> {
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

/**
 * SQLite writes pages of one size into a WAL database that is in use: the saved one is converted first where it
 * differs.
 */
async function replaceContent(saved: string, database: string, folder: () => string): Promise<number> {
  const pageBytes = pageBytesOf(database, false);
  if (pageBytesOf(saved, true) === pageBytes) return await copyWithBar(saved, database);
  const converted = join(folder(), `converted-${basename(saved)}`);
  copyWithPageSize(saved, converted, pageBytes);
  return await copyWithBar(converted, database);
}

/** The database has its name only once it is complete; one that appears meanwhile is left alone. */
async function createFrom(saved: string, access: Stats, database: string, hasEmptyFile: boolean): Promise<number> {
  const unfinished = createUnfinishedFile(database);
  try {
    const sizeBytes = await copyWithBar(saved, unfinished);
    takeAccessOf(unfinished, access);
    if (hasEmptyFile) rmSync(database);
    const leftovers = setLeftoversAside(database, new Date());
    if (leftovers !== null) {
      process.stderr.write(
        `hoody-sqlite: files of an earlier ${basename(database)} were beside it; they are ${leftovers}-wal or -journal now\n`,
      );
    }
    finishFile(unfinished, database, false);
    return sizeBytes;
  } finally {
    removeUnfinishedFile(unfinished);
  }
}

async function copyWithBar(from: string, to: string): Promise<number> {
  const bar = createProgressBar(process.stderr);
  try {
    return await copyDatabase({ from, isSaved: true, to, onProgress: bar.show });
  } finally {
    bar.end();
  }
}
