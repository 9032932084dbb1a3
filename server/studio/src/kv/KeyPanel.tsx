// One key: what it is now, or at a version, and beside it who changed it when.
import { useEffect, useMemo, useRef, useState } from 'preact/hooks';
import { reconnects } from '../api/client.ts';
import { useKey } from '../keys.ts';
import { isPhone } from '../layout.ts';
import { useAfterCommits } from '../live/after-commits.ts';
import { following } from '../live/feed.ts';
import { route, setParams } from '../location.ts';
import { canEdit } from '../session.ts';
import { Icon } from '../ui/Icon.tsx';
import { Problem } from '../ui/Problem.tsx';
import { History } from './History.tsx';
import { KeyHead } from './KeyHead.tsx';
import { KeyStore } from './key-store.ts';
import type { KeyPlace } from './place.ts';
import { ValueEditor } from './ValueEditor.tsx';
import { ValueView } from './ValueView.tsx';
import { VersionView } from './VersionView.tsx';

export function KeyPanel({ place }: { readonly place: KeyPlace }) {
  const store = useMemo(() => new KeyStore(place), [place.db, place.table, place.key]);
  const [isEditing, setEditing] = useState(false);
  const [flashes, setFlashes] = useState(0);
  const [isStale, setStale] = useState(false);
  const wakeUps = reconnects.value;
  useEffect(() => {
    void store.load();
  }, [store, wakeUps]);
  useEffect(() => () => store.stop(), [store]);
  const version = route.value.params.version;
  const top = useRef<HTMLElement>(null);
  useEffect(() => {
    if (isPhone.peek() && version !== undefined) top.current?.scrollIntoView({ block: 'start' });
  }, [version]);
  useAfterCommits(place.db, async () => {
    const known = store.value.peek()?.etag;
    if (following.peek()) {
      await store.load();
      if (store.value.peek()?.etag !== known) setFlashes((count) => count + 1);
    } else setStale(await store.hasChanged());
  });
  const value = store.value.value;
  const shown = store.versions.value.find((one) => one.version === version);
  useKey('key-edit', () => {
    if (canEdit.peek() && value?.exists === true && version === undefined) setEditing(true);
    else return false;
  });
  if (store.error.value !== null && value === null) {
    return <Problem error={store.error.value} onRetry={() => void store.load()} />;
  }
  if (value === null) return <div class="loading" aria-busy="true" />;
  return (
    <article ref={top} class="key-panel" aria-label={`Key ${place.key}`}>
      <KeyHead store={store} value={value} onEdit={() => setEditing(true)} isEditing={isEditing} />
      {isStale && !isEditing && (
        <NewerValue
          onShow={() => {
            setStale(false);
            void store.load().then(() => setFlashes((count) => count + 1));
          }}
        />
      )}
      <div class="key-body">
        <div class="key-main" key={flashes} data-flash={flashes > 0 ? '' : undefined}>
          {isEditing ? (
            <ValueEditor store={store} value={value} onClose={() => setEditing(false)} />
          ) : version !== undefined && shown !== undefined ? (
            <VersionView key={version} store={store} version={shown} />
          ) : (
            <ValueView store={store} value={value} />
          )}
        </div>
        <History store={store} selected={version} />
      </div>
      {isPhone.value && version !== undefined && (
        <button type="button" class="button key-to-now" onClick={() => setParams({ version: '' })}>
          <Icon name="arrowLeft" size={16} /> Back to the value now
        </button>
      )}
    </article>
  );
}

function NewerValue({ onShow }: { readonly onShow: () => void }) {
  return (
    <div class="key-newer" role="status">
      <Icon name="pulse" size={16} />
      <span>Somebody has just changed this key.</span>
      <button type="button" class="button quiet" onClick={onShow}>
        Show the new value
      </button>
    </div>
  );
}
