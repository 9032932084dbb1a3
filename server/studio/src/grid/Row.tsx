// One row of the grid. Drawn again only when something of its own has changed.
import { Component } from 'preact';
import type { StudioValue } from '../../../messages/studio/values.ts';
import { kindOf } from '../api/values.ts';
import { CellEditor, type EditEnd } from './CellEditor.tsx';
import { CellText } from './CellText.tsx';
import type { PlacedColumn } from './columns.ts';
import type { GridRow } from './rows.ts';

export interface RowProps {
  readonly index: number;
  readonly row: GridRow | undefined;
  readonly top: number;
  readonly width: number;
  readonly numberWidth: number;
  readonly pinnedWidth: number;
  readonly pinned: readonly PlacedColumn[];
  readonly free: readonly PlacedColumn[];
  /** Place of the cursor's column in the order shown, -1 for the row number, null where it is in another row. */
  readonly cursor: number | null;
  /** Selected columns in the order shown. */
  readonly selectedFrom: number;
  readonly selectedTo: number;
  /** Place of the column that is edited, or null. */
  readonly editing: number | null;
  readonly isOutside: boolean;
  readonly onEditEnd: (end: EditEnd, text: string) => void;
  readonly editText: (value: StudioValue) => string;
}

export class Row extends Component<RowProps> {
  override shouldComponentUpdate(next: RowProps): boolean {
    const now = this.props;
    return (Object.keys(next) as (keyof RowProps)[]).some((name) => next[name] !== now[name]);
  }

  override render() {
    const { index, row, top, width, pinned, free, isOutside, pinnedWidth } = this.props;
    return (
      // biome-ignore lint/a11y/useFocusableInteractive: the cells of a grid have the focus, not its rows
      // biome-ignore lint/a11y/useSemanticElements: virtual rows and columns cannot be a <table>; this is the APG's grid
      <div
        class={`grid-row${row?.state === undefined ? '' : ` is-${row.state}`}${isOutside ? ' is-outside' : ''}`}
        role="row"
        aria-rowindex={index + 2}
        style={{ transform: `translateY(${top}px)`, width: `${width}px` }}
      >
        <div class="grid-pinned" role="presentation" style={{ width: `${pinnedWidth}px` }}>
          {this.#number()}
          {pinned.map((placed) => this.#cell(placed))}
        </div>
        {free.map((placed) => this.#cell(placed))}
      </div>
    );
  }

  #number() {
    const { index, row, numberWidth, cursor, selectedFrom } = this.props;
    return (
      // biome-ignore lint/a11y/useSemanticElements: see above
      <div
        class={`grid-number${selectedFrom === 0 && this.props.selectedTo >= 0 ? ' is-near' : ''}`}
        role="rowheader"
        aria-colindex={1}
        tabIndex={cursor === -1 ? 0 : -1}
        data-place={`${index}:-1`}
        style={{ width: `${numberWidth}px` }}
      >
        {row?.state === 'added' ? 'new' : (row?.number ?? index + 1)}
      </div>
    );
  }

  #cell({ index: at, place, column, left, width }: PlacedColumn) {
    const { index, row, cursor, selectedFrom, selectedTo, editing } = this.props;
    const value = row?.values[at] ?? null;
    const isEditing = editing === place && row !== undefined;
    const isSelected = place >= selectedFrom && place <= selectedTo;
    const kind = kindOf(value);
    const classes = [
      'grid-cell',
      kind === 'integer' || kind === 'real' ? 'is-number' : '',
      isSelected ? 'is-selected' : '',
      row?.edited?.has(at) ? 'is-edited' : '',
      row?.changed?.has(at) ? 'is-changed' : '',
      isEditing ? 'is-editing' : '',
      column.isGenerated ? 'is-generated' : '',
    ];
    return (
      // biome-ignore lint/a11y/useSemanticElements: see above
      <div
        key={at}
        class={classes.filter((name) => name !== '').join(' ')}
        role="gridcell"
        aria-colindex={at + 2}
        aria-selected={isSelected}
        tabIndex={cursor === place ? 0 : -1}
        data-place={`${index}:${place}`}
        dir="auto"
        style={{ left: `${left}px`, width: `${width}px` }}
      >
        {isEditing ? (
          <CellEditor label={column.name} text={this.props.editText(value)} onEnd={this.props.onEditEnd} />
        ) : (
          row !== undefined &&
          (row.unset?.has(at) ? <span class="value-note">default</span> : <CellText value={value} />)
        )}
      </div>
    );
  }
}
