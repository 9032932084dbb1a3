// Above the rows: name, count, filters, columns, actions.
import { useState } from 'preact/hooks';
import { tip } from '../keys.ts';
import { isPhone } from '../layout.ts';
import { linkTo, navigate } from '../location.ts';
import { BackLink } from '../ui/BackLink.tsx';
import { Icon } from '../ui/Icon.tsx';
import { lazy } from '../ui/lazy.tsx';
import { Menu } from '../ui/Menu.tsx';
import { count as grouped } from '../ui/sizes.ts';
import { tableActions } from './table-actions.ts';
import type { Chip } from './table-query.ts';
import type { TableModel } from './use-table.ts';

const ColumnPicker = lazy(() => import('./ColumnPicker.tsx').then((module) => module.ColumnPicker));
const Filters = lazy(() => import('./Filters.tsx').then((module) => module.Filters));
const LiveBadge = lazy(() => import('./LiveBadge.tsx').then((module) => module.LiveBadge));
const FilterSheet = lazy(() => import('./FilterSheet.tsx').then((module) => module.FilterSheet));

interface Props {
  readonly model: TableModel;
  readonly draft: Chip | null;
  readonly onDraft: (draft: Chip | null) => void;
  readonly asCards: boolean;
  readonly onCards: (asCards: boolean) => void;
  readonly onAdd: () => void;
  /** Why rows cannot be edited, or null. */
  readonly readOnly: string | null;
}

export function TableHead({ model, draft, onDraft, asCards, onCards, onAdd, readOnly }: Props) {
  const { object, query } = model;
  const [open, setOpen] = useState<'columns' | 'filters' | null>(null);
  const filterCount = query.chips.length + (query.where === '' ? 0 : 1);
  return (
    <div class="table-head">
      <div class="table-title">
        {isPhone.value && <BackLink label="All tables" />}
        <div class="table-names">
          <h1 class="table-name" title={object.name}>
            {object.name === '' ? '(no name)' : object.name}
          </h1>
          <Count model={model} />
        </div>
        {readOnly !== null && (
          <span class="tag" title={`Rows cannot be edited: ${readOnly}`}>
            read only: {readOnly}
          </span>
        )}
        <span class="spacer" />
        <LiveBadge db={model.db} onRead={(mayMove) => model.paged.reload({ flash: true, mayMove })} />
        {readOnly === null && (
          <button
            type="button"
            class={isPhone.value ? 'icon-button' : 'button'}
            title={tip('Add a row', 'row-add')}
            aria-label="Add a row"
            onClick={onAdd}
          >
            <Icon name="plus" size={16} />
            {!isPhone.value && 'Row'}
          </button>
        )}
        {isPhone.value ? (
          <>
            <button
              type="button"
              class="icon-button"
              aria-label={filterCount === 0 ? 'Filter, sort, columns' : `Filter, sort, columns: ${filterCount} filters`}
              onClick={() => setOpen('filters')}
            >
              <Icon name="filter" />
              {filterCount > 0 && <span class="badge">{filterCount}</span>}
            </button>
            <button
              type="button"
              class="icon-button"
              aria-label={asCards ? 'Show as a grid' : 'Show as cards'}
              onClick={() => onCards(!asCards)}
            >
              <Icon name={asCards ? 'table' : 'cards'} />
            </button>
          </>
        ) : (
          <button type="button" class="button" onClick={() => setOpen('columns')}>
            <Icon name="columns" size={16} />
            Columns
          </button>
        )}
        {!isPhone.value && (
          <button
            type="button"
            class="icon-button"
            aria-label="Read again"
            title={tip('Read again', 'reload')}
            onClick={() => void model.paged.reload()}
          >
            <Icon name="refresh" size={16} />
          </button>
        )}
        <Menu
          label={`More for ${object.name}`}
          items={[
            ...(isPhone.value
              ? [{ label: 'Read again', icon: 'refresh' as const, run: () => void model.paged.reload() }]
              : []),
            {
              label: 'Structure',
              icon: 'columns',
              run: () => navigate({ view: 'structure', params: { table: object.name } }),
            },
            ...tableActions.flatMap((actions) => actions(model)),
          ]}
        >
          <Icon name="more" />
        </Menu>
      </div>
      {(!isPhone.value || draft !== null) && (
        <div class="filter-line">
          <Filters model={model} draft={draft} onDraft={onDraft} />
        </div>
      )}
      {open === 'columns' && <ColumnPicker model={model} onClose={() => setOpen(null)} />}
      {open === 'filters' && (
        <FilterSheet model={model} draft={draft} onDraft={onDraft} onClose={() => setOpen(null)} />
      )}
    </div>
  );
}

/** With a link to all rows where filters leave none. */
function Count({ model }: { readonly model: TableModel }) {
  const { count, paged, query, object } = model;
  if (count === null) return paged.hasAnswer ? <span class="muted">counting ...</span> : null;
  const isFiltered = query.chips.length > 0 || query.where !== '';
  return (
    <span class="muted table-count">
      {count.exact ? '' : 'about '}
      {grouped(count.rows)} {count.rows === 1 ? 'row' : 'rows'}
      {isFiltered && (
        <>
          {' '}
          <a href={linkTo({ params: { table: object.name } })}>show all</a>
        </>
      )}
    </span>
  );
}
