// A time to live as a number and a unit, or none.
import { useState } from 'preact/hooks';

const units = [
  ['never', 0],
  ['seconds', 1],
  ['minutes', 60],
  ['hours', 3600],
  ['days', 86_400],
] as const;

interface Props {
  /** Seconds, or null for ever. */
  readonly onChange: (seconds: number | null) => void;
}

export function LifetimeField({ onChange }: Props) {
  const [amount, setAmount] = useState(1);
  const [unit, setUnit] = useState<number>(0);
  const tell = (nextAmount: number, nextUnit: number) => {
    setAmount(nextAmount);
    setUnit(nextUnit);
    onChange(nextUnit === 0 ? null : Math.max(1, Math.round(nextAmount * nextUnit)));
  };
  return (
    <fieldset class="lifetime">
      <legend>Expires</legend>
      {unit !== 0 && (
        <input
          class="field"
          type="number"
          min="1"
          aria-label="After how many"
          value={amount}
          onInput={(event) => tell(event.currentTarget.valueAsNumber || 1, unit)}
        />
      )}
      <select
        class="field"
        aria-label="Unit of time"
        data-autofocus
        value={unit}
        onChange={(event) => tell(amount, Number(event.currentTarget.value))}
      >
        {units.map(([name, seconds]) => (
          <option key={name} value={seconds}>
            {seconds === 0 ? 'never' : `after some ${name}`}
          </option>
        ))}
      </select>
    </fieldset>
  );
}
