// Puts a saved database back. An existing database is replaced in one transaction under SQLite's own locks: clients that
// have it open wait, then see the restored content; a crash in between leaves the old one.
import { linkSync, mkdtempSync, rmSync, statSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import type { CommandInput } from '../cli/command-table.ts';
import { CommandError, type ExitCode, exitCodes } from '../cli/errors.ts';
import { createProgressBar } from '../cli/progress-bar.ts';
import { bytesText } from '../cli/status-text.ts';
import { rootOfDaemon } from '../control/client.ts';
import { checkDatabase, copyDatabase, copyWithPageSize, pageBytesOf } from '../databases/copy.ts';
import { databasePath, filesOf } from '../databases/name.ts';

export async function run(input: CommandInput): Promise<ExitCode> {
  const [file = '', name = ''] = input.positionals;
  const saved = resolve(file);
  const database = databasePath(name, await rootOfDaemon(input));
  const found = statSync(database, { throwIfNoEntry: false });
  if (found && !input.switches.has('force')) {
    throw new CommandError(exitCodes.failed, `${database} exists`, { hint: '--force replaces what it holds' });
  }
  checkDatabase(saved);
  const sizeBytes = found?.size
    ? await replaceContent(saved, database)
    : await createFrom(saved, database, found !== undefined);
  process.stdout.write(`${database} holds what was saved in ${saved}, ${bytesText(sizeBytes)}\n`);
  return exitCodes.ok;
}

/** SQLite writes pages of one size into a WAL database that is in use: the saved one is converted first where it differs. */
async function replaceContent(saved: string, database: string): Promise<number> {
  const pageBytes = pageBytesOf(database);
  if (pageBytesOf(saved) === pageBytes) return await copyWithBar(saved, database);
  const folder = mkdtempSync(`${saved}.converted-`);
  try {
    const converted = join(folder, basename(saved));
    copyWithPageSize(saved, converted, pageBytes);
    return await copyWithBar(converted, database);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** The database has its name only once it is complete; one that appears meanwhile is left alone. */
async function createFrom(saved: string, database: string, hasEmptyFile: boolean): Promise<number> {
  const unfinished = join(dirname(database), `.${basename(database)}.restored-${process.pid}`);
  try {
    const sizeBytes = await copyWithBar(saved, unfinished);
    if (hasEmptyFile) rmSync(database);
    linkSync(unfinished, database);
    return sizeBytes;
  } finally {
    for (const file of filesOf(unfinished)) rmSync(file, { force: true });
  }
}

async function copyWithBar(from: string, to: string): Promise<number> {
  const bar = createProgressBar(process.stderr);
  try {
    return await copyDatabase({ from, to, onProgress: bar.show });
  } finally {
    bar.end();
  }
}
