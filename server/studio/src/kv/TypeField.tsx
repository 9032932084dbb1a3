// What a value is stored as: JSON, which is checked, or text.

export const valueTypes = { json: 'application/json', text: 'text/plain' } as const;
export type ValueType = keyof typeof valueTypes;

interface Props {
  readonly type: ValueType;
  readonly onChange: (type: ValueType) => void;
}

export function TypeField({ type, onChange }: Props) {
  return (
    <fieldset class="value-type">
      <legend>Stored as</legend>
      {(['json', 'text'] as const).map((one) => (
        <label key={one} class="check">
          <input type="radio" name="value-type" checked={one === type} onChange={() => onChange(one)} />
          {one === 'json' ? 'JSON' : 'Text'}
        </label>
      ))}
    </fieldset>
  );
}

/** Why a text cannot be stored as this; null where it can. */
export function valueProblem(text: string, type: ValueType): string | null {
  if (type === 'text') return null;
  try {
    JSON.parse(text);
    return null;
  } catch (error) {
    return `Not JSON yet: ${error instanceof Error ? error.message : String(error)}`;
  }
}
