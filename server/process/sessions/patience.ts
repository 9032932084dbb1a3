// Which sessions have been silent for too long, by who waits for them: other sessions, requests, programs.
import { limits } from '../../messages/limits.ts';
import type { Places } from './places.ts';
import { type LockWait, type Pressure, pressureOf, type Session, whyToEnd } from './session.ts';

export interface PatienceDeps {
  /** Who waits for locks of the database, and for whom; empty without a mount. */
  readonly lockWaits: (path: string) => Promise<readonly LockWait[]>;
  /** Of executors that do what nobody waits for. */
  readonly upkeepPids: () => readonly number[];
  /** How long work of the server that may wait for a lock of the database has been at it, where no mount tells. */
  readonly writingForMs: (path: string) => number;
  readonly places: Places;
}

export class Patience {
  readonly #deps: PatienceDeps;

  constructor(deps: PatienceDeps) {
    this.#deps = deps;
  }

  /** Those that have to end, and what their clients are told. */
  async overdue(
    sessions: readonly Session[],
  ): Promise<readonly { readonly session: Session; readonly text: string }[]> {
    const nowMs = performance.now();
    const old = sessions.filter(({ beganMs }) => nowMs - beganMs >= limits.sessionIdleWaitedForMs);
    const paths = new Set(old.map(({ place }) => place.path));
    const waits = new Map<string, readonly LockWait[]>();
    for (const path of paths) waits.set(path, await this.#deps.lockWaits(path).catch(() => []));
    return old.flatMap((session) => {
      const text = whyToEnd(session, this.#pressureOn(session, waits.get(session.place.path) ?? []), nowMs);
      return text === null ? [] : [{ session, text }];
    });
  }

  #pressureOn({ executor, place }: Session, waits: readonly LockWait[]): Pressure {
    const { upkeepPids, writingForMs, places } = this.#deps;
    const { isWaitedFor, longestWaitMs } = pressureOf(waits, executor.pid, upkeepPids());
    const isBlocking = place.writes && writingForMs(place.path) > limits.sessionEndMs;
    return { isWaitedFor: isWaitedFor || isBlocking || places.isWaitedFor(place), longestWaitMs };
  }
}
