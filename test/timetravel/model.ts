// A key-value store with a complete past, kept the simple way: a list of states for every key. The real one must agree
// with it about values, histories, snapshots, diffs, rollbacks and the change feed, whatever is done to it.

export interface State {
  readonly value: string;
  readonly type: string;
  readonly expireAt: number | null;
}

/** `gap`: nobody may know. */
export type Past = State | 'absent' | 'gap';

export interface Entry {
  readonly ts: number;
  readonly op: string;
  readonly after: Past;
}

interface Key {
  entries: Entry[];
  current: State | null;
  /** The state before the oldest entry. */
  base: Past;
  /** Second of the newest operation that was pruned. */
  prunedAt: number;
}

export interface Change {
  readonly key: string;
  readonly op: string;
}

export class Refused extends Error {
  readonly code: string;

  constructor(code: string) {
    super(code);
    this.code = code;
  }
}

export class Model {
  readonly keys = new Map<string, Key>();
  readonly changes: Change[] = [];
  now: number;

  constructor(now: number) {
    this.now = now;
  }

  live(key: string): State | null {
    const current = this.keys.get(key)?.current ?? null;
    return current === null || this.#isOver(current, this.now) ? null : current;
  }

  row(key: string): State | null {
    return this.keys.get(key)?.current ?? null;
  }

  /** What the API does before it writes a key: a row whose time is over is removed. */
  endOver(key: string): void {
    const found = this.#key(key);
    if (found.current !== null && this.#isOver(found.current, this.now)) {
      this.#add(key, 'EXPIRED', 'expire', null, true);
    }
  }

  /** A write of the API or of a native client. */
  write(key: string, op: string, change: string, next: State | null, isRecorded = true): void {
    this.#add(key, op, change, next, isRecorded);
  }

  rollback(key: string, steps: number): number {
    const found = this.keys.get(key);
    const before = structuredClone(found);
    const changesBefore = this.changes.length;
    this.endOver(key);
    const { entries } = this.#key(key);
    let count = 0;
    let at = entries.length;
    while (at > 0 && count < steps) {
      at -= 1;
      if (entries[at]?.op !== 'EXPIRED') count += 1;
      if (entries[at]?.op === 'UNRECORDED') this.#refuse('TIME_TRAVEL_CHAIN_GAP', key, before, changesBefore);
    }
    if (count === 0) this.#refuse('HISTORY_ENTRY_NOT_FOUND', key, before, changesBefore);
    const target = at === 0 ? this.#key(key).base : (entries[at - 1]?.after ?? 'gap');
    if (target === 'gap') this.#refuse('TIME_TRAVEL_CHAIN_GAP', key, before, changesBefore);
    const restored = this.#key(key);
    if (target !== 'absent') this.changes.push({ key, op: 'set' });
    else if (restored.current !== null) this.changes.push({ key, op: 'delete' });
    restored.current = target === 'absent' ? null : (target as State);
    restored.entries = entries.slice(0, at);
    return count;
  }

  /** The keys that a rollback of the whole table would write, with what it would make of them. */
  planRollback(seconds: number, forgottenAt: number): Map<string, State | null> {
    if (seconds < forgottenAt) throw new Refused('TIME_TRAVEL_CHAIN_GAP');
    const plan = new Map<string, State | null>();
    for (const [key, { entries }] of this.keys) {
      if (!entries.some(({ ts }) => ts > seconds)) continue;
      const past = this.at(key, seconds, forgottenAt);
      if (past === 'gap') throw new Refused('TIME_TRAVEL_CHAIN_GAP');
      const target = typeof past === 'string' || this.#isOver(past, this.now) ? null : past;
      const current = this.live(key);
      if (target === null ? current !== null : current === null || !isSame(target, current)) plan.set(key, target);
    }
    return plan;
  }

  /** `expired` keys count as absent. */
  at(key: string, seconds: number, forgottenAt: number): Past {
    const found = this.keys.get(key);
    if (found === undefined) return seconds < forgottenAt ? 'gap' : 'absent';
    const entry = found.entries.findLast(({ ts }) => ts <= seconds);
    if (entry === undefined && (seconds < found.prunedAt || seconds < forgottenAt)) return 'gap';
    const state = entry === undefined ? found.base : entry.after;
    return typeof state !== 'string' && this.#isOver(state, seconds) ? 'absent' : state;
  }

  sweep(): void {
    for (const key of this.keys.keys()) this.endOver(key);
  }

  /** Takes the oldest entries of every key out of the history. */
  prune(maxAgeSeconds: number, maxOps: number): void {
    for (const found of this.keys.values()) {
      const isPruned = ({ ts }: Entry, index: number) =>
        (maxAgeSeconds > 0 && ts <= this.now - maxAgeSeconds) || (maxOps > 0 && index < found.entries.length - maxOps);
      const kept = found.entries.findIndex((entry, index) => !isPruned(entry, index));
      const pruned = found.entries.splice(0, kept < 0 ? found.entries.length : kept);
      const last = pruned.at(-1);
      if (last === undefined) continue;
      found.base = last.after;
      found.prunedAt = Math.max(found.prunedAt, last.ts);
    }
  }

  /** A deleted key of which nothing is left is forgotten; when, is up to the store. */
  forget(key: string): void {
    this.keys.delete(key);
  }

  #key(key: string): Key {
    const found = this.keys.get(key) ?? { entries: [], current: null, base: 'absent', prunedAt: 0 };
    this.keys.set(key, found);
    return found;
  }

  #add(key: string, op: string, change: string, next: State | null, isRecorded: boolean): void {
    const found = this.#key(key);
    const after = isRecorded ? (next ?? 'absent') : 'gap';
    found.entries.push({ ts: this.now, op: isRecorded ? op : 'UNRECORDED', after });
    found.current = next;
    this.changes.push({ key, op: change });
  }

  #refuse(code: string, key: string, before: Key | undefined, changes: number): never {
    if (before === undefined) this.keys.delete(key);
    else this.keys.set(key, before);
    this.changes.length = changes;
    throw new Refused(code);
  }

  #isOver(state: State, seconds: number): boolean {
    return state.expireAt !== null && state.expireAt < seconds;
  }
}

export function isSame(one: State, other: State): boolean {
  return one.value === other.value && one.type === other.type && one.expireAt === other.expireAt;
}
