// Writes all kept commits of a database to a folder or a bucket, as files that Litestream can read. It reads the
// archive itself, so it needs no daemon; one that runs is asked to read the newest commits first.
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { loadShipping } from '../../fs/index.ts';
import type { CommandInput } from '../cli/command.ts';
import { printResult } from '../cli/output.ts';
import { createProgressBar } from '../cli/progress-bar.ts';
import { bytesText } from '../cli/status-text.ts';
import { withExtension } from '../databases/name.ts';
import { CommandError, type ExitCode, exitCodes, usageError } from '../errors.ts';
import { withPast } from '../past/past.ts';
import type { DaemonStatus } from '../supervisor/status.ts';
import { placeOf, telling } from './restore-shipped.ts';

export async function exportDatabase(input: CommandInput, name: string | undefined): Promise<ExitCode> {
  const to = input.values.get('to');
  if (name === undefined || to === undefined) {
    throw usageError('export needs a database and a place', 'hoody-sqlite archive export NAME --to URL');
  }
  const running = await settled(input, name);
  const database = running?.database ?? relative('/', withExtension(join('/', name)));
  const archiveDir = join(stateDirOf(input, running), 'archive');
  if (!existsSync(archiveDir)) {
    throw new CommandError(exitCodes.failed, `there is no archive in ${archiveDir}`, {
      hint: 'name the state directory of the daemon with --state-dir',
    });
  }
  const shipping = await loadShipping();
  return await telling(async () => {
    const store = shipping.openStore(placeOf(to));
    const workDir = mkdtempSync(join(tmpdir(), 'hoody-sqlite-export-'));
    const bar = createProgressBar(process.stderr);
    try {
      const exported = await shipping.exportCommits({ archiveDir, database, store, workDir, onProgress: bar.show });
      const { commits, files, bytes, fromMs, toMs } = exported;
      const [from, until] = [new Date(fromMs).toISOString(), new Date(toMs).toISOString()];
      const text = `${commits} commits of ${database}, ${from} to ${until}, are ${files} files in ${store.url}, ${bytesText(bytes)}\n`;
      printResult(input, { database, to: store.url, commits, files, bytes, from, until }, text);
      return exitCodes.ok;
    } finally {
      bar.end();
      rmSync(workDir, { recursive: true, force: true });
    }
  });
}

interface Settled {
  /** The name of the database. */
  readonly database: string;
  /** Of the daemon. */
  readonly stateDir: string;
}

/** The newest commits are in the archive. undefined where no daemon runs. */
async function settled(input: CommandInput, name: string): Promise<Settled | undefined> {
  try {
    return await withPast(input, async (past, daemon) => {
      const database = past.nameBelow(name);
      await past.archive({ op: 'settle', database });
      return { database, stateDir: ((await daemon.ask('status')) as DaemonStatus).stateDir };
    });
  } catch (error) {
    if (error instanceof CommandError && error.exitCode === exitCodes.noDaemon) return undefined;
    throw error;
  }
}

/** A directory that is named may be that of another daemon, as one that has ended. */
function stateDirOf({ settings, named }: CommandInput, running: Settled | undefined): string {
  return named.has('stateDir') ? settings.stateDir : (running?.stateDir ?? settings.stateDir);
}
