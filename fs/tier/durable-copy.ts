// The durable copy of one database: takes batches, and the owner and mode of the file in RAM. Notes for the next copier
// how far the logs are copied, and when both files were the same.
import { chmodSync, chownSync, lstatSync } from 'node:fs';
import { complete, DurableBatch } from './batch.ts';
import { dropLeft } from './left-logs.ts';
import { type Place, type Position, readGeneration, readState, stampOf, writePosition, writeState } from './place.ts';

/** All pages were compared, and no log has a part in it. */
export const nothingCopied: Position = { salt1: 0, salt2: 0, frames: 0 };

export class DurableCopy {
  readonly place: Place;
  /** As it was when the poll began: what the mount has dropped since does not come back. */
  #generation = 0n;
  /** Of the main file when the poll began. No number is given twice on a tmpfs. */
  #ramInode = 0;
  /** Stamps of the files in RAM when the durable copy had all. */
  #clean: readonly string[] = [];
  /** The last name of what logs have left and is copied. */
  lastLeft: string | undefined;

  constructor(place: Place) {
    this.place = place;
  }

  /** Completes what a copier before this one has begun. */
  async begin(): Promise<void> {
    await complete(this.place.durable);
    this.#clean = readState(this.place)?.clean ?? [];
  }

  /** At the beginning of a poll, before anything of the database is read. */
  meet(): void {
    copyOwner(this.place);
    this.#generation = readGeneration(this.place);
    this.#ramInode = lstatSync(this.place.ram).ino;
  }

  /**
   * Whether the mount has dropped nothing since meet: otherwise somebody has written what no log shows.
   */
  get isCurrent(): boolean {
    return readGeneration(this.place) === this.#generation;
  }

  /** Whether it had everything when the files in RAM had these stamps. */
  wasCleanAt(stamps: readonly string[]): boolean {
    return stamps.every((stamp, at) => stamp === this.#clean[at]);
  }

  batchOf(pageBytes: number): DurableBatch {
    const { ram, durable } = this.place;
    const isStill = () => lstatSync(ram, { throwIfNoEntry: false })?.ino === this.#ramInode;
    return new DurableBatch(durable, pageBytes, isStill);
  }

  /** With the batch the logs are copied up to `position`. */
  async commit(batch: DurableBatch, databasePages: number, position: Position): Promise<void> {
    const { durable } = this.place;
    writeState(this.place, { isInBatch: true, durable: '', clean: [] });
    this.#clean = [];
    await batch.commit(databasePages, () => {});
    // Only now: should this process die before, the next one compares or copies once more.
    this.notePosition(position);
    writeState(this.place, { isInBatch: false, durable: stampOf(durable), clean: [] });
  }

  /** The mount keeps the log behind it from now on. */
  notePosition(position: Position): void {
    writePosition(this.place, position, this.#generation);
  }

  /** What these logs have written is in it. */
  dropLeft(names: readonly string[]): void {
    dropLeft(this.place, names);
    this.lastLeft = names.at(-1) ?? this.lastLeft;
  }

  /** It has everything that the files in RAM with these stamps hold. */
  noteClean(stamps: readonly string[]): void {
    this.#clean = stamps;
    writeState(this.place, { isInBatch: false, durable: stampOf(this.place.durable), clean: stamps });
  }
}

/** Who may do what with the file is changed on the mount, which is in RAM. */
function copyOwner({ ram, durable }: Place): void {
  const [ours, copied] = [lstatSync(ram), lstatSync(durable)];
  if (ours.uid !== copied.uid || ours.gid !== copied.gid) chownSync(durable, ours.uid, ours.gid);
  if (ours.mode !== copied.mode) chmodSync(durable, ours.mode & 0o7777);
}
