// Sets when a key ends, or that it stays. The value is not touched.
import { useState } from 'preact/hooks';
import type { StudioKvValue } from '../../../messages/studio/keys.ts';
import { dateTime } from '../time-text.ts';
import { FormDialog } from '../ui/FormDialog.tsx';
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
  const save = async () => {
    if (value.etag === null) return 'The key is gone.';
    await store.setLifetime(seconds, value.etag);
    toast({ text: seconds === null ? `${store.place.key} stays for ever` : `${store.place.key} has a time to live` });
    onClose();
    return undefined;
  };
  return (
    <FormDialog title="Time to live" action="Save" size="small" onClose={onClose} submit={save}>
      <p class="muted">
        {value.expires === null
          ? 'This key stays for ever.'
          : `This key ends on ${dateTime(Date.parse(value.expires))}.`}
      </p>
      <LifetimeField onChange={setSeconds} />
    </FormDialog>
  );
}
