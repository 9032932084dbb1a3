// On a phone: filters, order and columns in one sheet. What the head of a grid offers is all reachable from here.
import { Dialog } from '../ui/Dialog.tsx';
import { ColumnList } from './ColumnPicker.tsx';
import { Filters } from './Filters.tsx';
import { applyQuery } from './show-query.ts';
import type { Chip } from './table-query.ts';
import type { TableModel } from './use-table.ts';

interface Props {
  readonly model: TableModel;
  readonly draft: Chip | null;
  readonly onDraft: (draft: Chip | null) => void;
  readonly onClose: () => void;
}

export function FilterSheet({ model, draft, onDraft, onClose }: Props) {
  const { query, object } = model;
  const [sort] = query.sort;
  const setSort = (column: string, isDescending: boolean) =>
    applyQuery({ ...query, sort: column === '\n' ? [] : [{ column, isDescending }] });
  return (
    <Dialog
      title="Filter, sort, columns"
      onClose={onClose}
      actions={
        <button type="button" class="button primary" onClick={onClose}>
          Show the rows
        </button>
      }
    >
      <section class="sheet-part">
        <h3>Filters</h3>
        <Filters model={model} draft={draft} onDraft={onDraft} />
      </section>
      <section class="sheet-part">
        <h3>Order</h3>
        <div class="sheet-row">
          <select
            class="field"
            aria-label="Sort by"
            value={sort?.column ?? '\n'}
            onChange={(event) => setSort(event.currentTarget.value, sort?.isDescending ?? false)}
          >
            <option value={'\n'}>By key</option>
            {object.columns.map(({ name }) => (
              <option key={name} value={name}>
                {name === '' ? '(no name)' : name}
              </option>
            ))}
          </select>
          <button
            type="button"
            class="button"
            disabled={sort === undefined}
            onClick={() => sort !== undefined && setSort(sort.column, !sort.isDescending)}
          >
            {sort?.isDescending ? 'descending' : 'ascending'}
          </button>
        </div>
      </section>
      <section class="sheet-part">
        <h3>Columns</h3>
        <ColumnList model={model} />
      </section>
    </Dialog>
  );
}
