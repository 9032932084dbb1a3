// What the studio asks of databases. executor/studio/ does it. Most replies are JSON, made in the executor: its type in
// messages/studio/ is named beside each.
import type { ErrorData } from '../errors.ts';
import { declare, type NoArgs } from '../operation.ts';
import type { Reply } from '../reply.ts';
import type { StudioApplied, StudioApplyRequest } from '../studio/edits.ts';
import type { StudioCsvDelimiter, StudioExportRequest, StudioImported } from '../studio/files.ts';
import type {
  StudioCellRequest,
  StudioCount,
  StudioFacetsRequest,
  StudioRowsRequest,
  StudioSelection,
} from '../studio/rows.ts';
import type { StudioSqlRequest } from '../studio/sql.ts';
import type { ItemRecord } from './sql.ts';

export interface StudioKeysRequest {
  readonly table: string;
  readonly prefix: string;
  /** '' for no levels. */
  readonly delimiter: string;
  /** '' for the first page. */
  readonly after: string;
  readonly limit: number;
  /** '' for none. */
  readonly search: string;
}

export interface StudioKvKeyRequest {
  readonly table: string;
  readonly key: string;
  /** Operation of its history; null: now. */
  readonly version: number | null;
  readonly cut: number;
}

export interface StudioKvHistoryRequest {
  readonly table: string;
  readonly key: string;
  /** Operation; null for the newest. */
  readonly before: number | null;
  readonly limit: number;
}

export interface StudioImportRequest {
  /** Of the file. */
  readonly path: string;
  readonly table: string;
  readonly format: 'csv' | 'json' | 'jsonl';
  readonly create: boolean;
  readonly header: boolean;
  /** Of CSV; auto: by the first records. */
  readonly delimiter: StudioCsvDelimiter | 'auto';
  readonly dryRun: boolean;
  /** Of a new table; null: guess. */
  readonly types: readonly string[] | null;
  readonly clientIp: string;
}

export interface Pulse {
  readonly schemaVersion: string;
  /** Changes with every commit. */
  readonly files: string;
}

/** Either a reply or why nothing was committed. */
export type SqlOutcome = {
  /** One for each statement, for the query history. */
  readonly records: readonly ItemRecord[];
  readonly wrote: boolean;
} & ({ readonly reply: Reply; readonly error: null } | { readonly reply: null; readonly error: ErrorData });

export const studio = {
  /** StudioSchema. */
  schema: declare<{ readonly db: string }, Reply>('studio.schema', 'sql-read'),

  /** StudioRows. */
  rows: declare<StudioRowsRequest, Reply>('studio.rows', 'sql-read'),

  /** `isEstimate`: without counting, after a count that took too long. */
  count: declare<{ readonly selection: StudioSelection; readonly isEstimate: boolean }, StudioCount>(
    'studio.count',
    'sql-read',
  ),

  /** StudioFacets. */
  facets: declare<StudioFacetsRequest, Reply>('studio.facets', 'sql-read'),

  /** StudioCell. */
  cell: declare<StudioCellRequest, Reply>('studio.cell', 'sql-read'),

  /** The bytes of a value alone. NULL has none; numbers are as SQLite writes them. */
  cellBytes: declare<StudioCellRequest, Uint8Array>('studio.cellBytes', 'sql-read'),

  /** null: committed, but the executor died before it could say more. */
  apply: declare<{ readonly request: StudioApplyRequest; readonly clientIp: string }, StudioApplied | null>(
    'studio.apply',
    'sql',
  ),

  /** StudioSqlAnswer. null: committed, but the executor died before it could say more. */
  sql: declare<{ readonly request: StudioSqlRequest; readonly clientIp: string }, SqlOutcome | null>(
    'studio.sql',
    'sql',
  ),

  /** As `sql`, of statements that seem only to read. */
  readingSql: declare<{ readonly request: StudioSqlRequest; readonly clientIp: string }, SqlOutcome | null>(
    'studio.readingSql',
    'sql-read',
  ),

  /** StudioPlan of the first statement. */
  explain: declare<StudioSqlRequest, Reply>('studio.explain', 'sql-read'),

  /** StudioKvTables. */
  kvTables: declare<NoArgs, Reply>('studio.kvTables', 'kv-scan'),

  /** StudioKeys. */
  kvKeys: declare<StudioKeysRequest, Reply>('studio.kvKeys', 'kv-scan'),

  /** StudioKvValue. */
  kvValue: declare<StudioKvKeyRequest, Reply>('studio.kvValue', 'kv-read'),

  /** The whole value, with its content type. */
  kvBytes: declare<StudioKvKeyRequest, Reply>('studio.kvBytes', 'kv-read'),

  /** StudioKvHistory. */
  kvHistory: declare<StudioKvHistoryRequest, Reply>('studio.kvHistory', 'kv-read'),

  /** Fills an empty database with the sample shop. */
  fillSample: declare<{ readonly clientIp: string }, NoArgs>('studio.fillSample', 'sql'),

  pulse: declare<NoArgs, Pulse>('studio.pulse', 'kv-read'),

  /** Writes the rows to a file that is not there yet. @returns how many */
  exportRows: declare<{ readonly request: StudioExportRequest; readonly path: string }, number>(
    'studio.export',
    'sql-read',
  ),

  /** null: committed, but the executor died before it could say more. */
  importRows: declare<StudioImportRequest, StudioImported | null>('studio.import', 'sql'),

  /** Copies the whole database to a file that is not there yet. */
  copy: declare<{ readonly path: string }, void>('studio.copy', 'sql-read'),
} as const;
