// The doors of one database, from its card or from the menu of the page.
import { Dialog } from '../ui/Dialog.tsx';
import { usedDatabase } from '../ui/open-dialogs.ts';
import { Doors } from './Doors.tsx';

interface Props {
  readonly db: string;
  readonly path: string;
}

export function DoorsDialog({ db, path }: Props) {
  const close = () => {
    usedDatabase.value = null;
  };
  return (
    <Dialog title={`Use ${db} from a program`} size="large" onClose={close}>
      <Doors db={db} path={path} />
    </Dialog>
  );
}
