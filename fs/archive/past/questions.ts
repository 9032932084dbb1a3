// Answers to the questions of messages.ts, but for `settle`, which only the tail can answer. Each question opens what
// it needs and closes it again.
import type { Incarnation } from '../log/log-store.ts';
import type {
  ArchiveAnswer,
  ArchiveErrorCode,
  ArchiveQuestion,
  ArchiveStatus,
  At,
  ChangedPagesAnswer,
  LastRewind,
  MaterialiseAnswer,
  Moment,
  PatchAnswer,
  VerifyAnswer,
} from '../messages.ts';
import { type Part, writeChangedPages } from './changed-pages.ts';
import { changedTables } from './changed-tables.ts';
import { commitFrom } from './commit-search.ts';
import { history } from './history.ts';
import { materialise } from './materialise.ts';
import { writeParts } from './parts.ts';
import { type Found, Past } from './past.ts';
import { PastError } from './past-error.ts';
import { writePatch } from './patch.ts';
import { markRewind, rewindsIn } from './rewinds.ts';
import { type LiveState, statusOf } from './status.ts';

export interface QuestionParts {
  readonly incarnations: () => readonly Incarnation[];
  /** Why a database has no history; undefined: nothing is known of it. */
  readonly whyNone?: (name: string) => string | undefined;
  /** Of a database that is archived now. */
  readonly liveOf: (name: string) => LiveState | undefined;
  readonly budgetBytes: () => number;
  /** Without incarnations: all that there is, also what cannot be read. */
  readonly verify: (incarnations?: readonly Incarnation[]) => Promise<VerifyAnswer>;
  /** Drops what is older than the retention says, or than the time. */
  readonly prune: (incarnations: readonly Incarnation[], beforeMs?: number) => Promise<unknown>;
}

type Answerable = Exclude<ArchiveQuestion, { op: 'settle' }>;

export class ArchiveQuestions {
  readonly #parts: QuestionParts;

  constructor(parts: QuestionParts) {
    this.#parts = parts;
  }

  /** Never rejects for what the archive lacks: that is an answer. */
  async answer(question: Answerable): Promise<ArchiveAnswer<unknown>> {
    try {
      return { ok: true, value: await this.#answer(question) };
    } catch (error) {
      const code = codeFor(error);
      if (code === undefined) throw error;
      return { ok: false, code, message: (error as Error).message };
    }
  }

  #answer(question: Answerable): Promise<unknown> {
    switch (question.op) {
      case 'status':
        return this.#status();
      case 'history':
        return this.#with(question.database, (past) => history(past, question));
      case 'resolve':
        return this.#with(question.database, async (past) => past.resolve(question.at).moment);
      case 'materialise':
        return this.#with(question.database, (past) => this.#materialise(past, question.at, question.path));
      case 'parts':
        return this.#with(question.database, (past) =>
          writeParts(past.resolve(question.at), question.base, question.path),
        );
      case 'patch':
        return this.#with(question.database, (past) => this.#patch(past, question.at, question.path));
      case 'changed-pages':
        return this.#with(question.database, (past) => this.#changedPages(past, question));
      case 'changed-tables':
        return this.#with(question.database, async (past) => {
          const [from, to] = [past.resolve(question.from), past.resolve(question.to)];
          if (from.log !== to.log) throw otherIncarnation(past.name);
          return await changedTables(from, to, question.excerpts);
        });
      case 'mark-rewind':
        return this.#with(question.database, async (past) => this.#markRewind(past, question));
      case 'last-rewind':
        return this.#with(question.database, async (past) => lastRewind(past));
      case 'verify':
        return this.#parts.verify(
          question.database === undefined ? undefined : this.#incarnationsOf(question.database),
        );
      case 'prune':
        return this.#parts.prune(this.#incarnationsOf(question.database), question.beforeMs);
      default:
        return question satisfies never;
    }
  }

  async #with<Value>(name: string, ask: (past: Past) => Promise<Value>): Promise<Value> {
    const incarnations = this.#parts.incarnations();
    if (!incarnations.some(({ identity }) => identity.name === name)) throw this.#noHistory(name);
    const past = new Past(name, incarnations);
    try {
      return await ask(past);
    } finally {
      past.close();
    }
  }

  #incarnationsOf(name: string | undefined): readonly Incarnation[] {
    const all = this.#parts.incarnations();
    if (name === undefined) return all;
    const own = all.filter(({ identity }) => identity.name === name);
    if (own.length === 0) throw this.#noHistory(name);
    return own;
  }

  #noHistory(name: string): PastError {
    const why = this.#parts.whyNone?.(name);
    return new PastError('not-archived', `${name} has no history${why === undefined ? '' : `: ${why}`}`);
  }

  async #status(): Promise<ArchiveStatus> {
    const databases = await statusOf(this.#parts.incarnations(), this.#parts.liveOf);
    const bytes = databases.reduce((sum, database) => sum + database.bytes, 0);
    return { databases, bytes, budgetBytes: this.#parts.budgetBytes() };
  }

  #materialise(past: Past, at: At, path: string): Promise<MaterialiseAnswer> {
    return materialise(past.resolve(at), path);
  }

  #patch(past: Past, at: At, path: string): Promise<PatchAnswer> {
    const found = past.resolve(at);
    const { log, moment } = past.head;
    if (found.log !== log) throw otherIncarnation(past.name);
    return writePatch(found, moment, path);
  }

  async #changedPages(
    past: Past,
    { from, to, path, ...part }: { readonly from: At; readonly to: At; readonly path: string } & Part,
  ): Promise<ChangedPagesAnswer> {
    const [first, last] = [past.resolve(from), past.resolve(to)];
    if (first.log !== last.log) throw otherIncarnation(past.name);
    const state = this.#parts.liveOf(past.name)?.state ?? null;
    return { ...(await writeChangedPages(first, last, part, path)), state };
  }

  /** `from` is the newest commit that there was when the rewind had the lock: its own is the next one. */
  #markRewind(past: Past, { from, to }: { readonly from: string; readonly to: string }): Moment {
    const before = past.resolve({ bookmark: from });
    const made = commitFrom(before.log, before.moment.number + 1);
    if (made === undefined) throw new PastError('unknown-bookmark', `${past.name} has no commit after ${from} yet`);
    markRewind(before.log.folder, { number: made.number, from, to });
    return made;
  }
}

function otherIncarnation(name: string): PastError {
  return new PastError(
    'gap',
    `${name}: the file was replaced or got another page size since then, so nothing leads there page by page; fork it instead`,
  );
}

/** null: none, or it is too old. */
function lastRewind(past: Past): LastRewind | null {
  const { log } = past.head;
  const rewind = rewindsIn(log.folder).at(-1);
  const found = (at: At): Found | undefined => {
    try {
      return past.resolve(at);
    } catch (error) {
      if (error instanceof PastError) return undefined;
      throw error;
    }
  };
  if (rewind === undefined) return null;
  const [from, to] = [found({ bookmark: rewind.from }), found({ bookmark: rewind.to })];
  const made = found({ number: rewind.number });
  if (from === undefined || to === undefined || made === undefined) return null;
  return { from: from.moment, to: to.moment, rewind: made.moment };
}

/** undefined: a fault of our own. */
function codeFor(error: unknown): ArchiveErrorCode | undefined {
  const { code } = error as { code?: string };
  if (error instanceof PastError) return error.code;
  if (code === 'damaged') return 'damaged';
  return code === 'ENOSPC' || code === 'EDQUOT' ? 'no-space' : undefined;
}
