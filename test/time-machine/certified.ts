// Several programs write a database at once, each state certified inside itself; then every archived state is judged.

import { join } from 'node:path';
import { expect } from 'vitest';
import type { HistoryEntry } from '../../fs/archive/messages.ts';
import type { Daemon } from '../helpers/daemon.ts';
import { type Started, start } from '../helpers/process.ts';
import { Archived, certifiedWriter, type Verdict } from './archived.ts';

export interface Judged {
  readonly entries: readonly HistoryEntry[];
  readonly verdicts: readonly Verdict[];
}

export interface WritingOptions {
  /** Journal modes to choose from; none: as it is. */
  readonly modes?: readonly string[];
  /** Whoever writes now, to be killed. */
  readonly running?: Set<Started>;
  /** Default: app.db. */
  readonly database?: string;
}

/** So many transactions, by one program after the other: one that is killed is followed by the next. */
export async function writeCertified(
  { mount }: Daemon,
  seed: number,
  transactions: number,
  { modes = [], running = new Set(), database = 'app.db' }: WritingOptions = {},
): Promise<void> {
  let done = 0;
  for (let round = 0; done < transactions; round++) {
    const args = [certifiedWriter, join(mount, database), `${seed * 1000 + round}`, `${transactions - done}`];
    const writer = start('python3', [...args, '0', ...(modes.length > 0 ? [modes.join(',')] : [])]);
    running.add(writer);
    const { stdout, stderr } = await writer.finished;
    running.delete(writer);
    expect(stderr).toBe('');
    done += stdout.split('\n').length - 1;
  }
}

export async function judged(daemon: Daemon, database = 'app.db'): Promise<Judged> {
  const archived = await Archived.of(daemon);
  try {
    const entries = await archived.history(database);
    const bookmarks = entries.map(({ bookmark }) => bookmark);
    return { entries, verdicts: await archived.judge(database, bookmarks) };
  } finally {
    archived.close();
  }
}

/**
 * No state but those that the writers certified, none left out but where a gap is told, up to the `last` one.
 * @returns how many are named
 */
export function expectStatesThatExisted({ entries, verdicts }: Judged, last: number): number {
  let before = 0;
  let named = 0;
  for (const [index, verdict] of verdicts.entries()) {
    const entry = entries[index];
    const what = `commit ${entry?.number} (${entry?.kind}${entry?.reason ? `: ${entry.reason}` : ''})`;
    expect([what, verdict.whole, verdict.isCertified]).toEqual([what, 'ok', true]);
    const number = verdict.number ?? 0;
    const isGap = index === 0 || entry?.kind === 'resync';
    // Some commits certify nothing: VACUUM, and a table that is made for a rollback.
    expect([what, isGap ? number >= before : number === before || number === before + 1]).toEqual([what, true]);
    if (number === before + 1 && entry?.writer && !isGap) {
      named++;
      expect([what, entry.writer.pid]).toEqual([what, verdict.pid]);
    }
    before = number;
  }
  expect(before).toBe(last);
  return named;
}
