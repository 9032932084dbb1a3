// Gives a query a name.
import { useState } from 'preact/hooks';
import { FormDialog } from '../ui/FormDialog.tsx';
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
  const save = async () => {
    if (sql.trim() === '') return 'Write a query first.';
    saveQuery({ db, name: name.trim(), sql });
    toast({ text: `Saved "${name.trim()}" in this browser.` });
    onClose();
    return undefined;
  };
  return (
    <FormDialog
      title="Save the query"
      action={isKnown ? 'Replace' : 'Save'}
      size="small"
      isDisabled={name.trim() === ''}
      onClose={onClose}
      submit={save}
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
      <p class="muted">It stays in this browser. A share link shows it to others.</p>
    </FormDialog>
  );
}
