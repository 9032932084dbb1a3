// Whether the memory of the host or of the daemon's control group runs short, as the kernel tells it.
import { readFileSync } from 'node:fs';
import { limitFiles } from './plan.ts';

/** Of the last 10 s, in percent: so long some task waited for memory. */
const shortPercent = 10;

export interface MemoryTexts {
  /** Of a file `memory.pressure`, or of /proc/pressure/memory. */
  readonly pressure: string;
  /** Of a file `memory.events`; empty: there is none. */
  readonly events: string;
}

/** "some avg10=0.12 avg60=..." -> 0.12. 0 where it is not known. */
export function pressureOf(text: string): number {
  return Number(/^some avg10=([\d.]+)/m.exec(text)?.[1] ?? 0);
}

/** How often the group was held back or had something taken away at its limits. */
export function limitEventsOf(text: string): number {
  return [...text.matchAll(/^(?:high|max|oom) (\d+)$/gm)].reduce((sum, [, count]) => sum + Number(count), 0);
}

/** Asked again and again: whether memory was short since the last time. */
export class MemoryWatch {
  readonly #read: () => MemoryTexts;
  #events: number | undefined;

  constructor(read: () => MemoryTexts = readTexts) {
    this.#read = read;
  }

  isShort(): boolean {
    const { pressure, events } = this.#read();
    const before = this.#events;
    this.#events = limitEventsOf(events);
    return pressureOf(pressure) >= shortPercent || (before !== undefined && this.#events > before);
  }
}

function readTexts(): MemoryTexts {
  const limit = limitFiles(textOf('/proc/self/cgroup')).findLast((path) => path.endsWith('/memory.max'));
  const inGroup = (name: string) => (limit === undefined ? '' : textOf(limit.replace(/memory\.max$/, name)));
  return { pressure: inGroup('memory.pressure') || textOf('/proc/pressure/memory'), events: inGroup('memory.events') };
}

function textOf(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return ''; // the kernel counts no such thing here
  }
}
