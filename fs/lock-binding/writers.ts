// Who wrote which database when, for as long as there is room: from the first lock of a transaction that wrote to the
// end of its write lock. The server asks for it to say who made a change that it finds in a database.
import type { ProcessIdentity } from '../locks/types.ts';
import { nameProcess, type ProcessName } from './processes.ts';

const mostWindows = 128;
const mostDatabases = 256;
/** Windows of one process with a shorter pause between them count as one. */
const joinMs = 5;

interface Window {
  readonly writer: ProcessIdentity;
  readonly sinceMs: number;
  untilMs: number;
  /** Undefined until nameNew was called. */
  name: ProcessName | undefined;
}

interface Record {
  completeSinceMs: number;
  /** By their begin. */
  readonly windows: Window[];
  readonly lastOf: Map<string, Window>;
}

/** The answer to the query `writers`. Times are milliseconds of the system's monotonic clock. */
export interface WriterRecord {
  /** Who wrote before this time may be missing. */
  readonly completeSinceMs: number;
  readonly windows: readonly WriteWindow[];
}

export interface WriteWindow extends ProcessName {
  /** 0: not to be seen from here, as in a sibling's pid namespace. */
  readonly pid: number;
  readonly sinceMs: number;
  /** null: it holds the write lock now. */
  readonly untilMs: number | null;
}

export class Writers {
  readonly #records = new Map<string, Record>();
  #completeSinceMs: number;
  #unnamed: Window[] = [];
  readonly #nameOf: (pid: number) => ProcessName;

  /** `mayWait`: see nameProcess. False while clients map files that the caller itself reads and writes. */
  constructor(nowMs: number, mayWait: () => boolean = () => true) {
    this.#completeSinceMs = nowMs;
    this.#nameOf = (pid) => nameProcess(pid, mayWait());
  }

  /** A write lock was given back. */
  note(database: string, writer: ProcessIdentity, sinceMs: number, untilMs: number): void {
    const record = this.#recordOf(database);
    const last = record.lastOf.get(writer.key);
    if (last && sinceMs - last.untilMs <= joinMs) {
      last.untilMs = untilMs;
      return;
    }
    const window: Window = { writer, sinceMs, untilMs, name: last?.name };
    if (!window.name) this.#unnamed.push(window);
    record.lastOf.set(writer.key, window);
    if (record.windows.push(window) <= mostWindows) return;
    const dropped = record.windows.shift();
    if (!dropped) return;
    record.completeSinceMs = Math.max(record.completeSinceMs, dropped.untilMs);
    if (record.lastOf.get(dropped.writer.key) === dropped) record.lastOf.delete(dropped.writer.key);
  }

  /** To be called between two requests, soon after a note: the process is there as long as it has the file open. */
  nameNew(): void {
    if (this.#unnamed.length === 0) return;
    for (const window of this.#unnamed) window.name = this.#nameOf(window.writer.pid);
    this.#unnamed = [];
  }

  /** `current` holds the write lock. `toMonotonicMs` is what to add to the times of the notes. */
  of(
    database: string,
    current: { readonly writer: ProcessIdentity; readonly sinceMs: number } | undefined,
    toMonotonicMs: number,
  ): WriterRecord {
    this.nameNew();
    const record = this.#records.get(database);
    const windows = (record?.windows ?? []).map(({ writer: { pid }, name = this.#nameOf(pid), sinceMs, untilMs }) => ({
      ...name,
      pid,
      sinceMs: sinceMs + toMonotonicMs,
      untilMs: untilMs + toMonotonicMs,
    }));
    const open = current && {
      ...this.#nameOf(current.writer.pid),
      pid: current.writer.pid,
      sinceMs: current.sinceMs + toMonotonicMs,
      untilMs: null,
    };
    return {
      completeSinceMs: (record?.completeSinceMs ?? this.#completeSinceMs) + toMonotonicMs,
      windows: open ? [...windows, open] : windows,
    };
  }

  #recordOf(database: string): Record {
    const known = this.#records.get(database);
    if (known) return known;
    for (const [oldest, record] of this.#records) {
      if (this.#records.size < mostDatabases) break;
      this.#records.delete(oldest);
      for (const { untilMs } of record.windows) this.#completeSinceMs = Math.max(this.#completeSinceMs, untilMs);
    }
    const made: Record = { completeSinceMs: this.#completeSinceMs, windows: [], lastOf: new Map() };
    this.#records.set(database, made);
    return made;
  }
}
