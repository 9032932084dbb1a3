// Takes what the fs process has captured out of the ring that both share, and hands it to the databases that it belongs
// to. What is needed no more gives its room in the ring back.
import type { CaptureRing } from '../../state/capture-ring.ts';
import type { Position } from '../../state/position-slots.ts';
import type { DatabaseId, Writer } from '../commit.ts';
import { deviceOf } from '../device.ts';
import { CapturedFile } from './captured-file.ts';

/** What is taken out of the ring in one go. */
const mostBytes = 8 << 20;
/** From here on, whoever keeps the most of the ring loses it: others need the room. */
const tooFull = 0.7;
const keptTooLong = 'the archive process could not keep what was written for so long';

type FileId = Pick<DatabaseId, 'device' | 'inode'>;

export interface CaptureStreamParts {
  readonly ring: CaptureRing;
  /** undefined: not named yet. null: nobody knows. */
  readonly writerOf: (number: number) => Writer | null | undefined;
  /** What this process, or one before it, has published of a database. */
  readonly publishedOf: (id: FileId) => Position | undefined;
}

export class CaptureStream {
  readonly #parts: CaptureStreamParts;
  readonly #files = new Map<string, CapturedFile>();
  #readUpTo: number;

  constructor(parts: CaptureStreamParts) {
    this.#parts = parts;
    this.#readUpTo = parts.ring.tail;
  }

  get salts(): { readonly salt1: number; readonly salt2: number } {
    return this.#parts.ring.salts;
  }

  /** Where in the ring it goes on. */
  get position(): number {
    return this.#readUpTo;
  }

  /** Something was captured that is not read yet. */
  get hasNews(): boolean {
    return this.#parts.ring.head > this.#readUpTo;
  }

  writerOf(number: number): Writer | null | undefined {
    return this.#parts.writerOf(number);
  }

  /** All that was captured of a database. */
  fileOf(id: FileId): CapturedFile {
    const key = keyOf(id);
    const known = this.#files.get(key);
    if (known !== undefined) return known;
    // Who has it open was told to the process before this one.
    const made = new CapturedFile(id.device, id.inode, this.wasWhole(id));
    this.#files.set(key, made);
    return made;
  }

  /** Nobody asks for it any more. */
  forget(id: FileId): void {
    this.#files.delete(keyOf(id));
  }

  /** A process before this one has archived all that was captured up to what is still in the ring. */
  wasWhole(id: FileId): boolean {
    const published = this.#parts.publishedOf(id);
    const { salt1, salt2 } = this.salts;
    return published?.isArchived === true && published.salt1 === salt1 && published.salt2 === salt2 && salt1 !== 0;
  }

  /** All that is there now. @returns those of which something was read */
  read(): Set<CapturedFile> {
    const { ring } = this.#parts;
    const touched = new Set<CapturedFile>();
    const end = ring.head;
    while (this.#readUpTo < end) {
      const before = this.#readUpTo;
      for (const record of ring.readFrom(before, mostBytes)) {
        this.#readUpTo = record.next;
        const device = `${deviceOf(record.deviceMajor, record.deviceMinor)}`;
        const file = this.fileOf({ device, inode: `${record.inode}` });
        file.add(record);
        touched.add(file);
      }
      if (this.#readUpTo === before) break;
    }
    this.#giveBack();
    return touched;
  }

  #giveBack(): void {
    const { ring } = this.#parts;
    ring.tail = this.#neededFrom();
    if (ring.fullness < tooFull) return;
    for (const file of this.#files.values()) {
      if (file.neededFrom === ring.tail) file.drop(keptTooLong, this.#readUpTo);
    }
    ring.tail = this.#neededFrom();
  }

  #neededFrom(): number {
    let first = this.#readUpTo;
    for (const { neededFrom } of this.#files.values()) first = Math.min(first, neededFrom);
    return first;
  }
}

function keyOf({ device, inode }: FileId): string {
  return `${device}:${inode}`;
}
