// Sets when a key ends, or that it stays. The value is not touched.
import { useState } from 'preact/hooks';
import type { StudioKvValue } from '../../../messages/studio.ts';
import { errorText } from '../api/client.ts';
import { dateTime } from '../time-text.ts';
import { Dialog } from '../ui/Dialog.tsx';
import { toast } from '../ui/Toast.tsx';
import type { KeyStore } from './key-store.ts';
import { LifetimeField } from './LifetimeField.tsx';

interface Props {
  readonly store: KeyStore;
  readonly value: StudioKvValue;
  readonly onClose: () => void;
}

export function LifetimeDialog({ store, value, onClose }: Props) {
  const [seconds, setSeconds] = useState<number | null>(null);
  const [error, setError] = useState<string | null>(null);
  const save = async () => {
    if (value.etag === null) return;
    try {
      await store.setLifetime(seconds, value.etag);
      toast({ text: seconds === null ? `${store.place.key} stays for ever` : `${store.place.key} has a time to live` });
      onClose();
    } catch (cause) {
      setError(errorText(cause));
    }
  };
  return (
    <Dialog
      title="Time to live"
      size="small"
      onClose={onClose}
      actions={
        <>
          <button type="button" class="button" onClick={onClose}>
            Cancel
          </button>
          <button type="button" class="button primary" onClick={() => void save()}>
            Save
          </button>
        </>
      }
    >
      <p class="muted">
        {value.expires === null
          ? 'This key stays for ever.'
          : `This key ends on ${dateTime(Date.parse(value.expires))}.`}
      </p>
      <LifetimeField onChange={setSeconds} />
      {error !== null && <p class="error-text">{error}</p>}
    </Dialog>
  );
}
