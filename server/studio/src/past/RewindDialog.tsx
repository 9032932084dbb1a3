// A rewind in two clicks: the first one opens this and shows what it will change and who has the database open, the
// second one does it. The message that follows offers to undo it.
import { useEffect, useState } from 'preact/hooks';
import { errorText } from '../api/client.ts';
import { loadSchema } from '../session.ts';
import { dateTime } from '../time-text.ts';
import { Dialog } from '../ui/Dialog.tsx';
import { Problem } from '../ui/Problem.tsx';
import { toast, toastError } from '../ui/Toast.tsx';
import type { RewindPreview } from './answers.ts';
import { previewRewind, rewind, undoRewind } from './requests.ts';
import { changeText } from './words.ts';

interface Props {
  readonly db: string;
  readonly bookmark: string;
  readonly onDone: () => void;
  readonly onClose: () => void;
}

export function RewindDialog({ db, bookmark, onDone, onClose }: Props) {
  const [preview, setPreview] = useState<RewindPreview | null>(null);
  const [error, setError] = useState<unknown>(null);
  const [isBusy, setBusy] = useState(false);
  useEffect(() => {
    previewRewind(db, bookmark).then(setPreview, setError);
  }, [db, bookmark]);

  const undo = () =>
    undoRewind(db).then(
      () => {
        toast({ text: `${db} is as it was before the rewind` });
        void loadSchema();
        onDone();
      },
      (cause: unknown) => toastError(errorText(cause)),
    );
  const confirm = async () => {
    setBusy(true);
    try {
      const { changed } = await rewind(db, bookmark);
      const text = changed ? `${db} was rewound` : `${db} was that state already`;
      toast({ text, ...(changed ? { action: { label: 'Undo', run: () => void undo() } } : {}) });
      void loadSchema();
      onDone();
      onClose();
    } catch (cause) {
      setError(cause);
      setBusy(false);
    }
  };
  return (
    <Dialog
      title="Rewind the database"
      onClose={onClose}
      actions={
        <>
          <button type="button" class="button" onClick={onClose}>
            Cancel
          </button>
          <button
            type="button"
            class="button danger"
            disabled={preview === null || isBusy}
            onClick={() => void confirm()}
          >
            Rewind {db}
          </button>
        </>
      }
    >
      {error !== null && <Problem error={error} />}
      {preview === null && error === null && <div class="loading" aria-busy="true" />}
      {preview !== null && (
        <>
          <p>
            {db} becomes what it was at {dateTime(Date.parse(preview.to.time))}. This takes back{' '}
            {preview.commits_undone === 1 ? '1 commit' : `${preview.commits_undone} commits`}, as one new commit. You
            can undo it.
          </p>
          <ul class="past-changes">
            {preview.tables.map((table) => (
              <li key={table.table}>
                <b>{table.table}</b> {changeText(table)}
              </li>
            ))}
          </ul>
          {preview.tables.length === 0 && <p class="muted">No table changes.</p>}
          {!preview.is_complete && <p class="muted">Not every row was counted in time.</p>}
          {preview.open_by.length > 0 && (
            <p>
              Open by {preview.open_by.map(({ command, pid }) => `${command} (pid ${pid})`).join(', ')}. They keep
              working, and their next transaction sees the old state.
            </p>
          )}
        </>
      )}
    </Dialog>
  );
}
