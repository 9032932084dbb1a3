// Copies a database to a file while it is in use: what it held at one moment, complete and consistent. Goes through the
// mount like any client.
import { closeSync, existsSync, fsyncSync, openSync, renameSync, rmSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import type { CommandInput } from '../cli/command-table.ts';
import { CommandError, type ExitCode, exitCodes } from '../cli/errors.ts';
import { createProgressBar } from '../cli/progress-bar.ts';
import { bytesText } from '../cli/status-text.ts';
import { rootOfDaemon } from '../control/client.ts';
import { copyDatabase } from '../databases/copy.ts';
import { databasePath, filesOf } from '../databases/name.ts';

export async function run(input: CommandInput): Promise<ExitCode> {
  const [name = '', file = ''] = input.positionals;
  const target = resolve(file);
  if (existsSync(target) && !input.switches.has('force')) {
    throw new CommandError(exitCodes.failed, `${target} exists`, { hint: '--force replaces it' });
  }
  const database = databasePath(name, await rootOfDaemon(input));
  const sizeBytes = await copyToNewFile(database, target);
  process.stdout.write(`${database} is saved to ${target}, ${bytesText(sizeBytes)}\n`);
  return exitCodes.ok;
}

/** The file has its name only once it is complete and on the disk. */
async function copyToNewFile(database: string, target: string): Promise<number> {
  const unfinished = `${target}.unfinished`;
  rmSync(unfinished, { force: true });
  const bar = createProgressBar(process.stderr);
  try {
    const sizeBytes = await copyDatabase({ from: database, to: unfinished, onProgress: bar.show });
    renameSync(unfinished, target);
    syncDirectory(dirname(target));
    return sizeBytes;
  } finally {
    bar.end();
    for (const file of filesOf(unfinished)) rmSync(file, { force: true });
  }
}

function syncDirectory(path: string): void {
  const fd = openSync(path, 'r');
  fsyncSync(fd);
  closeSync(fd);
}
