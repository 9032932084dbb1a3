// Asks for a time of the reader's own zone, and gives it in RFC 3339.
import { useState } from 'preact/hooks';

interface Props {
  readonly label: string;
  readonly action: string;
  readonly onChosen: (time: string) => void;
}

export function TimeField({ label, action, onChosen }: Props) {
  const [text, setText] = useState('');
  const timeMs = Date.parse(text);
  return (
    <form
      class="past-time"
      onSubmit={(event) => {
        event.preventDefault();
        onChosen(new Date(timeMs).toISOString());
      }}
    >
      <label class="past-choice">
        {label}{' '}
        <input
          class="field"
          type="datetime-local"
          step="1"
          value={text}
          onInput={(event) => setText(event.currentTarget.value)}
        />
      </label>
      <button type="submit" class="button" disabled={Number.isNaN(timeMs) || timeMs > Date.now()}>
        {action}
      </button>
    </form>
  );
}
