// The parameters of a query as fields: `:name`, `?` and their like get their values here.
import type { StudioValue } from '../../../messages/studio/values.ts';
import { filterValueOf, textOf } from '../api/values.ts';
import type { Parameters } from './runner.ts';

interface Props {
  readonly names: readonly string[];
  readonly values: Parameters;
  readonly onChange: (values: Parameters) => void;
}

export function ParameterForm({ names, values, onChange }: Props) {
  const set = (name: string, value: StudioValue) => onChange({ ...values, [name]: value });
  return (
    <fieldset class="sql-parameters">
      <legend>Parameters</legend>
      {names.map((name) => {
        const value = values[name] ?? null;
        return (
          <div key={name} class="sql-parameter">
            <label class="labelled">
              {/^\d+$/.test(name) ? `?${name}` : `:${name}`}
              <input
                class="field mono"
                value={textOf(value)}
                placeholder={value === null ? 'NULL' : ''}
                onInput={({ currentTarget }) => set(name, filterValueOf(currentTarget.value, ''))}
              />
            </label>
            <button type="button" class="button quiet" disabled={value === null} onClick={() => set(name, null)}>
              NULL
            </button>
          </div>
        );
      })}
    </fieldset>
  );
}
