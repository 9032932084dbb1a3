// Opens the dialog that makes a link of the present view.
import { useEffect, useState } from 'preact/hooks';
import { route } from '../location.ts';
import { canEdit, database } from '../session.ts';
import { Icon } from '../ui/Icon.tsx';

/** Views that have something to share; which, the dialog finds out. */
const shareable: ReadonlySet<string> = new Set(['tables', 'sql', 'keys']);

export function ShareButton() {
  const [isOpen, setOpen] = useState(false);
  if (!canEdit.value || database.value === null || !shareable.has(route.value.view)) return null;
  return (
    <>
      <button type="button" class="icon-button share-button" title="Share this view" onClick={() => setOpen(true)}>
        <Icon name="share" />
        <span class="share-button-text">Share</span>
      </button>
      {isOpen && <LazyDialog onClose={() => setOpen(false)} />}
    </>
  );
}

function LazyDialog({ onClose }: { readonly onClose: () => void }) {
  const [Dialog, setDialog] = useState<typeof import('./ShareDialog.tsx').ShareDialog | null>(null);
  useEffect(() => {
    void import('./ShareDialog.tsx').then((module) => setDialog(() => module.ShareDialog));
  }, []);
  return Dialog === null ? null : <Dialog onClose={onClose} />;
}
