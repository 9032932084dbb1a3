// The steps of the loop, guarded and timed. A step that throws is logged with its stack and costs nothing else; how long the longest one
// has taken is counted, since nobody's lock is served meanwhile.
import { FsError } from '../errors.ts';
import type { Log } from '../log.ts';

export interface Step {
  /** Only asked for when the step is worth mentioning. */
  readonly name: () => string;
  readonly run: () => void;
}

/** From here on a step counts as slow: README.md promises less. */
const slowMs = 5;
/** From here on it is logged: locks that take so long are felt. */
const stallMs = 100;
/** Between two lines of one kind, so that what happens at every turn does not fill the log. */
const logPauseMs = 1000;
/** What the operator has asked for cannot be had: the mount is not to be served. */
const fatalCodes = new Set(['no-passthrough']);

/** Since the fs process began. */
export interface StepCounts {
  readonly longestMs: number;
  /** The request's operation, or what the loop did between two requests; absent before the first step. */
  readonly longest?: string;
  /** Steps of 5 ms and more. */
  readonly slow: number;
}

export class Steps {
  readonly #log: Log;
  readonly #nextLogMs = new Map<string, number>();
  #sinceMs = 0;
  #longestMs = 0;
  #longest: string | undefined;
  #slow = 0;

  constructor(log: Log) {
    this.#log = log;
  }

  get counts(): StepCounts {
    const longest = this.#longest === undefined ? {} : { longest: this.#longest };
    return { longestMs: Math.round(this.#longestMs * 1000) / 1000, ...longest, slow: this.#slow };
  }

  /** The next step begins now: there was a wait. */
  begin(): void {
    this.#sinceMs = performance.now();
  }

  /** @throws FsError when the mount cannot be served at all */
  run(step: Step): void {
    try {
      step.run();
    } catch (error) {
      if (error instanceof FsError && fatalCodes.has(error.code)) throw error;
      const stack = error instanceof Error ? error.stack : String(error);
      this.#atTimes(`failed ${step.name()}`, () =>
        this.#log('error', 'step-failed', { step: step.name(), error: stack }),
      );
    }
    const nowMs = performance.now();
    const tookMs = nowMs - this.#sinceMs;
    this.#sinceMs = nowMs;
    if (tookMs > this.#longestMs) {
      this.#longestMs = tookMs;
      this.#longest = step.name();
    }
    if (tookMs < slowMs) return;
    this.#slow += 1;
    if (tookMs < stallMs) return;
    this.#atTimes(`stalled ${step.name()}`, () =>
      this.#log('warn', 'loop-stalled', { step: step.name(), tookMs: Math.round(tookMs) }),
    );
  }

  #atTimes(what: string, say: () => void): void {
    const nowMs = performance.now();
    if (nowMs < (this.#nextLogMs.get(what) ?? 0)) return;
    this.#nextLogMs.set(what, nowMs + logPauseMs);
    say();
  }
}
