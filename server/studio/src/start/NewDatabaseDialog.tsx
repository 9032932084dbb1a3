// Makes a database, empty or with the sample of a small shop, and opens it.
import { useState } from 'preact/hooks';
import { errorText, post } from '../api/client.ts';
import { navigate } from '../location.ts';
import { loadOverview, overview } from '../session.ts';
import { FormDialog } from '../ui/FormDialog.tsx';
import { toast, toastError } from '../ui/Toast.tsx';

const sampleName = 'shop.db';
/** What the server takes as a name below the root. */
const plainName = /^[A-Za-z0-9._-]+$/;

export function NewDatabaseDialog({ onClose }: { readonly onClose: () => void }) {
  const [name, setName] = useState('');
  const [withKeys, setWithKeys] = useState(true);
  const make = async () => {
    if (!plainName.test(name)) return 'A name has letters, digits, dots, dashes and underscores.';
    await post('db/create', { path: name, init_kv: withKeys }, undefined);
    await loadOverview();
    const db = /\.\w+$/.test(name) ? name : `${name}.db`;
    toast({ text: `${db} is ready` });
    onClose();
    navigate({ view: withKeys ? 'keys' : 'sql', db, params: {} });
    return undefined;
  };
  return (
    <FormDialog
      title="Create a database"
      action="Create"
      size="small"
      formClass="start-form"
      onClose={onClose}
      submit={make}
    >
      <label class="labelled">
        Name
        <input
          class="field mono"
          data-autofocus
          placeholder="app.db"
          autocomplete="off"
          spellcheck={false}
          value={name}
          onInput={(event) => setName(event.currentTarget.value)}
        />
      </label>
      <p class="muted">
        The file becomes <code>{`${overview.value?.root ?? ''}/${name || 'app.db'}`}</code>
      </p>
      <label class="check">
        <input type="checkbox" checked={withKeys} onChange={(event) => setWithKeys(event.currentTarget.checked)} />
        With a table for keys
      </label>
    </FormDialog>
  );
}

/** Fills a database that is not there yet with the sample, and opens it. */
export async function loadSample(): Promise<void> {
  const taken = new Set((overview.peek()?.databases ?? []).map(({ db }) => db));
  let db = sampleName;
  for (let number = 2; taken.has(db); number += 1) db = sampleName.replace('.', `-${number}.`);
  try {
    await post('studio/sample', { db }, undefined);
    await loadOverview();
    toast({ text: `${db} is ready: 8 tables, 50,000 rows, keys with history` });
    navigate({ view: 'tables', db, params: { table: 'orders' } });
  } catch (error) {
    toastError(errorText(error));
  }
}
