// Checks a whole log against its hashes: every record, page number, page and text, and that no commit is missing. A
// fault is one line; the check goes on after it with what the records say.
import { readdirSync } from 'node:fs';
import { setImmediate } from 'node:timers/promises';
import { damagedRewinds } from '../past/rewinds.ts';
import { Pieces } from '../pieces.ts';
import { damagedBasePages } from './base.ts';
import {
  beginHash,
  beginSeal,
  decodeRecord,
  endHash,
  firstHash,
  isIntact,
  numberOf,
  RECORD_BYTES,
} from './commit-record.ts';
import { readIdentity } from './identity.ts';
import { damagedEnding, listLog, rewindsFile } from './log-files.ts';
import { OpenLog } from './open-log.ts';
import { bytesOfNumbers, LogDamage, type Segment } from './segment.ts';
import { textsOf } from './texts.ts';

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
    const chain = new Chain(log, faults);
    for (const segment of log.segments) commits += await chain.check(segment);
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
  if (base.bootId !== undefined || listLog(log.folder).closed.some(({ last }) => last <= base.validFrom)) return;
  const pages = await damagedBasePages(log);
  if (pages === undefined) faults.push('the checksums of the base are missing');
  for (const page of pages ?? []) faults.push(`page ${page} of the base is not what was written`);
}

class Chain {
  readonly #faults: string[];
  readonly #pieces = new Pieces();
  #before: { readonly number: number; readonly hash: Buffer } | undefined;

  constructor(log: OpenLog, faults: string[]) {
    this.#faults = faults;
    if (log.segments[0]?.first === 1) this.#before = { number: 0, hash: firstHash(log.identity.incarnation) };
  }

  async check(segment: Segment): Promise<number> {
    const before = this.#before;
    if (before !== undefined && segment.first !== before.number + 1) {
      this.#faults.push(`commits ${before.number + 1} to ${segment.first - 1} are missing`);
    } else if (before !== undefined && !segment.chainBefore.equals(before.hash)) {
      this.#faults.push(`commit ${segment.first}: it does not follow the commit before it`);
    }
    try {
      await this.#checkRecords(segment);
    } catch (error) {
      if (!(error instanceof LogDamage)) throw error;
      this.#faults.push(`commits ${segment.first} to ${segment.last}: ${error.message}`);
    }
    this.#before = { number: segment.last, hash: lastHash(segment) };
    await setImmediate();
    return segment.commits;
  }

  async #checkRecords(segment: Segment): Promise<void> {
    const [records, numbers, texts] = [segment.records(), segment.numbers(), segment.texts()];
    let [hash, seal, number] = [segment.chainBefore, segment.chainBefore, segment.first - 1];
    for (let index = 0; index < segment.commits; index++) {
      const bytes = records.subarray(index * RECORD_BYTES, (index + 1) * RECORD_BYTES);
      const record = decodeRecord(bytes, 0);
      const follows = segment.isThinned ? record.number > number : record.number === number + 1;
      const isWhole = isIntact(bytes, 0) && (segment.isThinned || record.seal.every((byte) => byte === 0));
      if (!isWhole) this.#faults.push(`commit ${number + 1}: its record is damaged`);
      else if (!follows) this.#faults.push(`commit ${record.number} stands where commit ${number + 1} belongs`);
      else if (record.firstPage + record.pages > numbers.length) {
        this.#faults.push(`commit ${record.number}: its pages are missing`);
      } else {
        const own = bytesOfNumbers(numbers.subarray(record.firstPage, record.firstPage + record.pages));
        const digest = segment.isThinned ? beginSeal(seal, bytes, own) : beginHash(hash, bytes, own);
        const content = Buffer.alloc(segment.pageBytes);
        for (let page = record.firstPage; page < record.firstPage + record.pages; page++) {
          segment.readPage(page, content, 0);
          digest.update(content);
          await this.#pieces.next();
        }
        const found = endHash(digest, textsOf(record, texts));
        if (!found.equals(segment.isThinned ? record.seal : record.hash)) {
          this.#faults.push(
            `commit ${record.number}: its content is not what was recorded, or a commit is missing before`,
          );
        }
      }
      [hash, seal, number] = [record.hash, record.seal, isIntact(bytes, 0) ? record.number : number + 1];
    }
    if (number !== segment.last) this.#faults.push(`commits ${number + 1} to ${segment.last} are missing`);
  }
}

function lastHash(segment: Segment): Buffer {
  try {
    const records = segment.records();
    if (numberOf(records, segment.commits - 1) > 0) return Buffer.from(decodeRecord(records, segment.commits - 1).hash);
  } catch (error) {
    if (!(error instanceof LogDamage)) throw error;
  }
  return segment.chainAfter ?? Buffer.alloc(0);
}
