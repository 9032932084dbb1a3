// Rows of a shared table, page by page.
import { useEffect, useMemo } from 'preact/hooks';
import type { StudioRows } from '../../../messages/studio/rows.ts';
import type { StudioShare } from '../../../messages/studio/shares.ts';
import { PagedRows } from '../grid/paged-rows.ts';
import { ReadGrid } from '../grid/ReadGrid.tsx';
import type { AskShared } from './ask-shared.ts';
import { SharedRows } from './shared-rows.ts';

interface Props {
  readonly share: StudioShare;
  /** The answer that told what the share is. */
  readonly first: StudioRows;
  readonly ask: AskShared;
}

export function SharedTable({ share, first, ask }: Props) {
  const [paged, rows] = useMemo(() => {
    const pages = new PagedRows(async (from, _, signal) =>
      from === undefined ? first : ((await ask({ from }, signal)).rows ?? first),
    );
    return [pages, new SharedRows(pages)] as const;
  }, [share.id]);
  useEffect(() => () => paged.stop(), [paged]);
  return (
    <ReadGrid label={share.title} columns={first.columns} rows={rows} sample={first.rows.map(({ values }) => values)} />
  );
}
