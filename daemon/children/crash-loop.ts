// Tells a crash loop from bad luck. An fs process that dies is succeeded at once, and the kernel asks it for everything
// that its predecessor left unanswered: a request that kills its server would kill one after the other, while all
// clients wait.
import type { Death } from './kept-child.ts';

/** A process that dies sooner has hardly served anything, whatever killed it: starting takes about this long. */
const shortLifeMs = 400;
const windowMs = 30_000;
const mostDeaths = 5;

export class CrashLoop {
  readonly #deathsAtMs: number[] = [];

  /** True when it is time to give the connection up: five deaths in a row within 30 s that were not somebody's kill. */
  add({ livedMs, exit }: Death, nowMs: number): boolean {
    const isKill = exit?.signal === 'SIGKILL' && livedMs >= shortLifeMs;
    if (isKill) this.#deathsAtMs.length = 0;
    else this.#deathsAtMs.push(nowMs);
    while (nowMs - (this.#deathsAtMs[0] ?? nowMs) > windowMs) this.#deathsAtMs.shift();
    if (this.#deathsAtMs.length < mostDeaths) return false;
    this.#deathsAtMs.length = 0;
    return true;
  }
}
