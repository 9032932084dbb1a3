// The head of the grid: names, types, sort marks, bars that change the widths.

import { Icon } from '../ui/Icon.tsx';
import type { ColumnLayout, PlacedColumn } from './columns.ts';

interface Props {
  readonly layout: ColumnLayout;
  readonly free: readonly PlacedColumn[];
  readonly numberWidth: number;
  /** Place of the cursor's column, null where it is in a row below. */
  readonly cursor: number | null;
  readonly selectedFrom: number;
  readonly selectedTo: number;
  readonly onResize: (placed: PlacedColumn, width: number) => void;
}

export function Head({ layout, free, numberWidth, cursor, selectedFrom, selectedTo, onResize }: Props) {
  const cell = (placed: PlacedColumn) => (
    <HeadCell
      key={placed.index}
      placed={placed}
      hasCursor={cursor === placed.place}
      isSelected={placed.place >= selectedFrom && placed.place <= selectedTo}
      onResize={onResize}
    />
  );
  return (
    // biome-ignore lint/a11y/useSemanticElements: virtual columns cannot be a <table>; this is the APG's grid
    <div class="grid-head" role="rowgroup" style={{ width: `${layout.width}px` }}>
      {/* biome-ignore lint/a11y/useSemanticElements: see above */}
      {/* biome-ignore lint/a11y/useFocusableInteractive: the cells have the focus */}
      <div class="grid-head-row" role="row" aria-rowindex={1}>
        <div class="grid-pinned" role="presentation" style={{ width: `${layout.pinnedWidth}px` }}>
          {/* biome-ignore lint/a11y/useSemanticElements: see above */}
          <div
            class="grid-number"
            role="columnheader"
            aria-colindex={1}
            aria-label="Row number"
            tabIndex={cursor === -1 ? 0 : -1}
            data-place="-1:-1"
            style={{ width: `${numberWidth}px` }}
          >
            #
          </div>
          {layout.pinned.map(cell)}
        </div>
        {free.map(cell)}
      </div>
    </div>
  );
}

interface CellProps {
  readonly placed: PlacedColumn;
  readonly hasCursor: boolean;
  readonly isSelected: boolean;
  readonly onResize: Props['onResize'];
}

function HeadCell({ placed, hasCursor, isSelected, onResize }: CellProps) {
  const { column, place, width, left } = placed;
  const mark = column.isKey ? 'key' : column.isReference ? 'link' : undefined;
  return (
    // biome-ignore lint/a11y/useSemanticElements: see above
    <div
      class={`grid-head-cell${isSelected ? ' is-near' : ''}`}
      role="columnheader"
      aria-colindex={placed.index + 2}
      aria-sort={column.sort ?? 'none'}
      tabIndex={hasCursor ? 0 : -1}
      data-place={`-1:${place}`}
      title={[column.name, column.type, column.isKey ? 'key' : '', column.isGenerated ? 'generated' : '']
        .filter((part) => part !== '')
        .join(' - ')}
      style={{ left: `${left}px`, width: `${width}px` }}
    >
      {mark !== undefined && <Icon name={mark} size={13} />}
      <span class="head-name">{column.name === '' ? '(no name)' : column.name}</span>
      {column.sort !== undefined && <Icon name={column.sort === 'ascending' ? 'arrowUp' : 'arrowDown'} size={13} />}
      {column.isFiltered && <Icon name="filter" size={13} />}
      <span class="head-type">{column.type.toLowerCase()}</span>
      <span class="head-more" data-menu={place} aria-hidden="true">
        <Icon name="chevronDown" size={13} />
      </span>
      <span
        class="head-resize"
        aria-hidden="true"
        onPointerDown={(event) => {
          event.preventDefault();
          event.stopPropagation();
          startResize(event, width, (to) => onResize(placed, to));
        }}
        onDblClick={() => onResize(placed, 0)}
      />
    </div>
  );
}

function startResize(event: PointerEvent, width: number, onWidth: (width: number) => void): void {
  const bar = event.currentTarget as HTMLElement;
  const from = event.clientX;
  bar.setPointerCapture(event.pointerId);
  const move = ({ clientX }: PointerEvent) => onWidth(width + clientX - from);
  bar.addEventListener('pointermove', move);
  bar.addEventListener('lostpointercapture', () => bar.removeEventListener('pointermove', move), { once: true });
}
