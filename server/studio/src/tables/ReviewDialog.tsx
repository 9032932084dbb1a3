// The staged edits as SQL, and the button that applies them in one transaction. Conflicts come back side by side.
import { useEffect, useRef, useState } from 'preact/hooks';
import type { StudioConflicts } from '../../../messages/studio/edits.ts';
import { ApiError } from '../api/client.ts';
import { copyText } from '../grid/copy.ts';
import { keyText, useKey } from '../keys.ts';
import { feedOf } from '../live/feed.ts';
import { Dialog } from '../ui/Dialog.tsx';
import { KeyText } from '../ui/KeyText.tsx';
import { Problem } from '../ui/Problem.tsx';
import { toast } from '../ui/Toast.tsx';
import { ConflictList } from './ConflictList.tsx';
import { applyChanges } from './requests.ts';
import { changesFor, rebase } from './staged.ts';
import { clearStaged, stage, staged } from './staged-store.ts';

interface Props {
  readonly db: string;
  readonly onClose: () => void;
  readonly onApplied: () => void;
}

type Conflict = StudioConflicts['conflicts'][number];

export function ReviewDialog({ db, onClose, onApplied }: Props) {
  const [sql, setSql] = useState<readonly string[] | null>(null);
  const [conflicts, setConflicts] = useState<readonly Conflict[]>([]);
  const [error, setError] = useState<unknown>(null);
  const [isBusy, setBusy] = useState(false);
  const changes = staged.value;

  const failed = (cause: unknown) => {
    const found = cause instanceof ApiError && cause.code === 'CONFLICT' ? conflictsOf(cause) : [];
    setConflicts(found);
    setError(found.length > 0 ? null : cause);
  };
  useEffect(() => {
    if (changes.length === 0) return onClose();
    let isShown = true;
    applyChanges(db, { changes: changesFor(changes), dryRun: true }).then(
      (answer) => {
        if (!isShown) return;
        setSql(answer.sql);
        setConflicts([]);
        setError(null);
      },
      (cause: unknown) => isShown && failed(cause),
    );
    return () => {
      isShown = false;
    };
  }, [changes]);

  const apply = async () => {
    if (isBusy || conflicts.length > 0 || changes.length === 0) return;
    setBusy(true);
    try {
      feedOf(db).expectOwn();
      await applyChanges(db, { changes: changesFor(changes) });
      clearStaged();
      toast({ text: changes.length === 1 ? 'The edit is applied.' : `${changes.length} edits are applied.` });
      onApplied();
      onClose();
    } catch (cause) {
      failed(cause);
    } finally {
      setBusy(false);
    }
  };
  useKey('apply', () => void apply());

  const resolve = (conflict: Conflict, keepMine: boolean) => {
    setConflicts(conflicts.filter((one) => one !== conflict));
    stage((now) =>
      now.flatMap((change, at) => {
        if (at !== conflict.change) return [change];
        const next = keepMine ? rebase(change, conflict.now) : null;
        return next === null ? [] : [next];
      }),
    );
  };
  const isBlocked = conflicts.length > 0;
  // Enter does no harm: it leaves everything as it is while there are conflicts, and applies when there are none.
  const back = useRef<HTMLButtonElement>(null);
  const applying = useRef<HTMLButtonElement>(null);
  useEffect(() => (isBlocked ? back : applying).current?.focus(), [isBlocked]);
  return (
    <Dialog
      title={isBlocked ? 'Somebody else has changed these rows' : 'Review the SQL'}
      size="large"
      onClose={onClose}
      actions={
        <>
          {sql !== null && !isBlocked && (
            <button
              type="button"
              class="button"
              onClick={() => void copyText(scriptOf(sql)).then(() => toast({ text: 'Copied the SQL.' }))}
            >
              Copy the SQL
            </button>
          )}
          <span class="spacer" />
          <button ref={back} type="button" class="button" onClick={onClose}>
            Back
          </button>
          <button
            ref={applying}
            type="button"
            class="button primary"
            aria-disabled={isBusy || isBlocked}
            onClick={() => void apply()}
          >
            {isBusy ? 'Applying ...' : 'Apply in one transaction'}
            <KeyText keys={keyText('apply')} />
          </button>
        </>
      }
    >
      {error !== null && <Problem error={error} />}
      {isBlocked ? (
        <ConflictList staged={changes} conflicts={conflicts} onResolve={resolve} />
      ) : sql === null ? (
        error === null && <div class="loading" aria-busy="true" />
      ) : (
        // biome-ignore lint/a11y/noNoninteractiveTabindex: a region that scrolls must be reachable by keyboard
        <pre class="review-sql" tabIndex={0}>
          {scriptOf(sql)}
        </pre>
      )}
    </Dialog>
  );
}

function scriptOf(statements: readonly string[]): string {
  return statements.map((sql) => (/;\s*$/.test(sql) ? sql : `${sql};`)).join('\n');
}

function conflictsOf(error: ApiError): readonly Conflict[] {
  const { conflicts } = error.body as Partial<StudioConflicts>;
  return Array.isArray(conflicts) ? conflicts : [];
}
