// Saves databases while they are in use: one to a file or to stdout, or all of them to a folder.
import { resolve } from 'node:path';
import type { CommandInput } from '../cli/command.ts';
import { printResult, wantsJson } from '../cli/output.ts';
import { createProgressBar } from '../cli/progress-bar.ts';
import { bytesText } from '../cli/status-text.ts';
import { placesOfDaemon } from '../control/client.ts';
import { copyToOutput } from '../databases/copy-to-output.ts';
import { databasePath } from '../databases/name.ts';
import { type ExitCode, exitCodes, usageError } from '../errors.ts';
import { canonicalPath } from '../instance/paths.ts';
import { backupAll } from './backup-all.ts';
import { saveToFile } from './backup-file.ts';

export async function run(input: CommandInput): Promise<ExitCode> {
  if (input.switches.has('all')) return await backupAll(input);
  const [name = '', file = ''] = input.positionals;
  if (file === '-') return await backupToOutput(input, name);
  const places = await placesOfDaemon(input);
  const database = databasePath(name, places.root);
  const target = canonicalPath(resolve(file));
  const sizeBytes = await saveToFile({ database, target, mayReplace: input.switches.has('force') }, places);
  printResult(
    input,
    { database, file: target, bytes: sizeBytes },
    `${database} is saved to ${target}, ${bytesText(sizeBytes)}\n`,
  );
  return exitCodes.ok;
}

/** Nothing but the copy goes to stdout: --json prints on stderr here. */
async function backupToOutput(input: CommandInput, name: string): Promise<ExitCode> {
  if (process.stdout.isTTY) throw usageError('a database cannot be shown on a terminal', 'add >FILE or | PROGRAM');
  const database = databasePath(name, (await placesOfDaemon(input)).root);
  const bar = createProgressBar(process.stderr);
  try {
    const sizeBytes = await copyToOutput(database, bar.show);
    if (wantsJson(input)) process.stderr.write(`${JSON.stringify({ database, file: null, bytes: sizeBytes })}\n`);
  } finally {
    bar.end();
  }
  return exitCodes.ok;
}
