// What the archive process and the fs process tell each other in the memory that they share: the one reads the records
// of commits and publishes how far it has read, the other writes the records and heeds the positions.
import type { ArchiveMemory } from '../state/archive-memory.ts';
import type { CommitRecord as KeptRecord, MainStamp as KeptStamp } from '../state/commit-slots.ts';
import type { FileKey } from '../state/position-slots.ts';
import type { KnownWriter } from '../state/writer-slots.ts';
import type { Records } from './archive-parts.ts';
import { CaptureStream } from './capture/capture-stream.ts';
import type { DatabaseId, WalPosition } from './commit.ts';
import { deviceOf, fileKeyOf } from './device.ts';
import type { CommitRecord, MainStamp } from './tail/evidence.ts';

const recordsAtOnce = 4096;

export class MountRecords implements Records {
  readonly #memory: ArchiveMemory;
  #readUpTo = 0;
  /** Most commits have the writer, and the database, of the one before. */
  #writer: { readonly number: number; readonly found: KnownWriter | null } | undefined;
  #file: FileKey | undefined;
  #id = { inode: '', device: '' };

  readonly capture: CaptureStream | undefined;

  /** `hasCapture`: the fs process captures what programs write to databases with a rollback journal. */
  constructor(memory: ArchiveMemory, hasCapture: boolean) {
    this.#memory = memory;
    this.capture = hasCapture
      ? new CaptureStream({
          ring: memory.capture,
          writerOf: (number) => memory.writers.find(number),
          publishedOf: (id) => memory.positions.find(fileKeyOf(id)),
        })
      : undefined;
  }

  isRecording(): boolean {
    return this.#memory.isActive;
  }

  beat(): void {
    this.#memory.beat();
  }

  read(): { readonly records: readonly CommitRecord[]; readonly isComplete: boolean } {
    const found: CommitRecord[] = [];
    let lost = 0;
    while (this.#readUpTo < this.#memory.commits.newest) {
      const read = this.#memory.commits.readAfter(this.#readUpTo, recordsAtOnce);
      lost += read.lost;
      for (const record of read.records) found.push(this.#recordOf(record));
      this.#readUpTo += read.lost + read.records.length;
      if (read.lost + read.records.length === 0) break;
    }
    return { records: found, isComplete: lost === 0 };
  }

  publish(id: DatabaseId, { salt1, salt2, frames }: WalPosition, isArchived: boolean): void {
    this.#memory.positions.publish(fileKeyOf(id), { salt1, salt2, frames, isArchived });
  }

  #recordOf(kept: KeptRecord): CommitRecord {
    const { number, timeMs, salt1, salt2, lastFrame, fsPid, walFd, shmFd, isNext, isClosing } = kept;
    const writer = () => this.#writerOf(kept.writer);
    const { inode, device } = this.#idOf(kept);
    const main = mainOf(kept.main);
    const ofLog = { salt1, salt2, lastFrame, fsPid, walFd, shmFd };
    return { number, timeMs, inode, device, ...ofLog, isNext, isClosing, main, writer };
  }

  #idOf({ inode, deviceMajor, deviceMinor }: FileKey): { readonly inode: string; readonly device: string } {
    const file = this.#file;
    const isSame = file?.inode === inode && file.deviceMajor === deviceMajor && file.deviceMinor === deviceMinor;
    if (isSame) return this.#id;
    this.#file = { inode, deviceMajor, deviceMinor };
    this.#id = { inode: `${inode}`, device: `${deviceOf(deviceMajor, deviceMinor)}` };
    return this.#id;
  }

  #writerOf(number: number): KnownWriter | null | undefined {
    if (this.#writer?.number === number) return this.#writer.found;
    const found = this.#memory.writers.find(number);
    if (found !== undefined) this.#writer = { number, found };
    return found;
  }
}

function mainOf(main: KeptStamp | undefined): MainStamp | undefined {
  if (main === undefined) return undefined;
  const mtimeNs = BigInt(main.seconds) * 1_000_000_000n + BigInt(main.nanoseconds);
  return { size: BigInt(main.bytes), mtimeNs, change: main.change };
}
