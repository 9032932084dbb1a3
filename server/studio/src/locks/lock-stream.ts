// The locks of one database, or of all, as they change: snapshots of the public stream, drawn at most once a frame, and
// the events between them. A pause holds what is shown; the stream goes on, so that going on shows the present at once.
import { type ReadonlySignal, signal } from '@preact/signals';
import { errorText } from '../api/client.ts';
import { subscribe } from '../api/events.ts';
import { latestPerFrame } from './frames.ts';
import { eventsBetween, keptEvents, type LockEvent } from './lock-events.ts';
import type { LockSnapshot } from './snapshot.ts';

export interface TimedSnapshot {
  readonly snapshot: LockSnapshot;
  /** When it came, by `performance.now()`. */
  readonly atMs: number;
}

export class LockStream {
  readonly #shown = signal<TimedSnapshot | null>(null);
  readonly #events = signal<readonly LockEvent[]>([]);
  readonly #error = signal<string | null>(null);
  readonly #isPaused = signal(false);
  readonly #stop: () => void;
  #last: TimedSnapshot | null = null;
  #collected: LockEvent[] = [];
  #nextId = 1;

  /** `db` null: all databases of the mount. */
  constructor(db: string | null) {
    const frames = latestPerFrame<void>(() => this.#draw(), requestAnimationFrame, cancelAnimationFrame);
    const stop = subscribe('locks/stream', db === null ? {} : { db }, {
      onEvent: ({ event, data }) => {
        if (event !== 'snapshot' && event !== 'change') return;
        this.#take(JSON.parse(data) as LockSnapshot);
        frames.push();
      },
      onOpen: () => {
        this.#error.value = null;
      },
      onRefused: (error) => {
        this.#error.value = errorText(error);
      },
    });
    this.#stop = () => {
      stop();
      frames.stop();
    };
  }

  get shown(): ReadonlySignal<TimedSnapshot | null> {
    return this.#shown;
  }

  /** Newest first. */
  get events(): ReadonlySignal<readonly LockEvent[]> {
    return this.#events;
  }

  get error(): ReadonlySignal<string | null> {
    return this.#error;
  }

  get isPaused(): ReadonlySignal<boolean> {
    return this.#isPaused;
  }

  pause(isPaused: boolean): void {
    this.#isPaused.value = isPaused;
    if (!isPaused) this.#draw();
  }

  stop(): void {
    this.#stop();
  }

  #take(snapshot: LockSnapshot): void {
    const now = { snapshot, atMs: performance.now() };
    if (this.#last !== null) {
      const sinceMs = now.atMs - this.#last.atMs;
      const events = eventsBetween(this.#last.snapshot, snapshot, { atMs: Date.now(), sinceMs, firstId: this.#nextId });
      this.#nextId += events.length;
      this.#collected = [...events.reverse(), ...this.#collected].slice(0, keptEvents);
    }
    this.#last = now;
  }

  #draw(): void {
    if (this.#isPaused.peek()) return;
    this.#shown.value = this.#last;
    this.#events.value = this.#collected;
  }
}
