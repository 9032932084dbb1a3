// The past of whole databases, for handlers: moments of it as files, rewinds, and what a rewind would undo.
import { readFile, rm } from 'node:fs/promises';
import { relative } from 'node:path';
import { isPlaceBookmark } from '../../messages/bookmark.ts';
import { ApiError } from '../../messages/errors.ts';
import type { StateParts } from '../../messages/operations/file.ts';
import { type DatabaseTarget, isInside, type PathRules } from '../../messages/paths.ts';
import type { Journal, PageFile, StateFile } from '../../messages/rewinder.ts';
import type {
  At,
  ChangedPagesAnswer,
  ChangedTablesAnswer,
  LastRewind,
  Moment,
  PatchAnswer,
} from '../../messages/time-machine.ts';
import type { Archive } from './archive.ts';
import type { PastState, PastStates } from './past-states.ts';
import { runRewinder } from './rewinder.ts';

/** The archive tells within this what was committed, or is too busy to wait for. */
const settleMs = 5_000;

export interface TimeMachineParts {
  readonly archive: Archive;
  readonly states: PastStates;
  readonly rules: PathRules;
  readonly isFenced: (path: string) => boolean;
  /** A rewind of the database was committed. */
  readonly onRewound: (path: string) => void;
}

/** Paths of two database files that differ in what their states differ in. */
export interface Excerpts {
  readonly from: string;
  readonly to: string;
}

export interface RewindDone {
  /** The state that is there again. */
  readonly to: Moment;
  /** The newest state before. */
  readonly from: Moment;
  /** That of the rewind's own commit; null: the archive has not seen it yet. */
  readonly bookmark: string | null;
  /** Written; 0: the newest state was the wanted one. */
  readonly pages: number;
  readonly heldMs: number;
  readonly areCursorsReset: boolean;
}

export class TimeMachine {
  readonly archive: Archive;
  readonly #parts: TimeMachineParts;

  constructor(parts: TimeMachineParts) {
    this.archive = parts.archive;
    this.#parts = parts;
  }

  /** As the archive calls it: its path below the root. @throws ApiError NOT_ARCHIVED */
  nameOf({ path }: DatabaseTarget): string {
    const { root } = this.#parts.rules;
    if (!isInside(path, root)) {
      throw new ApiError('NOT_ARCHIVED', `the past is kept of databases below ${root} only`);
    }
    return relative(root, path);
  }

  /** What was committed until now is in the archive, unless it lags behind. */
  async settle(target: DatabaseTarget, deadlineMs: number): Promise<void> {
    await this.archive.settle(this.nameOf(target), Math.min(deadlineMs, performance.now() + settleMs));
  }

  /** @throws ApiError */
  async resolve(target: DatabaseTarget, at: At, deadlineMs: number): Promise<Moment> {
    if ('bookmark' in at && isPlaceBookmark(at.bookmark)) await this.settle(target, deadlineMs);
    return await this.archive.resolve(this.nameOf(target), at, deadlineMs);
  }

  /** The state of a moment as a file, which is there until `use` has ended. */
  async withState<Result>(
    target: DatabaseTarget,
    at: At,
    deadlineMs: number,
    use: (state: PastState) => Promise<Result>,
  ): Promise<Result> {
    const name = this.nameOf(target);
    const moment = await this.resolve(target, at, deadlineMs);
    const make = (path: string) => this.archive.materialise(name, { bookmark: moment.bookmark }, path, deadlineMs);
    return await this.#parts.states.with(`${name}\0${moment.bookmark}`, make, use);
  }

  /** The state of a moment as parts, which are there until `use` has ended. */
  async withParts<Result>(
    target: DatabaseTarget,
    at: At,
    deadlineMs: number,
    use: (parts: StateParts, moment: Moment) => Promise<Result>,
  ): Promise<Result> {
    const { bookmark } = await this.resolve(target, at, deadlineMs);
    const { states } = this.#parts;
    const [base, patch] = [states.newPath(), states.newPath()];
    try {
      const made = await this.archive.parts(this.nameOf(target), { bookmark }, base, patch, deadlineMs);
      const { moment, pages, stamp } = made;
      const { pageBytes, databasePages } = moment;
      const parts = { base: { path: base, ...stamp }, patch: { path: patch, pages }, pageBytes, databasePages };
      return await use(parts, moment);
    } finally {
      await Promise.all([base, patch].map((path) => rm(path, { force: true })));
    }
  }

  /** Pages that were written between two moments, in their order: a part of them, in the form of a patch. */
  async changedPages(
    target: DatabaseTarget,
    from: At,
    to: At,
    part: { readonly skip: number; readonly most: number },
    deadlineMs: number,
  ): Promise<ChangedPagesAnswer & { readonly patch: Buffer }> {
    const path = this.#parts.states.newPath();
    try {
      const answer = await this.archive.changedPages(this.nameOf(target), from, to, part, path, deadlineMs);
      return { ...answer, patch: answer.written === 0 ? Buffer.alloc(0) : await readFile(path) };
    } finally {
      await rm(path, { force: true });
    }
  }

  /** @throws ApiError ARCHIVE_GAP where nothing leads from one to the other page by page */
  changedTables(target: DatabaseTarget, from: At, to: At, deadlineMs: number): Promise<ChangedTablesAnswer> {
    return this.archive.changedTables(this.nameOf(target), from, to, deadlineMs);
  }

  /** The same, with excerpts of both states for as long as `use` takes; null: too much differs for them. */
  async withExcerpts<Result>(
    target: DatabaseTarget,
    from: At,
    to: At,
    deadlineMs: number,
    use: (changed: ChangedTablesAnswer, excerpts: Excerpts | null) => Promise<Result>,
  ): Promise<Result> {
    const { states } = this.#parts;
    const excerpts = { from: states.newPath(), to: states.newPath() };
    try {
      const changed = await this.archive.changedTables(this.nameOf(target), from, to, deadlineMs, excerpts);
      return await use(changed, changed.hasExcerpts ? excerpts : null);
    } finally {
      await Promise.all(Object.values(excerpts).map((path) => rm(path, { force: true })));
    }
  }

  /** @throws ApiError NOT_FOUND where the database was never rewound */
  async lastRewind(target: DatabaseTarget, deadlineMs: number): Promise<LastRewind> {
    const last = await this.archive.lastRewind(this.nameOf(target), deadlineMs);
    if (last === null) throw new ApiError('NOT_FOUND', 'there is nothing to undo: the database was not rewound');
    return last;
  }

  /** @throws ApiError, and nothing is changed, unless it says otherwise */
  async rewind(target: DatabaseTarget, at: At, deadlineMs: number): Promise<RewindDone> {
    const { rules, states, isFenced, onRewound } = this.#parts;
    const name = this.nameOf(target);
    if (isFenced(target.path)) {
      const reason = 'a program has the database open through a mount that has died; it must close it first';
      throw new ApiError('DATABASE_BUSY', reason);
    }
    await this.settle(target, deadlineMs);
    const { bookmark } = await this.resolve(target, at, deadlineMs);
    const path = states.newPath();
    let plan: PatchAnswer | undefined;
    const pages = async (journal: Journal): Promise<PageFile | StateFile | null> => {
      await this.settle(target, deadlineMs);
      plan = await this.archive.patch(name, { bookmark }, path, deadlineMs);
      const { moment, head } = plan;
      if (journal === 'rollback') {
        await rm(path, { force: true });
        await this.archive.materialise(name, { bookmark }, path, deadlineMs);
        return { path, pageBytes: moment.pageBytes, databasePages: moment.databasePages };
      }
      if (plan.pages === 0 && moment.databasePages === head.databasePages) return null;
      return { path, pages: plan.pages, pageBytes: moment.pageBytes, databasePages: moment.databasePages };
    };
    try {
      const done = await runRewinder({ path: target.path, rules, deadlineMs, pages });
      if (plan === undefined) throw new ApiError('INTERNAL_ERROR', 'internal error');
      const { moment, head } = plan;
      if (done === null || done.pages === 0) {
        return { to: moment, from: head, bookmark: head.bookmark, pages: 0, heldMs: 0, areCursorsReset: false };
      }
      onRewound(target.path);
      return { to: moment, from: head, bookmark: await this.#mark(target, head, moment), ...done };
    } finally {
      await rm(path, { force: true });
    }
  }

  /** It is done, whatever becomes of this: only `undo` and the history would not know it for a rewind. */
  async #mark(target: DatabaseTarget, from: Moment, to: Moment): Promise<string | null> {
    const name = this.nameOf(target);
    const deadlineMs = performance.now() + settleMs;
    try {
      await this.settle(target, deadlineMs);
      await this.archive.markRewind(name, from.bookmark, to.bookmark, deadlineMs);
      return (await this.resolve(target, { number: from.number + 1 }, deadlineMs)).bookmark;
    } catch {
      return null;
    }
  }
}
