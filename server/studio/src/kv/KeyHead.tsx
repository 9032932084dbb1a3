// The head of a key: its name, what it is, when it ends, and what can be done with it.
import { useState } from 'preact/hooks';
import type { StudioKvValue } from '../../../messages/studio/keys.ts';
import { errorText } from '../api/client.ts';
import { tip } from '../keys.ts';
import { isPhone } from '../layout.ts';
import { setParams } from '../location.ts';
import { canEdit } from '../session.ts';
import { dateTime, until } from '../time-text.ts';
import { copyText } from '../ui/copy-text.ts';
import { Icon } from '../ui/Icon.tsx';
import { Menu, type MenuItem } from '../ui/Menu.tsx';
import { fileSize } from '../ui/sizes.ts';
import { toast, toastError } from '../ui/Toast.tsx';
import { keySnippets } from './key-snippets.ts';
import type { KeyStore } from './key-store.ts';
import { LifetimeDialog } from './LifetimeDialog.tsx';
import { bringBack, stateOf } from './rollback.ts';
import { versionName } from './timeline.ts';
import { textOfValue } from './value-text.ts';

interface Props {
  readonly store: KeyStore;
  readonly value: StudioKvValue;
  readonly isEditing: boolean;
  readonly onEdit: () => void;
}

export function KeyHead({ store, value, isEditing, onEdit }: Props) {
  const [isLifetimeOpen, setLifetimeOpen] = useState(false);
  const { key } = store.place;
  const newest = store.versions.value[0];
  const mayEdit = canEdit.value && value.exists;
  return (
    <header class="key-head">
      <div class="key-title">
        {isPhone.value && (
          <button
            type="button"
            class="icon-button"
            aria-label="Back to all keys"
            onClick={() => setParams({ key: '', version: '' })}
          >
            <Icon name="arrowLeft" />
          </button>
        )}
        <h1>{key}</h1>
      </div>
      <p class="key-facts">
        <span class="tag">{value.exists ? value.type : 'deleted'}</span>
        {newest !== undefined && <span title="The newest version">{versionName(newest.version)}</span>}
        {value.exists && <span>{fileSize(value.bytes)}</span>}
        {value.exists && <Lifetime expires={value.expires} />}
      </p>
      <div class="key-actions">
        {mayEdit && !isEditing && (
          <button type="button" class="button" title={tip('Edit the value', 'key-edit')} onClick={onEdit}>
            <Icon name="edit" size={16} /> Edit
          </button>
        )}
        <button
          type="button"
          class="button"
          disabled={!value.exists}
          title="Copy the value"
          onClick={() => void copyText(textOfValue(value)?.text ?? '', 'The value is on the clipboard')}
        >
          <Icon name="copy" size={16} /> <span class="key-action-name">Copy</span>
        </button>
        <Menu label="More for this key" items={moreItems(store, value, mayEdit, () => setLifetimeOpen(true))}>
          <Icon name="more" />
        </Menu>
      </div>
      {isLifetimeOpen && <LifetimeDialog store={store} value={value} onClose={() => setLifetimeOpen(false)} />}
    </header>
  );
}

function Lifetime({ expires }: { readonly expires: string | null }) {
  if (expires === null) return <span>expires: never</span>;
  const at = Date.parse(expires);
  return (
    <span title={dateTime(at)}>
      expires <time dateTime={expires}>{until(at, Date.now())}</time>
    </span>
  );
}

function moreItems(store: KeyStore, value: StudioKvValue, mayEdit: boolean, openLifetime: () => void): MenuItem[] {
  const { key } = store.place;
  const copyItems = keySnippets(store.place, new URL('.', document.baseURI).href).map(({ title, text }, index) => ({
    label: `Copy as ${title}`,
    icon: 'copy' as const,
    startsGroup: index === 0,
    run: () => void copyText(text, `Copied: reads this key with ${title}`),
  }));
  const copyName = {
    label: 'Copy the name',
    icon: 'copy' as const,
    run: () => void copyText(key, 'The name is on the clipboard'),
  };
  const save = { label: 'Save the value as a file', icon: 'download' as const, run: () => void saveValue(store) };
  const reads: MenuItem[] = value.exists ? [copyName, save, ...copyItems] : [copyName, ...copyItems];
  if (!mayEdit) return reads;
  return [
    { label: 'Time to live ...', icon: 'clock', run: openLifetime },
    ...reads,
    { label: 'Delete the key', icon: 'trash', startsGroup: true, isDangerous: true, run: () => void deleteKey(store) },
  ];
}

/** Deleting needs no question, since the toast undoes it and the history keeps it. */
async function deleteKey(store: KeyStore): Promise<void> {
  const value = store.value.peek();
  if (value?.etag == null) return;
  try {
    const before = await stateOf(store, value);
    await store.remove(value.etag);
    const undo = async () => {
      try {
        await bringBack(store, before, null);
        toast({ text: `${store.place.key} is back` });
      } catch (error) {
        toastError(errorText(error));
      }
    };
    toast({ text: `${store.place.key} is deleted`, action: { label: 'Undo', run: () => void undo() } });
  } catch (error) {
    toastError(errorText(error));
  }
}

async function saveValue(store: KeyStore): Promise<void> {
  try {
    const url = URL.createObjectURL(new Blob([await store.bytes()]));
    const link = document.createElement('a');
    link.href = url;
    link.download = store.place.key.replaceAll(/[^\w.-]+/g, '_');
    link.click();
    URL.revokeObjectURL(url);
  } catch (error) {
    toastError(errorText(error));
  }
}
