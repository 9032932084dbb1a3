// One table or view: filters above, the grid or cards, the panel of a row, staged edits below.
import { useEffect, useMemo, useRef, useState } from 'preact/hooks';
import type { StudioObject } from '../../../messages/studio/schema.ts';
import { connection } from '../api/client.ts';
import { type ColumnChoice, guessWidth, layOut } from '../grid/columns.ts';
import { selectAt, start } from '../grid/selection.ts';
import { useKey } from '../keys.ts';
import { isPhone } from '../layout.ts';
import { loadSchema } from '../session.ts';
import { lazy } from '../ui/lazy.tsx';
import { Problem } from '../ui/Problem.tsx';
import { SplitPane } from '../ui/SplitPane.tsx';
import { readOnlyReason } from './access.ts';
import { choicesOf } from './column-choices.ts';
import { addRow } from './edit-rows.ts';
import { facetsOf } from './facets.ts';
import { redo, staged, undo } from './staged-store.ts';
import { TableGrid } from './TableGrid.tsx';
import { TableHead } from './TableHead.tsx';
import type { Chip } from './table-query.ts';
import { useKeptPlace } from './use-kept-place.ts';
import { useTable } from './use-table.ts';

const Cards = lazy(() => import('./Cards.tsx').then((module) => module.Cards));
const StagedBar = lazy(() => import('./StagedBar.tsx').then((module) => module.StagedBar));
const FacetDialog = lazy(() => import('./FacetDialog.tsx').then((module) => module.FacetDialog));
const RowPanel = lazy(() => import('./RowPanel.tsx').then((module) => module.RowPanel));

interface Props {
  readonly db: string;
  readonly object: StudioObject;
}

const numberPx = { narrow: 52, wide: 88 } as const;

export function TableView({ db, object }: Props) {
  const model = useTable(db, object);
  const { paged, rows, count } = model;
  const [selection, setSelection] = useState(model.left === undefined ? start : selectAt(model.left.cursor));
  const [draft, setDraft] = useState<Chip | null>(null);
  const [isPanelOpen, setPanelOpen] = useState(false);
  const [asCards, setAsCards] = useState(true);
  const [isReviewing, setReviewing] = useState(false);
  const isReadOnly = readOnlyReason(object) !== null;
  const chosen = choicesOf(db, object.name);
  const choices = useMemo(() => (isPhone.value ? withPinnedKey(object, chosen) : chosen), [chosen, isPhone.value]);
  const columns = useMemo(() => describeColumns(object, model.query), [object, JSON.stringify(model.query)]);
  paged.version.value;
  // Guessed from the first rows that come, and not again: a filter does not move the columns.
  const hasSample = useRef(false);
  hasSample.current ||= paged.hasAnswer;
  const widths = useMemo(() => {
    const sample = paged.loaded().map(({ values }) => values);
    return columns.map((column, index) => guessWidth(column, index, sample));
  }, [object, hasSample.current]);
  const numberWidth = (count?.rows ?? 0) > 99_999 ? numberPx.wide : numberPx.narrow;
  const layout = useMemo(() => layOut(columns, widths, choices, numberWidth), [columns, widths, choices, numberWidth]);

  const { startAt, onScrolled } = useKeptPlace(model, selection);

  // Other rows: the cursor stays in its column.
  const placedIn = useRef(paged);
  useEffect(() => {
    if (placedIn.current === paged) return;
    placedIn.current = paged;
    setSelection(({ cursor }) => selectAt({ row: Math.min(0, cursor.row), column: cursor.column }));
  }, [paged]);
  // After a change of tables by a key: the keys go on in the rows.
  useEffect(() => {
    if (paged.hasAnswer && document.activeElement?.id === 'main') {
      document.querySelector<HTMLElement>('.grid [tabindex="0"], .card')?.focus();
    }
  }, [paged.hasAnswer]);
  useEffect(() => {
    if (!isReadOnly && paged.hasAnswer) StagedBar.preload(); // its keys are pressed right after the first edit
  }, [paged.hasAnswer]);
  useKey('review', () => {
    if (staged.peek().length === 0) return false;
    setReviewing(true);
  });
  useKey('undo', () => undo());
  useKey('redo', () => redo());
  useKey('reload', () => void paged.reload());

  const add = () => {
    addRow(model);
    setSelection(selectAt({ row: 0, column: 0 }));
    if (isPhone.value) setPanelOpen(true); // its fields are filled there
  };
  const applied = () => {
    void paged.reload();
    void loadSchema();
  };
  const error = paged.error.value;
  const isFirstError = error !== null && !paged.hasAnswer;
  const isAway = connection.value === 'lost'; // the banner says so, and the rows are read when it is back
  const list = isFirstError ? (
    <Problem error={error} onRetry={() => paged.need(0, 50)} />
  ) : isPhone.value && asCards ? (
    <Cards
      model={model}
      startAt={startAt}
      onScrolled={onScrolled}
      onOpen={(row) => {
        setSelection({ cursor: { row, column: 0 }, anchor: { row, column: 0 } });
        setPanelOpen(true);
      }}
    />
  ) : (
    <TableGrid
      model={model}
      columns={columns}
      layout={layout}
      numberWidth={numberWidth}
      startAt={startAt}
      onScrolled={onScrolled}
      selection={selection}
      onSelect={setSelection}
      onFilter={setDraft}
      onPanel={() => setPanelOpen((open) => !open)}
      onClosePanel={() => {
        setPanelOpen(false);
        return isPanelOpen;
      }}
    />
  );
  const panel = isPanelOpen && (
    <RowPanel
      model={model}
      row={selection.cursor.row}
      isReadOnly={isReadOnly}
      onMove={(by) => {
        const row = Math.max(0, Math.min(rows.count - 1, selection.cursor.row + by));
        setSelection({ cursor: { ...selection.cursor, row }, anchor: { ...selection.cursor, row } });
      }}
      onClose={() => setPanelOpen(false)}
    />
  );
  return (
    <div class="table-view">
      <TableHead
        model={model}
        draft={draft}
        onDraft={setDraft}
        asCards={asCards}
        onCards={setAsCards}
        onAdd={add}
        readOnly={readOnlyReason(object)}
      />
      {error !== null && paged.hasAnswer && !isAway && <Problem error={error} onRetry={() => void paged.reload()} />}
      <div class="table-body">
        {panel && !isPhone.value ? (
          <SplitPane
            name="row-panel"
            label="Width of the row panel"
            direction="columns"
            initial={68}
            first={list}
            second={panel}
          />
        ) : (
          <>
            {list}
            {panel}
          </>
        )}
      </div>
      {facetsOf.value !== null && <FacetDialog model={model} column={facetsOf.value} />}
      {staged.value.length > 0 && (
        <StagedBar db={db} onApplied={applied} isReviewing={isReviewing} onReview={setReviewing} />
      )}
    </div>
  );
}

/** A narrow window scrolls sideways: the key stays in it. */
function withPinnedKey(object: StudioObject, choices: Readonly<Record<string, ColumnChoice>>) {
  const [key] = object.columns.filter(({ primaryKey }) => primaryKey > 0);
  return key === undefined ? choices : { ...choices, [key.name]: { isPinned: true, ...choices[key.name] } };
}

function describeColumns(object: StudioObject, query: ReturnType<typeof useTable>['query']) {
  const references = new Set(object.references.flatMap(({ columns }) => columns));
  return object.columns.map((column) => {
    const sort = query.sort.find((key) => key.column === column.name);
    return {
      name: column.name,
      type: column.type,
      isKey: column.primaryKey > 0,
      isGenerated: column.generated !== null,
      isReference: references.has(column.name),
      sort: sort === undefined ? undefined : sort.isDescending ? ('descending' as const) : ('ascending' as const),
      isFiltered: query.chips.some((chip) => chip.column === column.name),
    };
  });
}
