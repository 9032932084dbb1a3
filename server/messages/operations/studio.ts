// What the studio asks of databases. executor/studio/ does it. Most replies are JSON, made in the executor: its type in
// messages/studio.ts is named beside each.
import { declare } from '../operation.ts';
import type { Reply } from '../reply.ts';
import type {
  StudioApplied,
  StudioApplyRequest,
  StudioCellRequest,
  StudioCount,
  StudioRowsRequest,
  StudioSelection,
} from '../studio.ts';

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
} as const;
