// Checks a whole log against its hashes: every record, page number, page and text, and that no commit is missing. A
// fault is one line; the check goes on after it with what the records say.
import { readdirSync } from 'node:fs';
import { damagedRewinds } from '../past/rewinds.ts';
import { damagedBasePages } from './base.ts';
import { readIdentity } from './identity.ts';
import { damagedEnding, listLog, rewindsFile } from './log-files.ts';
import { OpenLog } from './open-log.ts';
import { LogDamage } from './segment.ts';
import { SegmentCheck } from './segment-check.ts';

export interface LogFaults {
  readonly commits: number;
  readonly faults: readonly string[];
}

/** Each fault without the name of the database. */
export async function verifyLog(folder: string): Promise<LogFaults> {
  const faults: string[] = [];
  for (const name of readdirSync(folder)) {
    if (name.endsWith(damagedEnding)) faults.push(`${name}: it was set aside when the log was opened; it is damaged`);
  }
  const rewinds = damagedRewinds(folder);
  if (rewinds > 0) faults.push(`${rewindsFile}: ${rewinds} lines are damaged`);
  let commits = 0;
  let log: OpenLog | undefined;
  try {
    readIdentity(folder);
    log = OpenLog.open(folder, (damage) => faults.push(damage.message));
    const check = new SegmentCheck(log, faults);
    for (const segment of log.segments) commits += await check.next(segment);
    await checkBase(log, faults);
  } catch (error) {
    if (!(error instanceof LogDamage)) throw error;
    faults.push(error.message);
  } finally {
    log?.close();
  }
  return { commits, faults: faults.map((fault) => fault.replaceAll(`${folder}/`, '')) };
}

async function checkBase(log: OpenLog, faults: string[]): Promise<void> {
  const { base, segments } = log;
  const [first] = segments;
  if (first === undefined) return;
  if (base === undefined) {
    if (first.first > 1 || listLog(log.folder).sums.size > 0) faults.push('the base is missing: no state can be had');
    return;
  }
  if (first.first > base.validFrom + 1) {
    faults.push(`commits ${base.validFrom + 1} to ${first.first - 1} are missing`);
  }
  // Not settled, or old commits are just going into it.
  if (
    base.bootId !== undefined ||
    base.isFolding ||
    listLog(log.folder).closed.some(({ last }) => last <= base.validFrom)
  )
    return;
  const pages = await damagedBasePages(log);
  if (pages === undefined) faults.push('the checksums of the base are missing');
  for (const page of pages ?? []) faults.push(`page ${page} of the base is not what was written`);
}
