// The request that is being served. Requests are served one after the other, so at the moment of a SIGKILL at most one
// is half done; the kernel sends it again to the successor, and what is noted here keeps that from doing its work
// twice. A request that a process has died in keeps its record until it comes again, whatever is served before it, and
// is known by the number of its deaths.
import type { Unique } from '../protocol/requests.ts';
import { statxOffset } from '../system/stat.ts';
import { operationPage } from './layout.ts';

/**
 * Words of a record: how many lookups were counted for it, what it was about to do, up to two inodes, and how it went.
 */
const field = { counted: 2, intent: 3, first: 4, second: 8, isServed: 12, deaths: 13, opcode: 14 } as const;
const inodeWords = 4;
const recordWords = 32;
const intents = ['none', 'make', 'replace', 'remove', 'rename'] as const;
type Intent = (typeof intents)[number];

/** The request in which the process before this one died. */
export interface Interrupted {
  readonly unique: Unique;
  /** The kernel's number of its operation. */
  readonly opcode: number;
  /** How many processes have died in it. */
  readonly deaths: number;
}

export class CurrentOperation {
  readonly interrupted: Interrupted | undefined;
  readonly #words: Uint32Array;
  readonly #doubles: Float64Array;
  /** Where the record of the request begins, in words. */
  #at = 0;
  /** Lookups that the dead process has already counted for the request that is asked again. */
  #countedBefore = 0;
  #isRepeat = false;

  /** To be made once in a process: what was being served when the one before it ended counts as the cause. */
  constructor(memory: ArrayBuffer) {
    this.#words = new Uint32Array(memory, operationPage.startByte, operationPage.slotBytes / 4);
    this.#doubles = new Float64Array(memory, operationPage.startByte, operationPage.slotBytes / 8);
    for (let at = 0; at < this.#words.length; at += recordWords) {
      if (this.#words[at + field.isServed] === 0) continue;
      const deaths = (this.#words[at + field.deaths] ?? 0) + 1;
      this.#words[at + field.deaths] = deaths;
      Atomics.store(this.#words, at + field.isServed, 0);
      this.interrupted = { unique: this.#uniqueOf(at), opcode: this.#words[at + field.opcode] ?? 0, deaths };
    }
  }

  /** Returns how many processes have died in this request. */
  begin(unique: Unique, isResent: boolean, opcode: number): number {
    const known = isResent ? this.#find(unique) : undefined;
    this.#isRepeat = known !== undefined;
    this.#at = known ?? (this.#words[this.#at + field.deaths] === 0 ? this.#at : this.#freeRecord());
    const at = this.#at;
    if (known === undefined) {
      // In this order: no unique with what belongs to another one.
      this.#doubles[at / 2] = 0;
      this.#words[at + field.counted] = 0;
      this.#words[at + field.intent] = 0;
      this.#words[at + field.deaths] = 0;
      this.#words[at + field.opcode] = opcode;
      this.#doubles[at / 2] = unique;
    }
    this.#countedBefore = known === undefined ? 0 : (this.#words[at + field.counted] ?? 0);
    Atomics.store(this.#words, at + field.isServed, 1);
    return this.#words[at + field.deaths] ?? 0;
  }

  /** It was answered, or goes on elsewhere: no death is its doing any more. */
  end(): void {
    Atomics.store(this.#words, this.#at + field.isServed, 0);
    this.#words[this.#at + field.deaths] = 0;
  }

  /** What the kernel has not sent again by now is not asked for any more. */
  forgetInterrupted(): void {
    for (let at = 0; at < this.#words.length; at += recordWords) this.#words[at + field.deaths] = 0;
  }

  /** Whether the next lookup in the answer still has to be counted. */
  countsLookup(): boolean {
    if (this.#countedBefore > 0) {
      this.#countedBefore -= 1;
      return false;
    }
    return true;
  }

  /** One more lookup has been counted. */
  counted(): void {
    const at = this.#at + field.counted;
    this.#words[at] = (this.#words[at] ?? 0) + 1;
  }

  /** Before a name is made. A request asked again keeps what was noted at first. */
  intendToMake(nameExists: boolean): void {
    if (!this.#isRepeat || this.#intent === 'none') this.#note(nameExists ? 'replace' : 'make');
  }

  /** The name was absent when the dead process began: if it is there now, that process has made it. */
  get hasMade(): boolean {
    return this.#isRepeat && this.#intent === 'make';
  }

  /** Before a name is removed; `stat` describes its inode. */
  intendToRemove(stat: Buffer): void {
    this.#copyInode(stat, field.first);
    this.#note('remove');
  }

  /** The name was there when the dead process began to remove it. */
  get hasRemoved(): boolean {
    return this.#isRepeat && this.#intent === 'remove';
  }

  /** Before a rename: the inode that is moved, and the one that has the new name (undefined: nobody). */
  intendToRename(moved: Buffer, target: Buffer | undefined): void {
    this.#copyInode(moved, field.first);
    if (target === undefined) this.#words.fill(0, this.#at + field.second, this.#at + field.second + inodeWords);
    else this.#copyInode(target, field.second);
    this.#note('rename');
  }

  /** Whether the inode that was to be moved already has the new name. `stat` describes what has it. */
  hasRenamed(stat: Buffer): boolean {
    return this.isRenameRepeat && this.#isInode(stat, field.first) && !this.#isInode(stat, field.second);
  }

  /** The file that had the new name when the rename was noted, as inodeKey names it; undefined: nobody. */
  get replaced(): string | undefined {
    const at = this.#at + field.second;
    const [major, minor, lower, upper] = this.#words.subarray(at, at + inodeWords);
    return lower === 0 && upper === 0 ? undefined : `${major}:${minor}:${upper}:${lower}`;
  }

  get isRenameRepeat(): boolean {
    return this.#isRepeat && this.#intent === 'rename';
  }

  #uniqueOf(at: number): Unique {
    return (this.#doubles[at / 2] ?? 0) as Unique;
  }

  #find(unique: Unique): number | undefined {
    for (let at = 0; at < this.#words.length; at += recordWords) if (this.#uniqueOf(at) === unique) return at;
    return undefined;
  }

  /** One without a death; where there is none, the one whose request was asked first. */
  #freeRecord(): number {
    let oldest = 0;
    for (let at = 0; at < this.#words.length; at += recordWords) {
      if (this.#words[at + field.deaths] === 0) return at;
      if (this.#uniqueOf(at) < this.#uniqueOf(oldest)) oldest = at;
    }
    return oldest;
  }

  get #intent(): Intent {
    return intents[this.#words[this.#at + field.intent] ?? 0] ?? 'none';
  }

  #note(intent: Intent): void {
    // Last: it says that the rest is there.
    Atomics.store(this.#words, this.#at + field.intent, intents.indexOf(intent));
  }

  #copyInode(stat: Buffer, to: number): void {
    for (let word = 0; word < inodeWords; word++) this.#words[this.#at + to + word] = inodeWord(stat, word);
  }

  #isInode(stat: Buffer, at: number): boolean {
    for (let word = 0; word < inodeWords; word++) {
      if (this.#words[this.#at + at + word] !== inodeWord(stat, word)) return false;
    }
    return true;
  }
}

function inodeWord(stat: Buffer, word: number): number {
  const { ino, devMajor, devMinor } = statxOffset;
  return stat.readUInt32LE([devMajor, devMinor, ino, ino + 4][word] ?? ino);
}
