// Checks segments against their hashes: every record, page number, page and text, and that no commit is missing. A
// fault is one line; the check goes on after it with what the records say.
import { setImmediate } from 'node:timers/promises';
import { Pieces } from '../pieces.ts';
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
import type { OpenLog } from './open-log.ts';
import { bytesOfNumbers, LogDamage, type Segment } from './segment.ts';
import { textsOf } from './texts.ts';

/**
 * Before segments are written anew: what vouches for the new form must not be made of what is damaged in the old one.
 * @throws LogDamage
 */
export async function expectIntact(log: OpenLog, segments: readonly Segment[]): Promise<void> {
  const faults: string[] = [];
  const check = new SegmentCheck(log, faults, segments[0]);
  for (const segment of segments) await check.next(segment);
  if (faults.length > 0) throw new LogDamage(`${faults[0]}; it is kept as it is`);
}

/** Of segments that follow each other. */
export class SegmentCheck {
  readonly #faults: string[];
  readonly #pieces = new Pieces();
  #before: { readonly number: number; readonly hash: Buffer } | undefined;

  constructor(log: OpenLog, faults: string[], first = log.segments[0]) {
    this.#faults = faults;
    if (first?.first === 1) this.#before = { number: 0, hash: firstHash(log.identity.incarnation) };
  }

  /** @returns how many commits it has */
  async next(segment: Segment): Promise<number> {
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
