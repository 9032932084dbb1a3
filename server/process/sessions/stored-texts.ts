// Texts of SQL that a client has stored in a stream over HTTP, while no transaction is open: its next request names
// them by number. Nothing else is kept of such a stream: no connection, no executor.
import { ApiError } from '../../messages/errors.ts';
import { limits } from '../../messages/limits.ts';
import type { StoredText } from '../../messages/operations/libsql.ts';
import { Batons } from './batons.ts';

interface Kept {
  readonly path: string;
  readonly readOnly: boolean;
  readonly texts: readonly StoredText[];
  readonly chars: number;
  readonly untilMs: number;
}

export class StoredTexts {
  readonly #batons = new Batons();
  /** The oldest first. */
  readonly #kept = new Map<number, Kept>();
  #chars = 0;
  #nextId = 1;

  /** The baton of the next request; null where nothing is stored. */
  keep(path: string, readOnly: boolean, texts: readonly StoredText[]): string | null {
    if (texts.length === 0) return null;
    const chars = texts.reduce((sum, [, text]) => sum + text.length, 0);
    const id = this.#nextId;
    this.#nextId += 1;
    this.#kept.set(id, { path, readOnly, texts, chars, untilMs: performance.now() + limits.sessionIdleMs });
    this.#chars += chars;
    this.#dropOld();
    return this.#batons.write({ id, sequence: 1 });
  }

  /** null: the baton is another one. @throws ApiError STREAM_EXPIRED */
  take(baton: string, path: string, readOnly: boolean): readonly StoredText[] | null {
    const read = this.#batons.read(baton);
    if (read === 'foreign') return null;
    this.#dropOld();
    const kept = this.#kept.get(read.id);
    if (kept === undefined || kept.path !== path || kept.readOnly !== readOnly) {
      throw new ApiError('STREAM_EXPIRED', 'the SQL texts of this stream are not kept any more: store them again');
    }
    this.#drop(read.id, kept);
    return kept.texts;
  }

  #dropOld(): void {
    const nowMs = performance.now();
    for (const [id, kept] of this.#kept) {
      const isTooMuch = this.#kept.size > limits.storedStreams || this.#chars > limits.storedChars;
      if (!isTooMuch && kept.untilMs > nowMs) return;
      this.#drop(id, kept);
    }
  }

  #drop(id: number, { chars }: Kept): void {
    this.#kept.delete(id);
    this.#chars -= chars;
  }
}
