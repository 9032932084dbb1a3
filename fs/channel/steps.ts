// The steps of the loop, guarded and timed. A step that throws is logged with its stack and costs nothing else; how
// long the longest one has taken is counted, since nobody's lock is served meanwhile. One look at the clock for each:
// in a virtual machine it costs up to 0.3 us, and a lock about 10.
import { FsError } from '../errors.ts';
import type { Log } from '../log.ts';

export interface Step {
  /** Only asked for when the step is worth mentioning. */
  readonly name: () => string;
  /** False: there was nothing to do. */
  readonly run: () => boolean;
}

/** From here on a step counts as slow: README.md promises less. */
const slowMs = 5;
/** From here on it is logged: locks that take so long are felt. */
const stallMs = 100;
/** Shorter steps are not worth a name. */
const leastMs = 1;
/** Between two lines of one kind, so that what happens at every turn does not fill the log. */
const logPauseMs = 1000;
/** What the operator has asked for cannot be had: the mount is not to be served. */
const fatalCodes = new Set(['no-passthrough']);

/** Since the fs process began. */
export interface StepCounts {
  readonly longestMs: number;
  /** The longest step of 1 ms and more of each operation, and of what the loop does between two requests. */
  readonly longestMsOf: Readonly<Record<string, number>>;
  /** Steps of 5 ms and more. */
  readonly slow: number;
}

export class Steps {
  readonly #log: Log;
  readonly #nextLogMs = new Map<string, number>();
  readonly #longestMsOf = new Map<string, number>();
  /** When the last step ended, or the wait after it. */
  #sinceMs = performance.now();
  #longestMs = 0;
  #slow = 0;

  constructor(log: Log) {
    this.#log = log;
  }

  get counts(): StepCounts {
    return { longestMs: this.#longestMs, longestMsOf: Object.fromEntries(this.#longestMsOf), slow: this.#slow };
  }

  /** There was a wait since the last step; it ended at `nowMs`. */
  waited(nowMs: number): void {
    this.#sinceMs = nowMs;
  }

  /** @throws FsError when the mount cannot be served at all */
  run(step: Step): void {
    try {
      if (!step.run()) return;
    } catch (error) {
      if (error instanceof FsError && fatalCodes.has(error.code)) throw error;
      const stack = error instanceof Error ? error.stack : String(error);
      const name = step.name();
      this.#atTimes(`failed ${name}`, () => this.#log('error', 'step-failed', { step: name, error: stack }));
    }
    const nowMs = performance.now();
    const tookMs = nowMs - this.#sinceMs;
    this.#sinceMs = nowMs;
    if (tookMs > this.#longestMs) this.#longestMs = tookMs;
    if (tookMs >= leastMs) this.#note(step.name(), tookMs);
  }

  #note(name: string, tookMs: number): void {
    this.#longestMsOf.set(name, Math.max(tookMs, this.#longestMsOf.get(name) ?? 0));
    if (tookMs < slowMs) return;
    this.#slow += 1;
    if (tookMs < stallMs) return;
    this.#atTimes('stalled', () => this.#log('warn', 'loop-stalled', { step: name, tookMs: Math.round(tookMs) }));
  }

  #atTimes(what: string, say: () => void): void {
    const nowMs = performance.now();
    if (nowMs < (this.#nextLogMs.get(what) ?? 0)) return;
    this.#nextLogMs.set(what, nowMs + logPauseMs);
    say();
  }
}
