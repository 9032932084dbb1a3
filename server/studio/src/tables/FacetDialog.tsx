// The values of one column among the rows that the filters leave: how many, the most frequent ones, the least and the
// greatest. A click on a value makes it a filter.
import { useEffect, useState } from 'preact/hooks';
import type { StudioFacets } from '../../../messages/studio/rows.ts';
import type { StudioValue } from '../../../messages/studio/values.ts';
import { isAbort } from '../api/client.ts';
import { CellText } from '../grid/CellText.tsx';
import { Dialog } from '../ui/Dialog.tsx';
import { Problem } from '../ui/Problem.tsx';
import { count, counted, rowsText } from '../ui/sizes.ts';
import { chipFor, facetsOf } from './facets.ts';
import { readFacets } from './requests.ts';
import { applyQuery } from './show-query.ts';
import type { TableModel } from './use-table.ts';

interface Props {
  readonly model: TableModel;
  readonly column: string;
}

export function FacetDialog({ model, column }: Props) {
  const [found, setFound] = useState<StudioFacets | null>(null);
  const [error, setError] = useState<unknown>(null);
  const { sort: _, ...rows } = model.selection;
  useEffect(() => {
    const abort = new AbortController();
    setError(null);
    readFacets(model.db, { ...rows, column }, abort.signal).then(setFound, (cause: unknown) => {
      if (!isAbort(cause)) setError(cause);
    });
    return () => abort.abort();
  }, [column, JSON.stringify(rows)]);
  const close = () => {
    facetsOf.value = null;
  };
  useEffect(() => close, []); // with the table that it belongs to
  return (
    <Dialog title={`Values of ${column}`} size="small" onClose={close}>
      {error !== null && <Problem error={error} />}
      {found === null ? (
        error === null && <div class="loading" aria-busy="true" />
      ) : (
        <Found {...{ model, column, found }} />
      )}
    </Dialog>
  );
}

function Found({ model, column, found }: Props & { readonly found: StudioFacets }) {
  const { values, rows, distinct, nulls, least, greatest, exact } = found;
  const most = values[0]?.rows ?? 1;
  const others = distinct + (nulls > 0 ? 1 : 0) - values.length;
  return (
    <>
      <p class="muted">
        {exact ? rowsText(rows) : `The first ${rowsText(rows)}`}: {counted(distinct, 'value')}, {count(nulls)} NULL
      </p>
      {least !== null && (
        <dl class="facet-ends">
          <dt>Least</dt>
          <dd>
            <CellText value={least} />
          </dd>
          <dt>Greatest</dt>
          <dd>
            <CellText value={greatest} />
          </dd>
        </dl>
      )}
      <ul class="facet-list">
        {values.map(({ value, rows: number }) => (
          <li key={JSON.stringify(value)}>
            <Facet model={model} column={column} value={value} rows={number} part={number / most} />
          </li>
        ))}
      </ul>
      {others > 0 && <p class="muted">{counted(others, 'value is', 'values are')} less frequent.</p>}
    </>
  );
}

interface FacetProps extends Props {
  readonly value: StudioValue;
  readonly rows: number;
  /** Of the most frequent one, 0 to 1. */
  readonly part: number;
}

function Facet({ model, column, value, rows, part }: FacetProps) {
  const chip = chipFor(column, value);
  const content = (
    <>
      <span class="facet-bar" style={{ width: `${part * 100}%` }} />
      <span class="facet-value">
        <CellText value={value} />
      </span>
      <span class="count">{count(rows)}</span>
    </>
  );
  if (chip === null) return <span class="facet">{content}</span>;
  const choose = () => {
    const others = model.query.chips.filter((one) => one.column !== column);
    applyQuery({ ...model.query, chips: [...others, chip] });
    facetsOf.value = null;
  };
  return (
    <button type="button" class="facet" title="Only rows with this value" onClick={choose}>
      {content}
    </button>
  );
}
