// One key: its value now, its history, the values of its versions, and every write to it. All writes name the version
// that they replace.
import { signal } from '@preact/signals';
import type { StudioKvValue } from '../../../messages/studio/keys.ts';
import { errorText, isAbort } from '../api/client.ts';
import { feedOf } from '../live/feed.ts';
import type { KeyPlace } from './place.ts';
import {
  type Expected,
  type NewValue,
  readBytes,
  readHistory,
  readValue,
  removeKey,
  setLifetime,
  writeKey,
} from './requests.ts';
import type { KeyVersion } from './timeline.ts';

export class KeyStore {
  readonly place: KeyPlace;
  readonly value = signal<StudioKvValue | null>(null);
  readonly versions = signal<readonly KeyVersion[]>([]);
  /** Where older versions go on; null when all are here. */
  readonly next = signal<string | null>(null);
  readonly error = signal<string | null>(null);
  readonly historyError = signal<string | null>(null);
  /** Old versions never change: each is read once. */
  readonly #old = new Map<string, Promise<StudioKvValue>>();
  readonly #stop = new AbortController();
  #loads = 0;

  constructor(place: KeyPlace) {
    this.place = place;
  }

  stop(): void {
    this.#stop.abort();
  }

  /** Of several loads the last one counts, whichever answer comes first. */
  async load(): Promise<void> {
    const { signal: stop } = this.#stop;
    this.#loads += 1;
    const load = this.#loads;
    const isLatest = () => load === this.#loads;
    const value = readValue(this.place, undefined, stop).then(
      (read) => {
        if (!isLatest()) return;
        this.value.value = read;
        this.error.value = null;
      },
      (error: unknown) => {
        if (!isAbort(error)) this.error.value = errorText(error);
      },
    );
    const history = readHistory(this.place, undefined, stop).then(
      ({ versions, next }) => {
        if (!isLatest()) return;
        const shown = this.versions.peek();
        const known = shown.findIndex(({ version }) => version === versions.at(-1)?.version);
        // Pages that were loaded before stay: versions are only added at the front.
        const older = known >= 0 ? shown.slice(known + 1) : [];
        this.versions.value = [...versions, ...older];
        if (older.length === 0) this.next.value = next;
        this.historyError.value = null;
      },
      (error: unknown) => {
        if (!isAbort(error)) this.historyError.value = errorText(error);
      },
    );
    await Promise.all([value, history]);
  }

  /** Whether the server has another version than the one that is shown. */
  async hasChanged(): Promise<boolean> {
    try {
      const { etag, exists } = await readValue(this.place, undefined, this.#stop.signal);
      const shown = this.value.peek();
      return shown !== null && (shown.etag !== etag || shown.exists !== exists);
    } catch {
      return false; // the next commit asks again
    }
  }

  async loadOlder(): Promise<void> {
    const before = this.next.peek();
    if (before === null) return;
    try {
      const { versions, next } = await readHistory(this.place, before, this.#stop.signal);
      this.versions.value = [...this.versions.peek(), ...versions];
      this.next.value = next;
    } catch (error) {
      if (!isAbort(error)) this.historyError.value = errorText(error);
    }
  }

  /** The value that a version left behind. */
  valueOf(version: string): Promise<StudioKvValue> {
    const known = this.#old.get(version);
    if (known) return known;
    const read = readValue(this.place, version, this.#stop.signal);
    this.#old.set(version, read);
    read.catch(() => this.#old.delete(version));
    return read;
  }

  bytes(version?: string): Promise<Uint8Array<ArrayBuffer>> {
    return readBytes(this.place, version);
  }

  /** Resolves with the new ETag. @throws KeyConflict */
  async write(value: NewValue, expected: Expected): Promise<string> {
    return this.#own(() => writeKey(this.place, value, expected));
  }

  async remove(expected: string): Promise<void> {
    await this.#own(() => removeKey(this.place, expected));
  }

  async setLifetime(seconds: number | null, expected: string): Promise<void> {
    await this.#own(() => setLifetime(this.place, seconds, expected));
  }

  async #own<Result>(write: () => Promise<Result>): Promise<Result> {
    feedOf(this.place.db).expectOwn();
    const result = await write();
    await this.load();
    return result;
  }
}

/** Seconds that are left of a value's time to live, at least one; null: for ever. */
export function secondsLeft(expires: string | null, nowMs: number): number | null {
  return expires === null ? null : Math.max(1, Math.round((Date.parse(expires) - nowMs) / 1000));
}

/** What a value is stored as, where that is not known. */
export function contentTypeOf({ contentType, type }: Pick<StudioKvValue, 'contentType' | 'type'>): string {
  if (contentType !== null) return contentType;
  return { json: 'application/json', text: 'text/plain', binary: 'application/octet-stream' }[type];
}
