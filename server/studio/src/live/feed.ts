// The commits of a database as they happen, by whomever: one stream of the server for all who watch on this page. Views
// read `commits` and `count`, and call `expectOwn` around writes of their own, so that a user is not told of his own
// work.
import { type ReadonlySignal, type Signal, signal } from '@preact/signals';
import { useEffect } from 'preact/hooks';
import type { StudioCommitEvent } from '../../../messages/studio/live.ts';
import { errorText } from '../api/client.ts';
import { subscribe } from '../api/events.ts';
import { sawSchemaVersion } from '../session.ts';
import { readBoolean, savedSignal } from '../storage.ts';

export interface Commit extends StudioCommitEvent {
  /** Counts the commits of this page, from 1. */
  readonly id: number;
  /** Made by this page. */
  readonly own: boolean;
  readonly schemaChanged: boolean;
}

export interface Feed {
  /** Newest first, at most `keptCommits`. */
  readonly commits: ReadonlySignal<readonly Commit[]>;
  /** Commits since the page was opened, own ones included: changes with each of them. */
  readonly count: ReadonlySignal<number>;
  /** Commits of others. */
  readonly others: ReadonlySignal<number>;
  readonly state: ReadonlySignal<'connecting' | 'live' | 'refused'>;
  readonly error: ReadonlySignal<string | null>;
  /**
   * Commits over HTTP within the next seconds are the caller's: its write, and the line that the query history gets of
   * it.
   */
  expectOwn(): void;
}

export const keptCommits = 500;
/** A stream without watchers stays for so long: changing between views does not open it anew. */
const lingerMs = 5_000;
const ownWithinMs = 2_000;
/** What the server calls its own processes: a commit of a client over HTTP. */
export const overHttp = 'hoody-sqlite';

/** Views take over changes of others by themselves. */
export const following: Signal<boolean> = savedSignal('follow', false, readBoolean);

class DatabaseFeed implements Feed {
  readonly commits = signal<readonly Commit[]>([]);
  readonly count = signal(0);
  readonly others = signal(0);
  readonly state = signal<'connecting' | 'live' | 'refused'>('connecting');
  readonly error = signal<string | null>(null);
  readonly #db: string;
  #watchers = 0;
  #stop: (() => void) | null = null;
  #linger: ReturnType<typeof setTimeout> | undefined;
  #ownUntilMs = 0;
  #connections = 0;

  constructor(db: string) {
    this.#db = db;
  }

  expectOwn(): void {
    this.#ownUntilMs = Date.now() + ownWithinMs;
  }

  watch(): () => void {
    this.#watchers += 1;
    clearTimeout(this.#linger);
    this.#stop ??= subscribe(
      'studio/live',
      { db: this.#db },
      {
        onEvent: ({ event, data }) => {
          if (event === 'commit') this.#add(JSON.parse(data) as StudioCommitEvent);
        },
        onOpen: () => this.#opened(),
        onRefused: (error) => {
          this.state.value = 'refused';
          this.error.value = errorText(error);
        },
      },
    );
    return () => {
      this.#watchers -= 1;
      if (this.#watchers === 0) this.#linger = setTimeout(() => this.#close(), lingerMs);
    };
  }

  #close(): void {
    this.#stop?.();
    this.#stop = null;
    this.#connections = 0;
    this.state.value = 'connecting';
    if (feeds.get(this.#db) === this) feeds.delete(this.#db);
  }

  /** After a pause nobody knows what was missed: watchers are told to look. */
  #opened(): void {
    this.#connections += 1;
    this.state.value = 'live';
    this.error.value = null;
    if (this.#connections > 1) this.count.value += 1;
  }

  #add(event: StudioCommitEvent): void {
    const own = Date.now() < this.#ownUntilMs && event.by.every(({ command }) => command === overHttp);
    const last = this.commits.peek()[0];
    const schemaChanged = last !== undefined && last.schemaVersion !== event.schemaVersion;
    const commit: Commit = { ...event, id: (last?.id ?? 0) + 1, own, schemaChanged };
    this.commits.value = [commit, ...this.commits.peek()].slice(0, keptCommits);
    if (!own) this.others.value += 1;
    this.count.value += 1;
    sawSchemaVersion(event.schemaVersion);
  }
}

const feeds = new Map<string, DatabaseFeed>();

function feedNamed(db: string): DatabaseFeed {
  const known = feeds.get(db);
  if (known) return known;
  const feed = new DatabaseFeed(db);
  feeds.set(db, feed);
  return feed;
}

/** The feed of a database; it runs for as long as somebody watches it (`useFeed`). */
export function feedOf(db: string): Feed {
  return feedNamed(db);
}

/** The feed of a database, running while the component is shown. */
export function useFeed(db: string): Feed {
  useEffect(() => feedNamed(db).watch(), [db]);
  return feedNamed(db);
}
