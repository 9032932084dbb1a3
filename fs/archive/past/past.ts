// One database over all its incarnations, opened for one question: which moment is meant. It reads log directories,
// beside the process that appends to them.
import type { Incarnation } from '../log/log-store.ts';
import { OpenLog } from '../log/open-log.ts';
import type { At, Moment } from '../messages.ts';
import { parseBookmark, parsePlaceBookmark } from './bookmarks.ts';
import { commitAtTime, commitUpTo, headMoment, oldestMoment } from './commit-search.ts';
import { PastError } from './past-error.ts';
import { findPlace } from './places.ts';

export interface Found {
  readonly log: OpenLog;
  readonly moment: Moment;
}

export class Past {
  readonly name: string;
  /** The newest first. */
  readonly #incarnations: readonly Incarnation[];
  readonly #open = new Map<number, OpenLog>();

  /** @throws PastError when there is no log of this name */
  constructor(name: string, incarnations: readonly Incarnation[]) {
    this.name = name;
    this.#incarnations = incarnations
      .filter(({ identity }) => identity.name === name)
      .sort((a, b) => b.identity.namedMs - a.identity.namedMs || b.identity.incarnation - a.identity.incarnation);
    if (this.#incarnations.length === 0) throw new PastError('not-archived', `${name} has no history`);
  }

  /** The newest first; those that are opened stay open until {@link close}. */
  *logs(): Generator<OpenLog> {
    for (const incarnation of this.#incarnations) yield this.#log(incarnation);
  }

  #log({ folder, identity }: Incarnation): OpenLog {
    const known = this.#open.get(identity.incarnation);
    const log = known ?? OpenLog.open(folder);
    this.#open.set(identity.incarnation, log);
    return log;
  }

  /** The newest commit, with or without a state that can be had. */
  get head(): Found {
    for (const log of this.logs()) {
      const moment = headMoment(log);
      if (moment !== undefined) return { log, moment };
    }
    throw new PastError('not-archived', `${this.name} has no commit in its history yet`);
  }

  get oldest(): Moment | null {
    for (const log of [...this.logs()].reverse()) {
      const moment = oldestMoment(log);
      if (moment !== undefined) return moment;
    }
    return null;
  }

  /** A moment whose state can be had. @throws PastError */
  resolve(at: At): Found {
    const found = this.#find(at);
    const oldest = oldestMoment(found.log);
    if (oldest === undefined) {
      throw new PastError('not-archived', `${this.name}: the first copy is still being made; try again in a moment`);
    }
    if (found.moment.number < oldest.number) throw this.#tooOld(oldest);
    return found;
  }

  #find(at: At): Found {
    if ('head' in at) return this.head;
    if ('timeMs' in at) return this.#atTime(at.timeMs);
    if ('number' in at) return this.#exactly(this.head.log, at.number, `commit ${at.number}`);
    return this.#atBookmark(at.bookmark);
  }

  #atTime(timeMs: number): Found {
    for (const log of this.logs()) {
      const moment = commitAtTime(log, timeMs);
      if (moment !== undefined) return { log, moment };
    }
    throw this.#tooOld(this.oldest);
  }

  #atBookmark(text: string): Found {
    const place = parsePlaceBookmark(text);
    if (place !== undefined) {
      const { log, number } = findPlace(this, place, text);
      return this.#exactly(log, number, `bookmark ${text}`);
    }
    const bookmark = parseBookmark(text);
    if (bookmark === undefined) {
      throw new PastError('unknown-bookmark', `'${text}' is not a bookmark; they look like 00000001-00000000002a`);
    }
    const known = this.#incarnations.find(({ identity }) => identity.incarnation === bookmark.incarnation);
    if (known === undefined) {
      throw new PastError('unknown-bookmark', `${this.name} has no bookmark ${text}: it is another's, or too old`);
    }
    return this.#exactly(this.#log(known), bookmark.number, `bookmark ${text}`);
  }

  #exactly(log: OpenLog, number: number, what: string): Found {
    const moment = commitUpTo(log, number);
    const head = headMoment(log);
    if (head === undefined || number > head.number) {
      throw new PastError('unknown-bookmark', `${this.name} has no ${what}: its newest is ${head?.bookmark ?? 'none'}`);
    }
    if (moment === undefined) throw this.#tooOld(oldestMoment(log) ?? null);
    if (moment.number !== number) {
      const nearest = `${moment.bookmark} (${new Date(moment.timeMs).toISOString()})`;
      throw new PastError(
        'too-old',
        `${this.name}: ${what} was thinned out; the one before that is kept is ${nearest}`,
      );
    }
    return { log, moment };
  }

  #tooOld(oldest: Moment | null): PastError {
    const words = oldest === null ? 'none' : `${oldest.bookmark} (${new Date(oldest.timeMs).toISOString()})`;
    return new PastError('too-old', `${this.name}: the history does not go back so far; its oldest moment is ${words}`);
  }

  close(): void {
    for (const log of this.#open.values()) log.close();
    this.#open.clear();
  }
}

/** After long reading: retention may have dropped the moment meanwhile, and what was read is then a mixture. */
export function checkStillThere({ log, moment }: Found): void {
  let now: OpenLog | undefined;
  try {
    now = OpenLog.open(log.folder);
    if (now.base !== undefined && now.base.validFrom <= moment.number) return;
  } catch {
    // Its folder is gone.
  } finally {
    now?.close();
  }
  throw new PastError(
    'too-old',
    `${log.identity.name}: the moment was dropped while it was read: it had become too old`,
  );
}
