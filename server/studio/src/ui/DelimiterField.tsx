// What stands between the fields of a CSV file, as a choice.
import type { StudioCsvDelimiter } from '../../../messages/studio/files.ts';

const delimiters: readonly { readonly id: StudioCsvDelimiter; readonly label: string }[] = [
  { id: 'comma', label: 'comma ,' },
  { id: 'semicolon', label: 'semicolon ;' },
  { id: 'tab', label: 'tab' },
];

interface Props {
  readonly value: StudioCsvDelimiter;
  readonly onChange: (value: StudioCsvDelimiter) => void;
}

export function DelimiterField({ value, onChange }: Props) {
  return (
    <label class="labelled">
      Between fields
      <select
        class="field"
        value={value}
        onChange={({ currentTarget }) => onChange(currentTarget.value as StudioCsvDelimiter)}
      >
        {delimiters.map(({ id, label }) => (
          <option key={id} value={id}>
            {label}
          </option>
        ))}
      </select>
    </label>
  );
}
