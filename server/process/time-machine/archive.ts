// Asks the archive process, by way of the supervisor, and says its refusals in the words of the API.
import { ApiError, type ErrorCode } from '../../messages/errors.ts';
import type {
  ArchiveAnswer,
  ArchiveErrorCode,
  ArchiveQuestion,
  ArchiveStatus,
  At,
  ChangedPagesAnswer,
  ChangedTablesAnswer,
  HistoryAnswer,
  LastRewind,
  MaterialiseAnswer,
  Moment,
  PartsAnswer,
  PatchAnswer,
} from '../../messages/time-machine.ts';

/** undefined: the supervisor did not answer in time. */
export type AskArchive = (question: ArchiveQuestion, timeoutMs: number) => Promise<ArchiveAnswer<unknown> | undefined>;

const codes: Readonly<Record<ArchiveErrorCode, ErrorCode>> = {
  'not-archived': 'NOT_ARCHIVED',
  'too-old': 'TOO_OLD',
  'unknown-bookmark': 'UNKNOWN_BOOKMARK',
  gap: 'ARCHIVE_GAP',
  'no-space': 'NO_SPACE',
  damaged: 'ARCHIVE_DAMAGED',
  timeout: 'SERVICE_UNAVAILABLE',
};

/** What every question can come to. */
export const archiveErrors: readonly ErrorCode[] = [...new Set(Object.values(codes))];

type Question<Op extends ArchiveQuestion['op']> = Extract<ArchiveQuestion, { readonly op: Op }>;
type HistoryQuestion = Omit<Question<'history'>, 'op' | 'database'>;

/** The past of one database, which is given below the root. `deadlineMs`: `performance.now()`. */
export class Archive {
  readonly #ask: AskArchive;

  constructor(ask: AskArchive) {
    this.#ask = ask;
  }

  status(deadlineMs: number): Promise<ArchiveStatus> {
    return this.#value({ op: 'status' }, deadlineMs);
  }

  history(database: string, question: HistoryQuestion, deadlineMs: number): Promise<HistoryAnswer> {
    return this.#value({ op: 'history', database, ...question }, deadlineMs);
  }

  resolve(database: string, at: At, deadlineMs: number): Promise<Moment> {
    return this.#value({ op: 'resolve', database, at }, deadlineMs);
  }

  materialise(database: string, at: At, path: string, deadlineMs: number): Promise<MaterialiseAnswer> {
    return this.#value({ op: 'materialise', database, at, path }, deadlineMs);
  }

  /** `base` and `path`: of files that are not there yet. */
  parts(database: string, at: At, base: string, path: string, deadlineMs: number): Promise<PartsAnswer> {
    return this.#value({ op: 'parts', database, at, base, path }, deadlineMs);
  }

  patch(database: string, at: At, path: string, deadlineMs: number): Promise<PatchAnswer> {
    return this.#value({ op: 'patch', database, at, path }, deadlineMs);
  }

  /** The newest ones are those of `to`. `part`: by their order. */
  changedPages(
    database: string,
    from: At,
    to: At,
    part: { readonly skip: number; readonly most: number },
    path: string,
    deadlineMs: number,
  ): Promise<ChangedPagesAnswer> {
    return this.#value({ op: 'changed-pages', database, from, to, ...part, path }, deadlineMs);
  }

  /** `excerpts`: paths of files that are not there yet. */
  changedTables(
    database: string,
    from: At,
    to: At,
    deadlineMs: number,
    excerpts?: { readonly from: string; readonly to: string },
  ): Promise<ChangedTablesAnswer> {
    const more = excerpts === undefined ? {} : { excerpts };
    return this.#value({ op: 'changed-tables', database, from, to, ...more }, deadlineMs);
  }

  markRewind(database: string, from: string, to: string, deadlineMs: number): Promise<unknown> {
    return this.#value({ op: 'mark-rewind', database, from, to }, deadlineMs);
  }

  lastRewind(database: string, deadlineMs: number): Promise<LastRewind | null> {
    return this.#value({ op: 'last-rewind', database }, deadlineMs);
  }

  /** Resolves when all that was committed before is in the archive. */
  settle(database: string, deadlineMs: number): Promise<unknown> {
    return this.#value({ op: 'settle', database }, deadlineMs);
  }

  /** @throws ApiError */
  async #value<Value>(question: ArchiveQuestion, deadlineMs: number): Promise<Value> {
    const answer = await this.#ask(question, Math.max(1, deadlineMs - performance.now()));
    if (answer === undefined) {
      const isLate = performance.now() >= deadlineMs;
      const text = isLate ? 'the archive did not answer before the deadline' : 'the archive does not answer; try again';
      throw new ApiError(isLate ? 'REQUEST_TIMEOUT' : 'SERVICE_UNAVAILABLE', text);
    }
    if (!answer.ok) throw new ApiError(codes[answer.code] ?? 'INTERNAL_ERROR', answer.message);
    return answer.value as Value;
  }
}
