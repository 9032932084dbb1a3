// The request that is being served. Requests are served one after the other, so at the moment of a SIGKILL at most one is half
// done; the kernel sends it again to the successor, and what is noted here keeps that from doing its work twice.
import type { Unique } from '../protocol/requests.ts';
import { statxOffset } from '../system/stat.ts';
import { operationPage } from './layout.ts';

const uniqueDouble = 0;
/** Words: how many lookups were counted for it, what it was about to do, and up to two inodes. */
const field = { counted: 2, intent: 3, first: 4, second: 8 } as const;
const inodeWords = 4;
const intents = ['none', 'make', 'replace', 'remove', 'rename'] as const;
type Intent = (typeof intents)[number];

export class CurrentOperation {
  readonly #words: Uint32Array;
  readonly #doubles: Float64Array;
  /** Lookups that the dead process has already counted for the request that is asked again. */
  #countedBefore = 0;
  #isRepeat = false;

  constructor(memory: ArrayBuffer) {
    this.#words = new Uint32Array(memory, operationPage.startByte, operationPage.slotBytes / 4);
    this.#doubles = new Float64Array(memory, operationPage.startByte, operationPage.slotBytes / 8);
  }

  begin(unique: Unique, isResent: boolean): void {
    this.#isRepeat = isResent && this.#doubles[uniqueDouble] === unique;
    if (this.#isRepeat) {
      this.#countedBefore = this.#words[field.counted] ?? 0;
      return;
    }
    this.#countedBefore = 0;
    // In this order: no unique with what belongs to another one.
    this.#doubles[uniqueDouble] = 0;
    this.#words[field.counted] = 0;
    this.#words[field.intent] = 0;
    this.#doubles[uniqueDouble] = unique;
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
    this.#words[field.counted] = (this.#words[field.counted] ?? 0) + 1;
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
    if (target === undefined) this.#words.fill(0, field.second, field.second + inodeWords);
    else this.#copyInode(target, field.second);
    this.#note('rename');
  }

  /** Whether the inode that was to be moved already has the new name. `stat` describes what has it. */
  hasRenamed(stat: Buffer): boolean {
    return this.isRenameRepeat && this.#isInode(stat, field.first) && !this.#isInode(stat, field.second);
  }

  get isRenameRepeat(): boolean {
    return this.#isRepeat && this.#intent === 'rename';
  }

  get #intent(): Intent {
    return intents[this.#words[field.intent] ?? 0] ?? 'none';
  }

  #note(intent: Intent): void {
    Atomics.store(this.#words, field.intent, intents.indexOf(intent)); // last: it says that the rest is there
  }

  #copyInode(stat: Buffer, to: number): void {
    for (let word = 0; word < inodeWords; word++) this.#words[to + word] = inodeWord(stat, word);
  }

  #isInode(stat: Buffer, at: number): boolean {
    for (let word = 0; word < inodeWords; word++) if (this.#words[at + word] !== inodeWord(stat, word)) return false;
    return true;
  }
}

function inodeWord(stat: Buffer, word: number): number {
  const { ino, devMajor, devMinor } = statxOffset;
  return stat.readUInt32LE([devMajor, devMinor, ino, ino + 4][word] ?? ino);
}
