// Gives a query a name.
import { useState } from 'preact/hooks';
import { Dialog } from '../ui/Dialog.tsx';
import { toast } from '../ui/Toast.tsx';
import { savedOf, saveQuery } from './saved.ts';

interface Props {
  readonly db: string;
  readonly sql: string;
  readonly onClose: () => void;
}

export function SaveDialog({ db, sql, onClose }: Props) {
  const [name, setName] = useState('');
  const isKnown = savedOf(db).some((one) => one.name === name.trim());
  const save = () => {
    if (name.trim() === '' || sql.trim() === '') return;
    saveQuery({ db, name: name.trim(), sql });
    toast({ text: `Saved "${name.trim()}" in this browser.` });
    onClose();
  };
  return (
    <Dialog
      title="Save the query"
      size="small"
      onClose={onClose}
      actions={
        <button type="submit" form="save-query" class="button primary" disabled={name.trim() === ''}>
          {isKnown ? 'Replace' : 'Save'}
        </button>
      }
    >
      <form
        id="save-query"
        onSubmit={(event) => {
          event.preventDefault();
          save();
        }}
      >
        <label class="labelled">
          Name
          <input
            class="field"
            data-autofocus
            value={name}
            onInput={({ currentTarget }) => setName(currentTarget.value)}
          />
        </label>
      </form>
      <p class="muted">It stays in this browser. A share link shows it to others.</p>
    </Dialog>
  );
}
