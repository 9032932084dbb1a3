// What the studio asks of databases. executor/studio/ does it. Most replies are JSON, made in the executor: its type in
// messages/studio.ts is named beside each.
import type { ErrorData } from '../errors.ts';
import { declare } from '../operation.ts';
import type { Reply } from '../reply.ts';
import type {
  StudioApplied,
  StudioApplyRequest,
  StudioCellRequest,
  StudioCount,
  StudioRowsRequest,
  StudioSelection,
  StudioSqlRequest,
} from '../studio.ts';
import type { ItemRecord } from './sql.ts';

/** Either a reply or why nothing was committed. */
export type SqlOutcome = {
  /** One for each statement, for the query history. */
  readonly records: readonly ItemRecord[];
  readonly wrote: boolean;
} & ({ readonly reply: Reply; readonly error: null } | { readonly reply: null; readonly error: ErrorData });

export const studio = {
  /** StudioSchema. */
  schema: declare<{ readonly db: string }, Reply>('studio.schema', 'sql'),

  /** StudioRows. */
  rows: declare<StudioRowsRequest, Reply>('studio.rows', 'sql'),

  /** `isEstimate`: without counting, after a count that took too long. */
  count: declare<{ readonly selection: StudioSelection; readonly isEstimate: boolean }, StudioCount>(
    'studio.count',
    'sql',
  ),

  /** StudioCell. */
  cell: declare<StudioCellRequest, Reply>('studio.cell', 'sql'),

  /** The bytes of a value alone. NULL has none; numbers are as SQLite writes them. */
  cellBytes: declare<StudioCellRequest, Uint8Array>('studio.cellBytes', 'sql'),

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

  /** StudioPlan of the first statement. */
  explain: declare<StudioSqlRequest, Reply>('studio.explain', 'sql'),
} as const;
