// The names that new databases have while a state of the past is written into them: each is noted before it is made.
// What a killed process has left under such a name is removed when the next one starts, or, if only the executor died,
// at once.
import { randomBytes } from 'node:crypto';
import { readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { ApiError } from '../../messages/errors.ts';
import type { Log } from '../log.ts';

const noteShape = /^([0-9a-f]{24})\.unfinished$/;
const noteName = (id: string) => `${id}.unfinished`;

/** Removes what lies under this name beside the path. @throws ApiError */
export type RemoveUnfinished = (path: string, name: string) => Promise<unknown>;

export class UnfinishedForks {
  readonly #folder: string;
  readonly #remove: RemoveUnfinished;
  readonly #log: Log;

  constructor(folder: string, remove: RemoveUnfinished, log: Log) {
    this.#folder = folder;
    this.#remove = remove;
    this.#log = log;
  }

  /** `make` makes the database of this path under the name that it is given, and gives it its own name at the end. */
  async with<Result>(path: string, make: (name: string) => Promise<Result>): Promise<Result> {
    const id = randomBytes(12).toString('hex');
    const note = join(this.#folder, noteName(id));
    writeFileSync(note, path, { flag: 'wx', mode: 0o600 });
    try {
      const result = await make(nameOf(id));
      await rm(note, { force: true });
      return result;
    } catch (error) {
      // An executor that is still at it ends first. Nobody waits for that.
      void this.#clear(path, id);
      throw error;
    }
  }

  /** Removes what earlier processes have left. In the background. */
  sweep(): void {
    for (const id of notesIn(this.#folder)) {
      void this.#clear(readFileSync(join(this.#folder, noteName(id)), 'utf8'), id);
    }
  }

  async #clear(path: string, id: string): Promise<void> {
    try {
      await this.#remove(path, nameOf(id));
    } catch (error) {
      // Its directory is gone, or is none any more. Anything else is tried again by the next process.
      if (!(error instanceof ApiError) || error.status >= 500) {
        this.#log('warn', 'unfinished fork not removed', { path, name: nameOf(id), error: String(error) });
        return;
      }
    }
    await rm(join(this.#folder, noteName(id)), { force: true });
  }
}

function nameOf(id: string): string {
  return `.new-${id}`;
}

export function isNote(name: string): boolean {
  return noteShape.test(name);
}

/** Notes of a process that is gone, for the one that starts. */
export function inheritNotes(from: string, to: string): void {
  for (const id of notesIn(from)) renameSync(join(from, noteName(id)), join(to, noteName(id)));
}

function notesIn(folder: string): string[] {
  return readdirSync(folder).flatMap((name) => noteShape.exec(name)?.[1] ?? []);
}
