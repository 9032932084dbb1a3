// The filters as chips that are edited where they stand, and an own WHERE. What is shown is in the URL.
import { useEffect, useLayoutEffect, useRef, useState } from 'preact/hooks';
import { tip } from '../keys.ts';
import { Icon } from '../ui/Icon.tsx';
import { applyQuery } from './show-query.ts';
import { type Chip, hasText, operators } from './table-query.ts';
import type { TableModel } from './use-table.ts';

interface Props {
  readonly model: TableModel;
  /** A chip that is not applied yet. */
  readonly draft: Chip | null;
  readonly onDraft: (draft: Chip | null) => void;
}

export function Filters({ model, draft, onDraft }: Props) {
  const { query, object } = model;
  const [isWhereOpen, setWhereOpen] = useState(query.where !== '');
  const columns = object.columns.map(({ name }) => name);
  const setChip = (index: number, chip: Chip | null) =>
    applyQuery({
      ...query,
      chips: query.chips.flatMap((one, at) => (at === index ? (chip === null ? [] : [chip]) : [one])),
    });
  return (
    <div class="filters">
      {query.chips.map((chip, index) => (
        <ChipField
          key={`${index}:${chip.column}`}
          chip={chip}
          columns={columns}
          onChange={(next) => setChip(index, next)}
          onRemove={() => setChip(index, null)}
        />
      ))}
      {draft !== null && (
        <ChipField
          key={`draft:${draft.column}`}
          chip={draft}
          columns={columns}
          isDraft
          onChange={(chip) => {
            onDraft(null);
            applyQuery({ ...query, chips: [...query.chips, chip] });
            focusGrid();
          }}
          onRemove={() => {
            onDraft(null);
            focusGrid();
          }}
        />
      )}
      <button
        type="button"
        class="button quiet"
        title={tip('Filter by a column', 'filter')}
        onClick={() => onDraft({ column: columns[0] ?? '', operator: '=', text: '' })}
      >
        <Icon name="filter" size={15} />
        Filter
      </button>
      {isWhereOpen ? (
        <WhereField
          where={query.where}
          onApply={(where) => {
            applyQuery({ ...query, where });
            if (where === '') setWhereOpen(false);
          }}
        />
      ) : (
        <button
          type="button"
          class="button quiet"
          title="Filter by an SQL expression"
          onClick={() => setWhereOpen(true)}
        >
          WHERE
        </button>
      )}
    </div>
  );
}

/** From a filter that is done back to the rows. */
function focusGrid(): void {
  setTimeout(() => {
    if (document.activeElement === document.body) document.querySelector<HTMLElement>('.grid [tabindex="0"]')?.focus();
  });
}

interface ChipProps {
  readonly chip: Chip;
  readonly columns: readonly string[];
  readonly isDraft?: boolean;
  readonly onChange: (chip: Chip) => void;
  readonly onRemove: () => void;
}

function ChipField({ chip, columns, isDraft = false, onChange, onRemove }: ChipProps) {
  const [now, setNow] = useState(chip);
  const value = useRef<HTMLInputElement>(null);
  const box = useRef<HTMLDivElement>(null);
  /** Escape was pressed: what was typed is not applied when the field loses the focus. */
  const isLeft = useRef(false);
  useEffect(() => setNow(chip), [chip.column, chip.operator, chip.text]);
  useLayoutEffect(() => {
    if (isDraft) value.current?.focus();
  }, []);
  const choose = (next: Chip) => {
    setNow(next);
    if (!hasText(next.operator)) onChange(next);
    else if (!isDraft) onChange(next);
    else value.current?.focus();
  };
  return (
    // biome-ignore lint/a11y/useSemanticElements: a <fieldset> cannot be laid out as a chip in a line
    <div
      ref={box}
      class={`chip${isDraft ? ' is-draft' : ''}`}
      role="group"
      aria-label={`Filter by ${now.column}`}
      onFocusOut={(event) => {
        const isInside = box.current?.contains(event.relatedTarget as Node | null);
        if (isDraft && !isInside && now.text === '' && event.relatedTarget !== null) onRemove();
      }}
      onKeyDown={(event) => {
        if (event.key !== 'Escape') return;
        isLeft.current = true;
        event.stopPropagation();
        setNow(chip);
        if (isDraft) onRemove();
        else value.current?.blur();
      }}
    >
      <select
        aria-label="Column"
        value={now.column}
        onChange={(event) => choose({ ...now, column: event.currentTarget.value })}
      >
        {columns.map((name) => (
          <option key={name} value={name}>
            {name === '' ? '(no name)' : name}
          </option>
        ))}
      </select>
      <select
        aria-label="Comparison"
        value={now.operator}
        onChange={(event) => {
          const operator = operators.find(({ id }) => id === event.currentTarget.value)?.id ?? '=';
          choose({ ...now, operator });
        }}
      >
        {operators.map(({ id, label }) => (
          <option key={id} value={id}>
            {label}
          </option>
        ))}
      </select>
      {hasText(now.operator) && (
        <input
          ref={value}
          aria-label="Value"
          placeholder={now.operator === 'in' ? 'a, b, c' : 'value'}
          spellcheck={false}
          autocomplete="off"
          value={now.text}
          size={Math.max(6, Math.min(28, now.text.length + 1))}
          onInput={(event) => setNow({ ...now, text: event.currentTarget.value })}
          onKeyDown={(event) => {
            if (event.key === 'Enter') onChange(now);
          }}
          onFocus={() => {
            isLeft.current = false;
          }}
          onBlur={() => {
            if (now.text !== chip.text && !isLeft.current) onChange(now);
          }}
        />
      )}
      <button type="button" class="chip-remove" aria-label={`Remove the filter by ${now.column}`} onClick={onRemove}>
        <Icon name="close" size={13} />
      </button>
    </div>
  );
}

function WhereField({ where, onApply }: { readonly where: string; readonly onApply: (where: string) => void }) {
  const [text, setText] = useState(where);
  const field = useRef<HTMLInputElement>(null);
  useEffect(() => setText(where), [where]);
  useLayoutEffect(() => {
    if (where === '') field.current?.focus();
  }, []);
  return (
    <form
      class="where"
      onSubmit={(event) => {
        event.preventDefault();
        onApply(text.trim());
      }}
    >
      <label>
        <span class="where-label">WHERE</span>
        <input
          ref={field}
          class="where-field"
          placeholder="score > 50 AND name LIKE 'A%'"
          spellcheck={false}
          autocomplete="off"
          value={text}
          onInput={(event) => setText(event.currentTarget.value)}
        />
      </label>
      <button type="submit" class="chip-remove" aria-label="Apply the WHERE" title="Apply (Enter)">
        <Icon name="check" size={14} />
      </button>
      <button type="button" class="chip-remove" aria-label="Remove the WHERE" onClick={() => onApply('')}>
        <Icon name="close" size={13} />
      </button>
    </form>
  );
}
