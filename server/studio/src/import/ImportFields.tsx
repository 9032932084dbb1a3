// How the file is read, and which table gets its rows.
import type { StudioCsvDelimiter } from '../../../messages/studio/files.ts';
import { schema } from '../session.ts';
import { DelimiterField } from '../ui/DelimiterField.tsx';
import { type ImportFormat, importFormats, tableNameOf } from './file.ts';
import type { ImportPlan } from './requests.ts';

interface Props {
  readonly plan: ImportPlan;
  /** What the server has found between the fields. */
  readonly found: StudioCsvDelimiter;
  /** What is wrong with the name of a new table. */
  readonly problem: string | null;
  readonly isDisabled: boolean;
  readonly onChange: (changes: Partial<ImportPlan>) => void;
}

/** Tables cannot have this name in the list of choices: it is a value, not a name. */
const newTable = '';

export function ImportFields({ plan, found, problem, isDisabled, onChange }: Props) {
  const objects = schema.value?.objects ?? [];
  const tables = objects.filter(({ type, group }) => type !== 'view' && group === 'user').map(({ name }) => name);
  const target = plan.create ? newTable : String(tables.indexOf(plan.table) + 1);
  const chooseTarget = (chosen: string) => {
    if (chosen !== newTable) return onChange({ create: false, table: tables[Number(chosen) - 1] ?? '', types: null });
    const name = plan.file instanceof File ? plan.file.name : '';
    onChange({
      create: true,
      table: tableNameOf(
        name,
        objects.map((object) => object.name),
      ),
      types: null,
    });
  };
  return (
    <fieldset class="import-fields" disabled={isDisabled}>
      <legend class="visually-hidden">How it is read, and where it goes</legend>
      <label class="labelled">
        Format
        <select
          class="field"
          value={plan.format}
          onChange={({ currentTarget }) => onChange({ format: currentTarget.value as ImportFormat, types: null })}
        >
          {importFormats.map(({ id, label }) => (
            <option key={id} value={id}>
              {label}
            </option>
          ))}
        </select>
      </label>
      <label class="labelled">
        Into
        <select class="field" value={target} onChange={({ currentTarget }) => chooseTarget(currentTarget.value)}>
          <option value={newTable}>a new table</option>
          {tables.map((name, at) => (
            <option key={name} value={String(at + 1)}>
              {name === '' ? '(no name)' : name}
            </option>
          ))}
        </select>
      </label>
      {plan.create && (
        <label class="labelled">
          Name of the new table
          <input
            class="field mono"
            value={plan.table}
            autocomplete="off"
            spellcheck={false}
            aria-invalid={problem !== null}
            aria-describedby={problem === null ? undefined : 'import-name-problem'}
            onInput={({ currentTarget }) => onChange({ table: currentTarget.value })}
          />
        </label>
      )}
      {plan.format === 'csv' && (
        <DelimiterField
          value={plan.delimiter === 'auto' ? found : plan.delimiter}
          onChange={(delimiter) => onChange({ delimiter, types: null })}
        />
      )}
      {plan.format === 'csv' && (
        <label class="check">
          <input
            type="checkbox"
            checked={plan.header}
            onChange={({ currentTarget }) => onChange({ header: currentTarget.checked, types: null })}
          />
          The first line names the columns
        </label>
      )}
      {problem !== null && (
        <p id="import-name-problem" class="error-text" role="alert">
          {problem}
        </p>
      )}
    </fieldset>
  );
}
