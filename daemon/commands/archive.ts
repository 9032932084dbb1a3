// The kept commits of all databases: how many, whether they are sound, and the end of old ones.
import type { ArchiveQuestion, ArchiveStatus, VerifyAnswer } from '../../fs/index.ts';
import { summaryOf } from '../archive/summary.ts';
import { archiveText } from '../cli/archive-text.ts';
import type { CommandInput } from '../cli/command.ts';
import { printResult } from '../cli/output.ts';
import { bytesText } from '../cli/status-text.ts';
import { showWaiting } from '../cli/waiting.ts';
import { type ExitCode, exitCodes, usageError } from '../errors.ts';
import { type Past, timeOf, withPast } from '../past/past.ts';
import { exportDatabase } from './export.ts';

type Act = (input: CommandInput, past: Past, database: string | undefined) => Promise<ExitCode>;

const actions = ['status', 'verify', 'prune', 'export'];

const acts: Readonly<Record<string, Act>> = { status, verify, prune };

export async function run(input: CommandInput): Promise<ExitCode> {
  const [what = '', name] = input.positionals;
  if (what === 'export') return await exportDatabase(input, name);
  const act = Object.hasOwn(acts, what) ? acts[what] : undefined;
  if (!act) throw usageError(`unknown action "${what}"`, `one of ${actions.join(', ')}`);
  return await withPast(input, (past) => act(input, past, name === undefined ? undefined : past.nameBelow(name)));
}

async function status(input: CommandInput, past: Past, database: string | undefined): Promise<ExitCode> {
  const all = await past.archive<ArchiveStatus>({ op: 'status' });
  const shown = { ...all, databases: all.databases.filter(({ name }) => database === undefined || name === database) };
  printResult(input, shown, archiveText(shown, summaryOf(shown)));
  return exitCodes.ok;
}

async function verify(input: CommandInput, past: Past, database: string | undefined): Promise<ExitCode> {
  const question: ArchiveQuestion = { op: 'verify', ...(database !== undefined && { database }) };
  const { commits, faults } = await showWaiting(process.stderr, 'reading all kept commits', () =>
    past.archive<VerifyAnswer>(question),
  );
  const lines = faults.map((fault) => `${fault}\n`).join('');
  printResult(input, { commits, faults }, faults.length === 0 ? `${commits} commits are sound\n` : lines);
  return faults.length === 0 ? exitCodes.ok : exitCodes.failed;
}

async function prune(input: CommandInput, past: Past, database: string | undefined): Promise<ExitCode> {
  const before = input.values.get('before');
  const question: ArchiveQuestion = {
    op: 'prune',
    ...(database !== undefined && { database }),
    ...(before !== undefined && { beforeMs: timeOf(before, '--before') }),
  };
  const { bytes: bytesBefore } = await past.archive<ArchiveStatus>({ op: 'status' });
  await showWaiting(process.stderr, 'removing old commits', () => past.archive(question));
  const { bytes } = await past.archive<ArchiveStatus>({ op: 'status' });
  const freedBytes = Math.max(0, bytesBefore - bytes);
  printResult(input, { freedBytes, bytes }, `${bytesText(freedBytes)} are free again, ${bytesText(bytes)} are kept\n`);
  return exitCodes.ok;
}
