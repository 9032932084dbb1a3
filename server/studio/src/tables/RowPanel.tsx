// One row in full: every field, links to the rows it refers to, and who refers to it. On a phone it covers the page.
import { useState } from 'preact/hooks';
import type { StudioColumn } from '../../../messages/studio/schema.ts';
import type { StudioValue } from '../../../messages/studio/values.ts';
import { isCut } from '../api/values.ts';
import { CellText } from '../grid/CellText.tsx';
import { isPhone } from '../layout.ts';
import { Dialog } from '../ui/Dialog.tsx';
import { Icon } from '../ui/Icon.tsx';
import { count as grouped } from '../ui/sizes.ts';
import { deleteRows } from './edit-rows.ts';
import { ReferenceLink, Relations } from './Relations.tsx';
import type { TableModel } from './use-table.ts';
import { ValueDialog } from './ValueDialog.tsx';

interface Props {
  readonly model: TableModel;
  readonly row: number;
  readonly isReadOnly: boolean;
  /** To the row before (-1) or after (1). */
  readonly onMove: (by: number) => void;
  readonly onClose: () => void;
}

export function RowPanel(props: Props) {
  const { model, row, isReadOnly, onMove, onClose } = props;
  model.rows.version.value;
  const shown = model.rows.row(row);
  const title = shown?.state === 'added' ? 'New row' : `Row ${shown?.number ?? grouped(row + 1)}`;
  const tools = (
    <>
      <button type="button" class="icon-button" aria-label="Row before" onClick={() => onMove(-1)}>
        <Icon name="arrowUp" size={16} />
      </button>
      <button type="button" class="icon-button" aria-label="Row after" onClick={() => onMove(1)}>
        <Icon name="arrowDown" size={16} />
      </button>
      {!isReadOnly && shown !== undefined && (
        <button
          type="button"
          class="icon-button"
          aria-label={shown.state === 'deleted' ? 'Do not delete this row' : 'Delete this row'}
          title={shown.state === 'deleted' ? 'Do not delete this row' : 'Delete this row'}
          onClick={() => deleteRows(model, { top: row, bottom: row, left: 0, right: 0 })}
        >
          <Icon name={shown.state === 'deleted' ? 'undo' : 'trash'} size={16} />
        </button>
      )}
    </>
  );
  const body = shown === undefined ? <p class="muted">This row is not loaded.</p> : <Fields {...props} />;
  if (isPhone.value) {
    return (
      <Dialog title={title} onClose={onClose}>
        <div class="row-tools">{tools}</div>
        {body}
      </Dialog>
    );
  }
  return (
    <aside
      class="row-panel"
      aria-label={title}
      onKeyDown={(event) => {
        if (event.key === 'Escape' && (event.target as Element).closest('dialog') === null) onClose();
      }}
    >
      <header class="row-panel-head">
        <h2>{title}</h2>
        <span class="spacer" />
        {tools}
        <button type="button" class="icon-button" aria-label="Close the row" onClick={onClose}>
          <Icon name="close" size={16} />
        </button>
      </header>
      <div class="row-panel-body">{body}</div>
    </aside>
  );
}

function Fields({ model, row, isReadOnly }: Props) {
  const [open, setOpen] = useState<number | null>(null);
  const shown = model.rows.row(row);
  if (shown === undefined) return null;
  const { object } = model;
  return (
    <>
      <dl class="fields">
        {object.columns.map((column, at) => (
          <Field
            key={column.name}
            column={column}
            value={shown.values[at] ?? null}
            isEdited={shown.edited?.has(at) ?? false}
            isUnset={shown.unset?.has(at) ?? false}
            canEdit={!isReadOnly && column.generated === null && shown.state !== 'deleted'}
            onOpen={() => setOpen(at)}
          />
        ))}
      </dl>
      {object.references.map((relation) => (
        <ReferenceLink
          key={relation.columns.join('\n') + relation.table}
          model={model}
          relation={relation}
          values={shown.values}
        />
      ))}
      {shown.state !== 'added' && <Relations key={shown.id} model={model} values={shown.values} />}
      {open !== null && <ValueDialog key={open} model={model} row={row} column={open} onClose={() => setOpen(null)} />}
    </>
  );
}

interface FieldProps {
  readonly column: StudioColumn;
  readonly value: StudioValue;
  readonly isEdited: boolean;
  /** Of a new row: it gets its default. */
  readonly isUnset: boolean;
  readonly canEdit: boolean;
  readonly onOpen: () => void;
}

function Field({ column, value, isEdited, isUnset, canEdit, onOpen }: FieldProps) {
  const name = column.name === '' ? '(no name)' : column.name;
  return (
    <div class={`field-line${isEdited ? ' is-edited' : ''}`}>
      <dt>
        {name}
        {column.primaryKey > 0 && <Icon name="key" size={13} />}
        <span class="muted">{column.type.toLowerCase()}</span>
        {column.generated !== null && <span class="tag">generated</span>}
      </dt>
      <dd>
        <span class="field-value" dir="auto">
          {isUnset ? (
            <span class="value-note">default {column.defaultSql}</span>
          ) : typeof value === 'string' && value !== '' ? (
            value.slice(0, 4000)
          ) : (
            <CellText value={value} />
          )}
        </span>
        <button
          type="button"
          class="icon-button"
          aria-label={canEdit ? `Edit ${name}` : `Show ${name} in full`}
          title={canEdit ? 'Edit' : isCut(value) ? 'Show in full' : 'Show'}
          onClick={onOpen}
        >
          <Icon name={canEdit ? 'edit' : 'eye'} size={15} />
        </button>
      </dd>
    </div>
  );
}
