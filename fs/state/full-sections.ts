// What was refused since a section of the surviving memory is full: a lock, a wait or an open file that a successor
// could not know of would be lost without a word when it takes over. Whoever asks hears it now instead.
import type { Log } from '../log.ts';

export type SectionName = 'locks' | 'waiters' | 'handles' | 'nodes';

const logPauseMs = 60_000;
const whatIsRefused: Readonly<Record<SectionName, string>> = {
  locks: 'locks, with ENOLCK',
  waiters: 'waiting for a lock, with ENOLCK',
  handles: 'opening files, with ENFILE',
  nodes: 'files that nobody has asked for yet, with ENFILE',
};

export class FullSections {
  readonly #log: Log;
  readonly #nextLogMs = new Map<SectionName, number>();
  #refusals = 0;

  constructor(log: Log) {
    this.#log = log;
  }

  /** Since this process began. */
  get refusals(): number {
    return this.#refusals;
  }

  /** A request was refused; told once a minute. */
  refused(section: SectionName): void {
    this.#refusals += 1;
    const nowMs = performance.now();
    if (nowMs < (this.#nextLogMs.get(section) ?? 0)) return;
    this.#nextLogMs.set(section, nowMs + logPauseMs);
    this.#log('error', 'section-full', { section, refused: whatIsRefused[section], refusals: this.#refusals });
  }
}
