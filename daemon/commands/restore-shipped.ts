// Puts databases back that were shipped elsewhere, on any machine: no daemon needs to run. A file has its name only
// once it is complete and checked; one that is in use gets the content in one transaction.
import { type Stats, statSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { loadShipping } from '../../fs/index.ts';
import type { CommandInput } from '../cli/command.ts';
import { printResult, wantsJson } from '../cli/output.ts';
import { createProgressBar } from '../cli/progress-bar.ts';
import { bytesText } from '../cli/status-text.ts';
import { tableText } from '../cli/table-text.ts';
import { showWaiting } from '../cli/waiting.ts';
import { placesOfDaemon } from '../control/client.ts';
import { checkDatabase } from '../databases/copy.ts';
import { withExtension } from '../databases/name.ts';
import { createUnfinishedFile, removeUnfinishedFile, takeAccessOf } from '../databases/unfinished-file.ts';
import { CommandError, type ExitCode, exitCodes, messageOf, usageError } from '../errors.ts';
import { createDirectory } from '../instance/paths.ts';
import { timeOf } from '../past/past.ts';
import { finishNew, replaceContent } from './put-database.ts';

type Shipping = Awaited<ReturnType<typeof loadShipping>>;
type Store = ReturnType<Shipping['openStore']>;
type Plan = Awaited<ReturnType<Shipping['planRestore']>>;

interface Wanted {
  /** As the store has it. */
  readonly name: string;
  readonly target: string;
}

export async function restoreShipped(input: CommandInput, from: string): Promise<ExitCode> {
  const { positionals, switches, values } = input;
  const at = values.get('at');
  const atMs = at === undefined ? undefined : timeOf(at, '--at');
  const shipping = await loadShipping();
  return await telling(async () => {
    const store = shipping.openStore(placeOf(from));
    const isAll = switches.has('all');
    if (!isAll && positionals.length === 0) return await list(input, shipping, store);
    const names = isAll ? await namesIn(shipping, store) : [await nameIn(shipping, store, positionals[0] ?? '')];
    const wanted = await targetsOf(input, names, isAll ? positionals[0] : positionals[1], isAll);
    checkTargets(wanted, switches.has('force'));
    const restored: object[] = [];
    for (const one of wanted) {
      const plan = await shipping.planRestore(store, one.name, atMs);
      const bytes = await restoreOne(shipping, store, plan, one.target);
      const time = new Date(plan.timeMs).toISOString();
      restored.push({ name: one.name, file: one.target, time, txid: plan.txid, bytes });
      if (!wantsJson(input)) {
        process.stdout.write(`${one.target} holds what ${one.name} held at ${time}, ${bytesText(bytes)}\n`);
      }
    }
    printResult(input, { from: store.url, databases: restored }, '');
    return exitCodes.ok;
  });
}

/** A folder may be named as such. */
export function placeOf(text: string): string {
  return /^[a-z][a-z0-9+.-]*:/i.test(text) ? text : resolve(text);
}

/** Errors of stores and files name what to do. */
export async function telling<Result>(work: () => Promise<Result>): Promise<Result> {
  try {
    return await work();
  } catch (cause) {
    if (cause instanceof CommandError) throw cause;
    throw new CommandError(exitCodes.failed, messageOf(cause), { cause });
  }
}

async function list(input: CommandInput, shipping: Shipping, store: Store): Promise<ExitCode> {
  const databases = await showWaiting(process.stderr, `looking at ${store.url}`, () => shipping.listStore(store));
  const rows = databases.map(({ name, files, bytes, writtenMs }) => [
    name,
    new Date(writtenMs).toISOString(),
    String(files),
    bytesText(bytes),
  ]);
  const text = rows.length === 0 ? `nothing was shipped to ${store.url}\n` : tableText(heads, rows, ['FILES', 'SIZE']);
  printResult(input, { from: store.url, databases }, text);
  return exitCodes.ok;
}

const heads = ['NAME', 'NEWEST FILE', 'FILES', 'SIZE'];

async function namesIn(shipping: Shipping, store: Store): Promise<string[]> {
  const found = await showWaiting(process.stderr, `looking at ${store.url}`, () => shipping.listStore(store));
  if (found.length > 0) return found.map(({ name }) => name);
  throw new CommandError(exitCodes.failed, `nothing was shipped to ${store.url}`);
}

/** `app` is app.db, as everywhere. */
async function nameIn(shipping: Shipping, store: Store, text: string): Promise<string> {
  const name = text.replace(/^\/+/, '');
  for (const candidate of new Set([name, withExtension(name)])) {
    if (await shipping.isStored(store, candidate)) return candidate;
  }
  throw new CommandError(exitCodes.failed, `${store.url} has no database ${text}`, {
    hint: 'hoody-sqlite restore --from URL lists what is there',
  });
}

async function targetsOf(
  input: CommandInput,
  names: readonly string[],
  target: string | undefined,
  isAll: boolean,
): Promise<Wanted[]> {
  if (!isAll && target !== undefined && !isFolder(target)) {
    return names.map((name) => ({ name, target: resolve(target) }));
  }
  const folder = target === undefined ? await rootOfDaemon(input) : resolve(target);
  return names.map((name) => ({ name, target: join(folder, isAll || target === undefined ? name : basename(name)) }));
}

function isFolder(path: string): boolean {
  return path.endsWith('/') || (statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false);
}

async function rootOfDaemon(input: CommandInput): Promise<string> {
  try {
    return (await placesOfDaemon(input)).root;
  } catch (error) {
    if (!(error instanceof CommandError) || error.exitCode !== exitCodes.noDaemon) throw error;
    throw usageError('no daemon runs whose database could be meant', 'name a file or a folder after the database');
  }
}

/** Before anything is written. */
function checkTargets(wanted: readonly Wanted[], mayReplace: boolean): void {
  for (const { target } of wanted) {
    const found = statSync(target, { throwIfNoEntry: false });
    if (found?.isDirectory()) throw new CommandError(exitCodes.failed, `${target} is a folder`);
    if (found && found.size > 0 && !mayReplace) {
      throw new CommandError(exitCodes.failed, `${target} exists`, { hint: '--force replaces what it holds' });
    }
  }
}

async function restoreOne(shipping: Shipping, store: Store, plan: Plan, target: string): Promise<number> {
  createDirectory(dirname(target), 0o755);
  const unfinished = createUnfinishedFile(target);
  try {
    const bytes = await withBar((show) => shipping.restoreTo(store, plan, unfinished, show));
    checkDatabase(unfinished, { isSaved: false });
    const found = statSync(target, { throwIfNoEntry: false });
    if (found?.size) {
      await replaceContent(unfinished, target, () => dirname(target));
      return bytes;
    }
    takeAccessOf(unfinished, found ?? accessIn(dirname(target)));
    finishNew(unfinished, target, found !== undefined);
    return bytes;
  } finally {
    removeUnfinishedFile(unfinished);
  }
}

/** Who may write the folder may write the database. */
function accessIn(folder: string): Pick<Stats, 'uid' | 'gid' | 'mode'> {
  const { uid, gid, mode } = statSync(folder);
  return { uid, gid, mode: mode & 0o666 };
}

async function withBar<Result>(
  work: (show: (progress: { readonly doneBytes: number; readonly totalBytes: number }) => void) => Promise<Result>,
): Promise<Result> {
  const bar = createProgressBar(process.stderr);
  try {
    return await work(bar.show);
  } finally {
    bar.end();
  }
}
