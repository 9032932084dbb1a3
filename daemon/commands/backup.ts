// Copies a database to a file while it is in use: what it held at one moment, complete and consistent. Goes through the
// mount like any client.
import { existsSync, statSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import type { CommandInput } from '../cli/command.ts';
import { printResult } from '../cli/output.ts';
import { createProgressBar } from '../cli/progress-bar.ts';
import { bytesText } from '../cli/status-text.ts';
import { type DaemonPlaces, placesOfDaemon } from '../control/client.ts';
import { copyDatabase } from '../databases/copy.ts';
import { databasePath, filesOf, isSidecarName } from '../databases/name.ts';
import { createUnfinishedFile, finishFile, removeUnfinishedFile, takeAccessOf } from '../databases/unfinished-file.ts';
import { CommandError, type ExitCode, exitCodes, messageOf } from '../errors.ts';
import { canonicalPath, isInside } from '../instance/paths.ts';

export async function run(input: CommandInput): Promise<ExitCode> {
  const [name = '', file = ''] = input.positionals;
  const mayReplace = input.switches.has('force');
  const places = await placesOfDaemon(input);
  const database = databasePath(name, places.root);
  const target = canonicalPath(resolve(file));
  checkTarget(target, database, places);
  if (existsSync(target) && !mayReplace) {
    throw new CommandError(exitCodes.failed, `${target} exists`, { hint: '--force replaces it' });
  }
  const sizeBytes = await copyToFile(database, target, mayReplace);
  printResult(
    input,
    { database, file: target, bytes: sizeBytes },
    `${database} is saved to ${target}, ${bytesText(sizeBytes)}\n`,
  );
  return exitCodes.ok;
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
