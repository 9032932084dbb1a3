// One value of a grid that is only read, as far as it came, with a way to copy it.
import type { StudioValue } from '../../../messages/studio/values.ts';
import { bytesOf, isCut, kindOf, textOf } from '../api/values.ts';
import { copyText } from '../ui/copy-text.ts';
import { Dialog } from '../ui/Dialog.tsx';
import { fileSize } from '../ui/sizes.ts';

interface Props {
  readonly name: string;
  readonly value: StudioValue;
  readonly onClose: () => void;
}

export function ValueCard({ name, value, onClose }: Props) {
  const kind = kindOf(value);
  return (
    <Dialog
      title={name === '' ? 'Value' : name}
      size="large"
      onClose={onClose}
      actions={
        <button
          type="button"
          class="button"
          data-autofocus
          onClick={() => copyText(textOf(value), 'Copied the value.')}
        >
          Copy
        </button>
      }
    >
      <p class="muted">
        {kind === 'null' ? 'NULL' : `${kind}, ${fileSize(bytesOf(value))}`}
        {isCut(value) && ', of which the beginning is shown.'}
      </p>
      {kind !== 'null' && (
        // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reached by keyboard
        <pre class="value-card" tabIndex={0}>
          {textOf(value)}
        </pre>
      )}
    </Dialog>
  );
}
