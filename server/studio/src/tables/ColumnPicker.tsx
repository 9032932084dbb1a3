// Which columns are shown and which are pinned.
import { useState } from 'preact/hooks';
import { Dialog } from '../ui/Dialog.tsx';
import { Icon } from '../ui/Icon.tsx';
import { choicesOf, chooseColumn, resetColumns } from './column-choices.ts';
import { facetsOf } from './facets.ts';
import type { TableModel } from './use-table.ts';

interface Props {
  readonly model: TableModel;
  readonly onClose: () => void;
}

const searchFrom = 12;

export function ColumnPicker({ model, onClose }: Props) {
  return (
    <Dialog
      title={`Columns of ${model.object.name}`}
      size="small"
      onClose={onClose}
      actions={
        <>
          <button type="button" class="button" onClick={() => resetColumns(model.db, model.object.name)}>
            Show all as they were
          </button>
          <button type="button" class="button primary" onClick={onClose}>
            Done
          </button>
        </>
      }
    >
      <ColumnList model={model} />
    </Dialog>
  );
}

export function ColumnList({ model: { db, object } }: { readonly model: TableModel }) {
  const [search, setSearch] = useState('');
  const choices = choicesOf(db, object.name);
  const found = object.columns.filter(({ name }) => name.toLowerCase().includes(search.toLowerCase()));
  return (
    <div class="column-list">
      {object.columns.length > searchFrom && (
        <input
          class="field"
          type="search"
          aria-label="Find a column"
          placeholder="Find a column"
          value={search}
          onInput={(event) => setSearch(event.currentTarget.value)}
        />
      )}
      <ul>
        {found.map(({ name, type, primaryKey }) => {
          const { isHidden = false, isPinned = false } = choices[name] ?? {};
          const shownName = name === '' ? '(no name)' : name;
          return (
            <li key={name} class="column-line">
              <label class="check">
                <input
                  type="checkbox"
                  checked={!isHidden}
                  onChange={() => chooseColumn(db, object.name, name, { isHidden: !isHidden })}
                />
                <span class="column-name">{shownName}</span>
                <span class="muted">{type.toLowerCase()}</span>
                {primaryKey > 0 && <Icon name="key" size={14} />}
              </label>
              <button
                type="button"
                class="icon-button"
                aria-label={`Values of ${shownName}`}
                title="Its values"
                onClick={() => {
                  facetsOf.value = name;
                }}
              >
                <Icon name="chart" size={16} />
              </button>
              <button
                type="button"
                class="icon-button"
                aria-pressed={isPinned}
                aria-label={`Pin ${shownName} to the left`}
                title="Pin to the left"
                onClick={() => chooseColumn(db, object.name, name, { isPinned: !isPinned })}
              >
                <Icon name="pin" size={16} />
              </button>
            </li>
          );
        })}
      </ul>
    </div>
  );
}
