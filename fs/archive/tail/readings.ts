// What a tail has its commits read by. A database may get another path, and begin another log: all of them see the one
// that it has now.
import { CapturedReading } from '../capture/captured-reading.ts';
import type { CommitLog, DatabaseId } from '../commit.ts';
import type { ReadCommit } from './read-result.ts';
import { Reading } from './reading.ts';
import type { TailSurroundings } from './surroundings.ts';
import { Troubles } from './troubles.ts';

export interface Followed {
  readonly id: DatabaseId;
  readonly path: string;
  readonly log: CommitLog;
  readonly reading: Reading;
}

/** @returns how many were taken into the log */
export type Append = (commits: readonly ReadCommit[]) => number;

/** By its write-ahead logs. */
export function readingOf(tail: Omit<Followed, 'reading'>, surroundings: TailSurroundings, append: Append): Reading {
  return new Reading(Object.assign(new Now(tail), { isRecording: () => surroundings.isRecording(), append }));
}

/** By what was captured of it; undefined where nothing is. */
export function capturedReadingOf(
  tail: Followed,
  surroundings: TailSurroundings,
  append: Append,
): CapturedReading | undefined {
  const { capture } = surroundings;
  if (capture === undefined) return undefined;
  const database = {
    reading: tail.reading,
    salts: capture.salts,
    isRecording: () => surroundings.isRecording(),
    writerOf: (number: number) => capture.writerOf(number),
    readRecords: () => surroundings.readRecords(),
    append: (commit: ReadCommit) => append([commit]),
  };
  return new CapturedReading(
    Object.assign(new Now(tail), database),
    capture.fileOf(tail.id),
    capture.wasWhole(tail.id),
  );
}

export function troublesOf(tail: Followed, surroundings: TailSurroundings): Troubles {
  const database = {
    get id() {
      return tail.id;
    },
    get position() {
      return tail.reading.position;
    },
  };
  return new Troubles(database, surroundings);
}

class Now {
  readonly #tail: Omit<Followed, 'reading'>;

  constructor(tail: Omit<Followed, 'reading'>) {
    this.#tail = tail;
  }

  get path(): string {
    return this.#tail.path;
  }

  get inode(): string {
    return this.#tail.id.inode;
  }

  get log(): CommitLog {
    return this.#tail.log;
  }
}
