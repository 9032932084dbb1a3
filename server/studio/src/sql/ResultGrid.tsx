// The rows of one result in the grid.
import { signal } from '@preact/signals';
import { useMemo } from 'preact/hooks';
import type { StudioResult } from '../../../messages/studio/sql.ts';
import { ReadGrid } from '../grid/ReadGrid.tsx';
import { LoadedRows } from '../grid/rows.ts';

const unchanging = signal(0);

export function ResultGrid({ result, label }: { readonly result: StudioResult; readonly label: string }) {
  const rows = useMemo(() => new LoadedRows(result.rows, unchanging), [result]);
  return <ReadGrid label={label} columns={result.columns} rows={rows} sample={result.rows} />;
}
