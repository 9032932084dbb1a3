// The part of the kept state that the fs process and the archive process share. The fs process records commits and
// heeds the positions; the archive process reads the one and publishes the other.
import { mapMemoryFile } from '../system/memory.ts';
import { secondsSinceBoot } from '../system/threads.ts';
import { CaptureRing } from './capture-ring.ts';
import { CommitSlots } from './commit-slots.ts';
import { headerWord, stateBytes } from './layout.ts';
import { PositionSlots } from './position-slots.ts';
import { WriterSlots } from './writer-slots.ts';

/** An archive process that was not seen for so long keeps nobody from anything. */
const longestSilenceS = 60;

export class ArchiveMemory {
  readonly commits: CommitSlots;
  readonly writers: WriterSlots;
  readonly positions: PositionSlots;
  readonly capture: CaptureRing;
  readonly #words: Uint32Array;

  constructor(memory: ArrayBuffer) {
    this.#words = new Uint32Array(memory, 0, 64);
    this.commits = new CommitSlots(memory);
    this.writers = new WriterSlots(memory);
    this.positions = new PositionSlots(memory);
    this.capture = new CaptureRing(memory);
  }

  /** Commits are recorded. */
  get isActive(): boolean {
    return this.#words[headerWord.archiving] === 1;
  }

  set isActive(active: boolean) {
    this.#words[headerWord.archiving] = Number(active);
  }

  /** The archive process lives. */
  beat(): void {
    Atomics.store(this.#words, headerWord.archiveBeatS, secondsSinceBoot());
  }

  get isHeeded(): boolean {
    const beatS = Atomics.load(this.#words, headerWord.archiveBeatS);
    return beatS !== 0 && secondsSinceBoot() - beatS <= longestSilenceS;
  }
}

/** For the archive process, which inherits the descriptor of the kept state's memory. */
export function mapArchiveMemory(memoryFd: number): ArchiveMemory {
  return new ArchiveMemory(mapMemoryFile(memoryFd, stateBytes));
}
