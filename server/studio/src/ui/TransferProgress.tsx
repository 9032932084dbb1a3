// How far a file is on its way.
import { fileSize } from './sizes.ts';
import './transfer.css';

interface Props {
  /** What is done, e.g. "The server writes the file". */
  readonly label: string;
  readonly bytes: number;
  /** Null: nobody knows, or the other side is at work. */
  readonly total: number | null;
}

export function TransferProgress({ label, bytes, total }: Props) {
  const sizes = total === null ? (bytes === 0 ? '' : fileSize(bytes)) : `${fileSize(bytes)} of ${fileSize(total)}`;
  return (
    <div class="transfer-progress">
      <p>
        {label} <span class="muted">{sizes}</span>
      </p>
      {total === null ? (
        <progress aria-label={label} />
      ) : (
        <progress aria-label={label} value={bytes} max={total || 1} />
      )}
    </div>
  );
}
