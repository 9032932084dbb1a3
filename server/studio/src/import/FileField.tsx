// The file to import: chosen with the browser's own field, or dropped on it.
import { useRef, useState } from 'preact/hooks';
import { Icon } from '../ui/Icon.tsx';
import { fileSize } from '../ui/sizes.ts';

interface Props {
  readonly file: Blob | null;
  readonly isDisabled: boolean;
  readonly onFile: (file: File) => void;
}

export function FileField({ file, isDisabled, onFile }: Props) {
  const input = useRef<HTMLInputElement>(null);
  const [isOver, setOver] = useState(false);
  const take = (files: FileList | null | undefined) => {
    const first = files?.[0];
    if (first !== undefined && !isDisabled) onFile(first);
  };
  return (
    // biome-ignore lint/a11y/noStaticElementInteractions: a drop is a shortcut; the field within does the same
    <div
      class={`import-drop${isOver ? ' is-over' : ''}`}
      onDragOver={(event) => {
        event.preventDefault();
        setOver(true);
      }}
      onDragLeave={() => setOver(false)}
      onDrop={(event) => {
        event.preventDefault();
        setOver(false);
        take(event.dataTransfer?.files);
      }}
    >
      <Icon name="upload" size={22} />
      <div>
        <label class="labelled">
          {file === null ? 'A CSV, JSON or JSON Lines file' : 'Another file'}
          <input
            ref={input}
            type="file"
            data-autofocus
            accept=".csv,.json,.jsonl,.ndjson,.txt,text/csv,application/json"
            disabled={isDisabled}
            onChange={({ currentTarget }) => take(currentTarget.files)}
          />
        </label>
        <p class="muted">{file instanceof File ? `${file.name}, ${fileSize(file.size)}` : 'Or drop it here.'}</p>
      </div>
    </div>
  );
}
