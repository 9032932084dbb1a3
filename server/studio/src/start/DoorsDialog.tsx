// The doors of one database, from its card or from the head of the page.
import { Dialog } from '../ui/Dialog.tsx';
import { Doors } from './Doors.tsx';

interface Props {
  readonly db: string;
  readonly path: string;
  readonly onClose: () => void;
}

export function DoorsDialog({ db, path, onClose }: Props) {
  return (
    <Dialog title={`Use ${db} from a program`} size="large" onClose={onClose}>
      <Doors db={db} path={path} />
    </Dialog>
  );
}
