// States of databases as files of the state directory, for as long as somebody reads them and a while longer: asked for
// again by the same bookmark they are there. Their number and size are bounded; they go with the process, and those of
// a process that was killed when the next one starts.
import { randomBytes } from 'node:crypto';
import {
  chmodSync,
  chownSync,
  closeSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeSync,
} from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { UnprivilegedUser } from '../../index.ts';
import type { Moment } from '../../messages/time-machine.ts';
import { inheritNotes, isNote } from './unfinished-forks.ts';

const mostStates = 16;
const mostBytes = 8 * 1024 ** 3;
const unusedMs = 10 * 60 * 1000;
const sweepMs = 30_000;
/** Of the file format: 1 is a rollback journal. Such a file can be read without files beside it. */
const journalVersions = { at: 18, bytes: Buffer.from([1, 1]) };

export interface PastState {
  /** Of the file, which nobody may write. */
  readonly path: string;
  readonly moment: Moment;
}

interface Kept {
  readonly made: Promise<PastState>;
  bytes: number;
  users: number;
  usedAtMs: number;
}

/** Writes the state to a path that does not exist. */
export type Make = (path: string) => Promise<{ readonly moment: Moment; readonly bytes: number }>;

export class PastStates {
  readonly folder: string;
  readonly #kept = new Map<string, Kept>();
  readonly #sweep: NodeJS.Timeout;

  constructor(folder: string) {
    this.folder = folder;
    this.#sweep = setInterval(() => this.#dropUnused(performance.now() - unusedMs), sweepMs);
    this.#sweep.unref();
  }

  /** A name for a file that is not there yet, in the same folder. Whoever makes the file removes it. */
  newPath(): string {
    return join(this.folder, randomBytes(12).toString('hex'));
  }

  /** `key`: database and bookmark. The file is there until `use` has ended. */
  async with<Result>(key: string, make: Make, use: (state: PastState) => Promise<Result>): Promise<Result> {
    const kept = this.#kept.get(key) ?? this.#add(key, make);
    kept.users += 1;
    try {
      return await use(await kept.made);
    } finally {
      kept.users -= 1;
      kept.usedAtMs = performance.now();
      this.#makeRoom();
    }
  }

  close(): void {
    clearInterval(this.#sweep);
    this.#kept.clear();
    emptyFolder(this.folder);
  }

  #add(key: string, make: Make): Kept {
    const path = this.newPath();
    const kept: Kept = {
      made: make(path).then(({ moment, bytes }) => {
        kept.bytes = bytes;
        withoutLog(path);
        return { path, moment };
      }),
      bytes: 0,
      users: 0,
      usedAtMs: performance.now(),
    };
    this.#kept.set(key, kept);
    kept.made.catch(() => {
      if (this.#kept.get(key) === kept) this.#kept.delete(key);
      return rm(path, { force: true });
    });
    return kept;
  }

  #makeRoom(): void {
    const sum = () => [...this.#kept.values()].reduce((bytes, kept) => bytes + kept.bytes, 0);
    const unused = () =>
      [...this.#kept]
        .filter(([, { users }]) => users === 0)
        .sort(([, one], [, other]) => one.usedAtMs - other.usedAtMs);
    for (const [key] of unused()) {
      if (this.#kept.size <= mostStates && sum() <= mostBytes) return;
      this.#drop(key);
    }
  }

  #dropUnused(beforeMs: number): void {
    for (const [key, { users, usedAtMs }] of this.#kept) if (users === 0 && usedAtMs < beforeMs) this.#drop(key);
  }

  #drop(key: string): void {
    const kept = this.#kept.get(key);
    this.#kept.delete(key);
    void kept?.made.then(({ path }) => rm(path, { force: true })).catch(() => {});
  }
}

/**
 * The folder of this process below the state directory, for its user alone; those of processes that are gone are
 * removed, but for their notes of unfinished forks, which it gets. To be called while the process may still do so.
 */
export function makePastFolder(stateDir: string, user?: UnprivilegedUser): string {
  const parent = join(stateDir, 'past');
  const folder = join(parent, String(process.pid));
  mkdirSync(folder, { recursive: true });
  chmodSync(folder, 0o700);
  // An earlier process may have had the same number: in a container, or before the machine was started anew.
  emptyFolder(folder);
  for (const name of namesIn(parent)) {
    if (!/^\d+$/.test(name) || isAlive(Number(name))) continue;
    inheritNotes(join(parent, name), folder);
    rmSync(join(parent, name), { recursive: true, force: true });
  }
  if (user !== undefined) {
    chownSync(folder, user.uid, user.gid);
    chmodSync(parent, 0o711); // that user has to pass
  }
  return folder;
}

/** But for notes of unfinished forks. */
function emptyFolder(folder: string): void {
  for (const name of namesIn(folder)) {
    if (!isNote(name)) rmSync(join(folder, name), { force: true, recursive: true });
  }
}

function withoutLog(path: string): void {
  const fd = openSync(path, 'r+');
  try {
    writeSync(fd, journalVersions.bytes, 0, journalVersions.bytes.length, journalVersions.at);
  } finally {
    closeSync(fd);
  }
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}

/** One that was killed stays in the table until its parent asks for it: in a container perhaps for ever. */
function isAlive(pid: number): boolean {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    // proc_pid_stat(5): behind the name in parentheses, which may hold anything.
    return !'ZX'.includes(stat.charAt(stat.lastIndexOf(')') + 2));
  } catch {
    return false;
  }
}
