// The history of one key as a timeline: who wrote a version, in plain words, where its dot stands, and which version
// was current at a time. Pure: times are arguments.
import type { StudioKvHistory } from '../../../messages/studio/keys.ts';

export type KeyVersion = StudioKvHistory['versions'][number];

export interface Author {
  /** `python3`, `10.0.0.7`, `a program`. */
  readonly name: string;
  /** `pid 4711 in container 3f2a9c01d2b4`, `over HTTP`. */
  readonly detail: string;
  readonly kind: 'address' | 'program' | 'unknown';
}

const words: Readonly<Record<string, string>> = {
  set: 'set',
  delete: 'deleted',
  incr: 'counted up',
  decr: 'counted down',
  push: 'element added',
  pop: 'last element taken',
  remove: 'element removed',
  expire: 'time to live set',
  persist: 'time to live removed',
  expired: 'expired',
  rollback: 'rolled back',
  unrecorded: 'written without history',
};

/** What a version's operation did, in a word or three. */
export function operationWords(operation: string): string {
  return words[operation.toLowerCase()] ?? operation.toLowerCase();
}

/** False: the write was made with history=false, so that its value is not known. */
export function hasValue({ operation }: KeyVersion): boolean {
  return operation.toLowerCase() !== 'unrecorded';
}

/** Reads `http 10.0.0.7`, `python3[4711] in 3f2a9c01d2b4` and whatever else the history may say. */
export function authorOf(who: string): Author {
  const address = /^http (.+)$/.exec(who)?.[1];
  if (address !== undefined) return { name: address, detail: 'over HTTP', kind: 'address' };
  const [, program, pid, container] = /^(.+)\[(\d+)\](?: in (.+))?$/.exec(who) ?? [];
  if (program === undefined) {
    return { name: 'a program', detail: 'not known which, on the file itself', kind: 'unknown' };
  }
  const place = container === undefined ? '' : container === 'host' ? ' on the host' : ` in container ${container}`;
  return { name: program, detail: `pid ${pid}${place}`, kind: 'program' };
}

/** `v14`, where versions are numbers. */
export function versionName(version: string): string {
  return /^\d+$/.test(version) ? `v${version}` : version;
}

/**
 * Where the dots of a strip stand, from 0 (oldest) to 1 (newest), in the order of `versions` (newest first). Gaps grow
 * with the logarithm of the time between: a burst of writes and a pause of months are both to be seen.
 */
export function dotPlaces(versions: readonly KeyVersion[]): number[] {
  if (versions.length === 0) return [];
  const times = versions.map(({ at }) => Date.parse(at));
  let sum = 0;
  const fromNewest = times.map((time, index) => {
    const newer = times[index - 1];
    if (newer !== undefined) sum += 1 + Math.log2(1 + Math.max(0, newer - time) / 1000);
    return sum;
  });
  return fromNewest.map((distance) => (sum === 0 ? 1 : 1 - distance / sum));
}

/** The version that was current at `timeMs`; undefined before the oldest one. Newest first. */
export function versionAt(versions: readonly KeyVersion[], timeMs: number): KeyVersion | undefined {
  return versions.find(({ at }) => Date.parse(at) <= timeMs);
}

export interface Day {
  /** `2026-11-28` in the reader's time zone. */
  readonly day: string;
  readonly versions: readonly KeyVersion[];
}

/** Versions by the day of the reader's clock, newest first. */
export function byDay(versions: readonly KeyVersion[]): Day[] {
  const days = new Map<string, KeyVersion[]>();
  for (const version of versions) {
    const day = dayOf(Date.parse(version.at));
    const list = days.get(day);
    if (list) list.push(version);
    else days.set(day, [version]);
  }
  return [...days].map(([day, list]) => ({ day, versions: list }));
}

/** `Today`, `Yesterday`, or the date. */
export function dayName(day: string, nowMs: number): string {
  if (day === dayOf(nowMs)) return 'Today';
  const yesterday = new Date(nowMs);
  yesterday.setDate(yesterday.getDate() - 1);
  return day === dayOf(yesterday.getTime()) ? 'Yesterday' : day;
}

function dayOf(timeMs: number): string {
  const date = new Date(timeMs);
  const two = (number: number) => `${number}`.padStart(2, '0');
  return `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`;
}
