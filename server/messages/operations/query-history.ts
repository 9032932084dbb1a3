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
  /** Adds entries; the table is only made for entries of a write. */
  append: declare<{ readonly entries: readonly HistoryEntry[]; readonly mayCreate: boolean }, null>(
    'queryHistory.append',
    'background',
  ),

  list: declare<{ readonly limit: number; readonly offset: number }, HistoryPage>('queryHistory.list', 'kv-read'),

  stats: declare<NoArgs, HistoryStats>('queryHistory.stats', 'kv-read'),

  clear: declare<NoArgs, null>('queryHistory.clear', 'kv-write'),

  /** @throws ApiError HISTORY_ENTRY_NOT_FOUND */
  delete: declare<{ readonly id: number }, null>('queryHistory.delete', 'kv-write'),
} as const;
