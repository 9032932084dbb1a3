// The server's routes for tables.
import type { StudioApplied, StudioApplyRequest } from '../../../messages/studio/edits.ts';
import type {
  StudioCell,
  StudioCellRequest,
  StudioCount,
  StudioFacets,
  StudioFacetsRequest,
  StudioRows,
  StudioRowsRequest,
  StudioSelection,
} from '../../../messages/studio/rows.ts';
import type { StudioValue } from '../../../messages/studio/values.ts';
import { post, request } from '../api/client.ts';

export function readRows(db: string, body: StudioRowsRequest, signal?: AbortSignal): Promise<StudioRows> {
  return post<StudioRows>('studio/rows', { db }, body, signal);
}

export function countRows(db: string, body: StudioSelection, signal?: AbortSignal): Promise<StudioCount> {
  return post<StudioCount>('studio/count', { db }, body, signal);
}

export function readFacets(db: string, body: StudioFacetsRequest, signal: AbortSignal): Promise<StudioFacets> {
  return post<StudioFacets>('studio/facets', { db }, body, signal);
}

/** The whole value, however long. */
export async function readCell(db: string, body: StudioCellRequest, signal?: AbortSignal): Promise<StudioValue> {
  return (await post<StudioCell>('studio/cell', { db }, body, signal)).value;
}

/** The value's bytes as they are, for a download. */
export async function readCellBytes(db: string, body: StudioCellRequest): Promise<Blob> {
  return (await request('POST', 'studio/cell', { query: { db, raw: true }, body })).blob();
}

/** @throws ApiError CONFLICT with a StudioConflicts as its body */
export function applyChanges(db: string, body: StudioApplyRequest): Promise<StudioApplied> {
  return post<StudioApplied>('studio/apply', { db }, body);
}
