// Asks once before a key is rolled back, with what will change; the button has the focus. Afterwards a toast offers to
// undo it.
import { useState } from 'preact/hooks';
import { errorText } from '../api/client.ts';
import { setParams } from '../location.ts';
import { dateTime } from '../time-text.ts';
import { Dialog } from '../ui/Dialog.tsx';
import { toast, toastError } from '../ui/Toast.tsx';
import type { KeyStore } from './key-store.ts';
import { KeyConflict } from './requests.ts';
import { bringBack, type KeyState, stateOf } from './rollback.ts';
import { type KeyVersion, versionName } from './timeline.ts';
import { VersionDiff } from './VersionDiff.tsx';

interface Props {
  readonly store: KeyStore;
  readonly version: KeyVersion;
  readonly onClose: () => void;
}

export function RollbackDialog({ store, version, onClose }: Props) {
  const [error, setError] = useState<string | null>(null);
  const [isBusy, setBusy] = useState(false);
  const newest = store.versions.value[0];
  const next =
    newest !== undefined && /^\d+$/.test(newest.version) ? `v${Number(newest.version) + 1}` : 'a new version';
  const name = versionName(version.version);
  const rollBack = async () => {
    setBusy(true);
    try {
      await rollKeyBack(store, version);
      setParams({ version: '', with: '' });
      onClose();
    } catch (cause) {
      setBusy(false);
      await store.load();
      setError(
        cause instanceof KeyConflict
          ? 'Somebody has changed this key a moment ago. The difference now shows their version: look again.'
          : errorText(cause),
      );
    }
  };
  return (
    <Dialog
      title={`Roll back to ${name}`}
      size="large"
      onClose={onClose}
      actions={
        <>
          <button type="button" class="button" onClick={onClose}>
            Cancel
          </button>
          <button type="button" class="button primary" data-autofocus disabled={isBusy} onClick={() => void rollBack()}>
            Roll back
          </button>
        </>
      }
    >
      <p>
        {version.exists
          ? `Writes ${next} equal to ${name} of ${dateTime(Date.parse(version.at))}.`
          : `Deletes the key, as ${name} did.`}{' '}
        {newest !== undefined && `${versionName(newest.version)} stays in the history.`}
      </p>
      <VersionDiff store={store} older={newest} newer={version} />
      {error !== null && (
        <p class="error-text" role="alert">
          {error}
        </p>
      )}
    </Dialog>
  );
}

/** Both states are read before anything is written, so that Undo needs nothing that may be gone by then. */
async function rollKeyBack(store: KeyStore, version: KeyVersion): Promise<void> {
  const now = store.value.peek();
  if (now === null) return;
  const before = await stateOf(store, now);
  const target = await stateOf(store, await store.valueOf(version.version), version.version);
  const etag = await bringBack(store, target, now.etag);
  toast({
    text: `${store.place.key} is as it was at ${versionName(version.version)}`,
    action: { label: 'Undo', run: () => void undo(store, before, etag) },
  });
}

/** `etag` is of the version that the rollback made: a later one of somebody else is not overwritten. */
async function undo(store: KeyStore, before: KeyState, etag: string | null): Promise<void> {
  try {
    await bringBack(store, before, etag);
    toast({ text: `${store.place.key} is as it was before` });
  } catch (error) {
    toastError(error instanceof KeyConflict ? 'Not undone: somebody has changed the key since.' : errorText(error));
  }
}
