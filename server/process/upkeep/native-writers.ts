// Finds out, in the server process, who made the changes that carry no name: looks where a table's log ends soon after
// every commit of a native client, and names the rows in between when a single process can have written them. Where two
// can, or nobody knows, they stay without a name: there is never a wrong one.

import type { WriteRecord, WriteWindow } from '../../index.ts';
import { ApiError } from '../../messages/errors.ts';
import type { LogEnds, NamedRows } from '../../messages/operations/kv-upkeep.ts';

/** Between two looks at one database: more looks tell more writers apart and cost the executors more. */
const lookMs = 50;
/** Rows are named together. */
const nameMs = 500;
const retryMs = 5000;
const nameMaxChars = 64;

export interface NativeWriterDeps {
  /** Where the log of each KV table ends now. @throws ApiError as every operation does */
  readonly ends: (path: string) => Promise<LogEnds>;
  /** Who wrote the database; null when nobody keeps a record. */
  readonly writers: (path: string) => Promise<WriteRecord | null>;
  /** Writes the names down; answers what was left undone. @throws ApiError */
  readonly name: (path: string, rows: readonly NamedRows[]) => Promise<readonly NamedRows[]>;
  /** Of this server: what it writes without a client is nobody's change. */
  readonly isExecutor: (pid: number) => boolean;
}

interface Look {
  /** Everything that was committed before is below the ends; nothing that was committed later is. */
  readonly fromMs: number;
  readonly toMs: number;
  readonly ends: LogEnds;
}

interface Watched {
  last: Look | undefined;
  isLooking: boolean;
  /** Somebody committed since the last look began. */
  isStale: boolean;
  rows: NamedRows[];
  isNaming: boolean;
  readonly timers: Set<NodeJS.Timeout>;
}

export class NativeWriters {
  readonly #deps: NativeWriterDeps;
  readonly #watched = new Map<string, Watched>();

  constructor(deps: NativeWriterDeps) {
    this.#deps = deps;
  }

  /** The database has KV tables: what is written from now on can be named. */
  watch(path: string): void {
    if (this.#watched.has(path)) return;
    this.#watched.set(path, {
      last: undefined,
      isLooking: false,
      isStale: false,
      rows: [],
      isNaming: false,
      timers: new Set(),
    });
    void this.#look(path);
  }

  /** These processes committed to the database. */
  onCommit(path: string, pids: readonly number[]): void {
    if (pids.every(this.#deps.isExecutor)) return;
    void this.#look(path);
  }

  forget(path: string): void {
    for (const timer of this.#watched.get(path)?.timers ?? []) clearTimeout(timer);
    this.#watched.delete(path);
  }

  stop(): void {
    for (const path of [...this.#watched.keys()]) this.forget(path);
  }

  async #look(path: string): Promise<void> {
    const watched = this.#watched.get(path);
    if (watched === undefined) return;
    watched.isStale = true;
    if (watched.isLooking) return;
    watched.isLooking = true;
    while (watched.isStale && this.#watched.get(path) === watched) {
      watched.isStale = false;
      try {
        await this.#lookOnce(path, watched);
      } catch {
        // The next look that succeeds tells of a longer time.
      }
      await this.#pause(watched, lookMs);
    }
    watched.isLooking = false;
  }

  async #lookOnce(path: string, watched: Watched): Promise<void> {
    const fromMs = monotonicMs();
    const ends = await this.#deps.ends(path);
    const look: Look = { fromMs, toMs: monotonicMs(), ends };
    const { last } = watched;
    if (last !== undefined && Object.entries(ends).some(([id, end]) => end.seq > (last.ends[id]?.seq ?? end.seq))) {
      // Asked after the look, so that whoever committed before it is in the record.
      const record = await this.#deps.writers(path);
      const client = onlyWriter(record, last.fromMs, look.toMs, this.#deps.isExecutor);
      if (client !== null) this.#remember(path, watched, rowsBetween(last.ends, ends, client));
    }
    watched.last = look;
  }

  #remember(path: string, watched: Watched, rows: readonly NamedRows[]): void {
    for (const row of rows) {
      const before = watched.rows.at(-1);
      const isSame = before?.tableId === row.tableId && before.client === row.client && before.toSeq === row.afterSeq;
      if (before !== undefined && isSame) watched.rows.splice(-1, 1, { ...before, toSeq: row.toSeq });
      else watched.rows.push(row);
    }
    if (!watched.isNaming) void this.#name(path, watched);
  }

  async #name(path: string, watched: Watched): Promise<void> {
    watched.isNaming = true;
    await this.#pause(watched, nameMs);
    while (watched.rows.length > 0 && this.#watched.get(path) === watched) {
      const rows = watched.rows.splice(0);
      try {
        watched.rows.unshift(...(await this.#deps.name(path, rows)));
      } catch (error) {
        if (!(error instanceof ApiError && error.status === 503)) break;
        watched.rows.unshift(...rows);
        await this.#pause(watched, retryMs);
      }
      await this.#pause(watched, lookMs);
    }
    watched.isNaming = false;
  }

  /** Never resolves for a database that is forgotten meanwhile. */
  #pause(watched: Watched, ms: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(() => {
        watched.timers.delete(timer);
        resolve();
      }, ms);
      watched.timers.add(timer.unref());
    });
  }
}

function rowsBetween(last: LogEnds, ends: LogEnds, client: string): NamedRows[] {
  return Object.entries(ends).flatMap(([tableId, { table, seq }]) => {
    const afterSeq = last[tableId]?.seq;
    return afterSeq === undefined || afterSeq >= seq ? [] : [{ tableId, table, afterSeq, toSeq: seq, client }];
  });
}

/**
 * The one native process that can have committed between two times, as text; null for none, two, or one without a name.
 */
export function onlyWriter(
  record: WriteRecord | null,
  fromMs: number,
  toMs: number,
  isExecutor: (pid: number) => boolean,
): string | null {
  if (record === null || record.completeSinceMs > fromMs) return null;
  const able = record.windows.filter(
    ({ pid, sinceMs, untilMs }) => sinceMs <= toMs && (untilMs === null || untilMs >= fromMs) && !isExecutor(pid),
  );
  const [first] = able;
  if (first === undefined || first.pid === 0) return null;
  const name = clientName(first);
  return able.every((window) => clientName(window) === name) ? name : null;
}

/** `native:python3[4711]@3f2a9c01d2b4`. What a process calls itself may be any text. */
function clientName({ command, pid, container }: WriteWindow): string {
  const plain = (text: string) => text.slice(0, nameMaxChars).replace(/[^\w.+:-]/g, '_');
  return `native:${plain(command)}[${pid}]@${plain(container)}`;
}

/** The clock of a WriteRecord. */
function monotonicMs(): number {
  return Number(process.hrtime.bigint()) / 1e6;
}
