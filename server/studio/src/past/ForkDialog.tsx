// A moment becomes a new database.
import { useState } from 'preact/hooks';
import { errorText } from '../api/client.ts';
import { linkTo } from '../location.ts';
import { loadOverview } from '../session.ts';
import { FormDialog } from '../ui/FormDialog.tsx';
import { toast } from '../ui/Toast.tsx';
import { fork } from './requests.ts';

interface Props {
  readonly db: string;
  readonly at: string;
  readonly onClose: () => void;
}

export function ForkDialog({ db, at, onClose }: Props) {
  const [name, setName] = useState(`${db.replace(/\.db$/, '')}-then`);
  const submit = async () => {
    try {
      await fork(db, at, name);
    } catch (error) {
      return errorText(error);
    }
    const path = name.endsWith('.db') ? name : `${name}.db`;
    toast({
      text: `${path} holds that moment`,
      action: {
        label: 'Open',
        run: () => window.location.assign(linkTo({ view: 'tables', db: path, params: {} })),
      },
    });
    void loadOverview();
    onClose();
    return undefined;
  };
  return (
    <FormDialog title="Copy this moment" action="Copy" size="small" onClose={onClose} submit={submit}>
      <label class="labelled">
        Name of the new database
        <input
          class="field mono"
          data-autofocus
          value={name}
          required
          onInput={(event) => setName(event.currentTarget.value)}
        />
      </label>
    </FormDialog>
  );
}
