// The query history of a database. executor/query-history.ts does it.
import { declare, type NoArgs } from '../operation.ts';

export interface HistoryEntry {
  readonly sql: string;
  readonly timestampMs: number;
  readonly durationMs: number;
  readonly rowCount: number;
  readonly error: string | null;
  readonly isStatement: boolean;
  readonly source: 'sql' | 'kv';
  readonly clientIp: string;
}

/** With the id that it is going to have in the table. Later entries have larger ids. */
export interface RecordedEntry extends HistoryEntry {
  readonly id: number;
}

/** What is recorded, oldest first. Some of it may be in the table by the time it is looked at. */
export interface Recorded {
  readonly entries: readonly RecordedEntry[];
  /** One of the entries is of a write: the table may be made for them. Else they are dropped where there is none. */
  readonly mayCreate: boolean;
}

export interface HistoryStats {
  readonly total_queries: number;
  readonly success_count: number;
  readonly failure_count: number;
  readonly avg_exec_time_ms: number;
  readonly last_minute: number;
  readonly last_hour: number;
}

export interface HistoryPage {
  readonly total: number;
  /** Newest first, as the API shows them. */
  readonly entries: readonly Record<string, unknown>[];
}

export const queryHistory = {
  append: declare<Recorded, null>('queryHistory.append', 'background'),

  list: declare<{ readonly limit: number; readonly offset: number; readonly recorded: Recorded }, HistoryPage>(
    'queryHistory.list',
    'kv-read',
  ),

  stats: declare<{ readonly recorded: Recorded }, HistoryStats>('queryHistory.stats', 'kv-read'),

  clear: declare<NoArgs, null>('queryHistory.clear', 'kv-write'),

  /** @throws ApiError HISTORY_ENTRY_NOT_FOUND */
  delete: declare<{ readonly id: number }, null>('queryHistory.delete', 'kv-write'),
} as const;
