// The choices of an export: format, rows, columns, and the guard against formulas.
import { DelimiterField } from '../ui/DelimiterField.tsx';
import { rowsText } from '../ui/sizes.ts';
import { type ExportChoices, formats, isFiltered } from './request.ts';
import type { ExportWanted } from './wanted.ts';

interface Props {
  readonly wanted: Exclude<ExportWanted, { readonly kind: 'file' }>;
  readonly choices: ExportChoices;
  readonly isDisabled: boolean;
  readonly onChange: (choices: ExportChoices) => void;
}

export function ExportFields({ wanted, choices, isDisabled, onChange }: Props) {
  const change = (changes: Partial<ExportChoices>) => onChange({ ...choices, ...changes });
  return (
    <>
      <fieldset class="choice-list" disabled={isDisabled}>
        <legend>Format</legend>
        {formats.map(({ id, label, note }) => (
          <Choice
            key={id}
            type="radio"
            label={label}
            note={note}
            isOn={choices.format === id}
            onChange={() => change({ format: id })}
          />
        ))}
      </fieldset>
      <fieldset class="choice-list" disabled={isDisabled}>
        <legend>What goes in</legend>
        {wanted.kind === 'query' ? (
          <p class="muted">All rows of the query, not only those that are shown. It runs again for that.</p>
        ) : (
          <TableFields wanted={wanted} choices={choices} change={change} />
        )}
        {choices.format === 'csv' && (
          <DelimiterField value={choices.delimiter} onChange={(delimiter) => change({ delimiter })} />
        )}
        {choices.format === 'csv' && (
          <Choice
            type="checkbox"
            label="Guard against formulas"
            note={
              "Puts ' before text that begins with = + - or @, which a spreadsheet would run. The text is changed by it."
            }
            isOn={choices.guardFormulas}
            onChange={(guardFormulas) => change({ guardFormulas })}
          />
        )}
      </fieldset>
    </>
  );
}

interface TableProps {
  readonly wanted: Extract<ExportWanted, { readonly kind: 'table' }>;
  readonly choices: ExportChoices;
  readonly change: (changes: Partial<ExportChoices>) => void;
}

function TableFields({ wanted, choices, change }: TableProps) {
  const { object, selection, count } = wanted;
  const hidden = object.columns.filter(({ name }) => wanted.hidden.includes(name)).length;
  const generated = object.columns.filter((column) => column.generated !== null).length;
  const rows = count === null ? '' : `${count.exact ? '' : 'about '}${rowsText(count.rows)}`;
  return (
    <>
      {isFiltered(selection) ? (
        <Choice
          type="checkbox"
          label="Only the rows that the filters leave"
          note={rows}
          isOn={choices.onlyFiltered}
          onChange={(onlyFiltered) => change({ onlyFiltered })}
        />
      ) : (
        <p class="muted">All rows{rows === '' ? '' : `, ${rows}`}, in the order that is shown.</p>
      )}
      {hidden > 0 && (
        <Choice
          type="checkbox"
          label="Only the columns that are shown"
          note={`${hidden} of ${object.columns.length} are hidden.`}
          isOn={choices.onlyShown}
          onChange={(onlyShown) => change({ onlyShown })}
        />
      )}
      {generated > 0 && (
        <Choice
          type="checkbox"
          label="With generated columns"
          note="SQLite computes them: a file with them cannot be imported into this table again."
          isOn={choices.withGenerated}
          onChange={(withGenerated) => change({ withGenerated })}
        />
      )}
    </>
  );
}

interface ChoiceProps {
  readonly type: 'radio' | 'checkbox';
  readonly label: string;
  readonly note: string;
  readonly isOn: boolean;
  readonly onChange: (isOn: boolean) => void;
}

function Choice({ type, label, note, isOn, onChange }: ChoiceProps) {
  return (
    <label class="choice">
      <input
        type={type}
        name={type === 'radio' ? 'format' : undefined}
        checked={isOn}
        onChange={({ currentTarget }) => onChange(currentTarget.checked)}
      />
      <span>{label}</span>
      {note !== '' && <span class="muted">{note}</span>}
    </label>
  );
}
